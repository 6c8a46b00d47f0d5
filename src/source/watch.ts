// Follows a mesh file: written in place, replaced by rename, swapped through a symbolic link (as Kubernetes does with ..data),
// deleted and made again. Directories are watched, not the file: an inotify watch on a file dies with its inode.
import { type FSWatcher, lstatSync, readlinkSync, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { MeshError } from "../errors.ts";
import { type MeshFile, parseMeshFile } from "./mesh-file.ts";
import { hashText, readText } from "./text.ts";

/** A writer that is quiet for so long is done. */
const QUIET_MS = 50;
/** Where a directory isn't there (yet) there is nothing to watch: look again. */
const RETRY_MS = 1_000;
const MAX_LINKS = 40;

/**
 * The file whenever its content is another than before; an error once, until the content is another. `known` is the content hash
 * of a file that was read before. Ends with the signal.
 */
export async function* watchMeshFile(
  path: string,
  signal: AbortSignal,
  known?: string,
): AsyncGenerator<MeshFile | MeshError, void> {
  const changes = watchPath(path, signal);
  let last = known;
  try {
    for await (const _ of changes) {
      const { key, value } = readOnce(path, last);
      if (value === undefined) continue;
      last = key;
      yield value;
    }
  } finally {
    changes.close();
  }
}

interface Reading {
  /** Equal for equal content, or for the same reason why there is none. */
  readonly key: string;
  /** Undefined if the key is the last one. */
  readonly value: MeshFile | MeshError | undefined;
}

function readOnce(path: string, last: string | undefined): Reading {
  let key = "";
  try {
    const text = readText(path);
    key = hashText(text);
    return { key, value: key === last ? undefined : parseMeshFile(text, path) };
  } catch (cause) {
    const error = MeshError.from(cause);
    if (key === "") key = `error ${error.message}`;
    return { key, value: key === last ? undefined : error };
  }
}

interface Changes extends AsyncIterable<void> {
  close(): void;
}

/** One turn at once, then one after each quiet period that follows a change. */
function watchPath(path: string, signal: AbortSignal): Changes {
  let watchers: FSWatcher[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDue = true;
  let wake: (() => void) | undefined;

  const later = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isDue = true;
      wake?.();
    }, delayMs);
  };
  const unwatch = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  /** Links may lead elsewhere than before: watch anew before every reading, so that no change falls between. */
  const rewatch = (): void => {
    unwatch();
    for (const [directory, names] of placesOf(path)) {
      const watcher = watchDirectory(directory, names, () => later(QUIET_MS));
      if (watcher === undefined) later(RETRY_MS);
      else watchers.push(watcher);
    }
  };
  const close = (): void => {
    clearTimeout(timer);
    unwatch();
    wake?.();
  };
  signal.addEventListener("abort", close, { once: true });

  async function* turns(): AsyncGenerator<void, void> {
    while (!signal.aborted) {
      if (!isDue) {
        await new Promise<void>((done) => {
          wake = done;
        });
        continue;
      }
      isDue = false;
      rewatch();
      yield;
    }
  }
  return {
    [Symbol.asyncIterator]: turns,
    close() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}

function watchDirectory(directory: string, names: ReadonlySet<string>, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: true }, (_, name) => {
      if (name === null || names.has(name)) changed();
    });
    watcher.on("error", changed); // the directory is gone: the next turn looks again
    return watcher;
  } catch {
    return undefined; // not there, or no more watches: it is looked at again
  }
}

/** The directories on the way to the file, through every link, with the names that matter in each. */
function placesOf(path: string): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>();
  let at = resolve(path);
  for (let hops = 0; hops < MAX_LINKS; hops++) {
    const directory = dirname(at);
    const names = places.get(directory) ?? new Set<string>();
    names.add(basename(at));
    places.set(directory, names);
    const link = firstLink(at);
    if (link === undefined) return places;
    const linkDirectory = dirname(link.path);
    places.set(linkDirectory, (places.get(linkDirectory) ?? new Set<string>()).add(basename(link.path)));
    at = resolve(linkDirectory, link.target, link.rest);
  }
  return places;
}

/** The first component of a path that is a symbolic link, and what follows it. */
function firstLink(
  path: string,
): { readonly path: string; readonly target: string; readonly rest: string } | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  for (let i = 1; i <= parts.length; i++) {
    const prefix = `/${parts.slice(0, i).join("/")}`;
    try {
      if (lstatSync(prefix).isSymbolicLink())
        return { path: prefix, target: readlinkSync(prefix), rest: parts.slice(i).join("/") };
    } catch {
      return undefined; // not there: its directory is watched
    }
  }
  return undefined;
}
