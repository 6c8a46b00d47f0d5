// The admin socket's place in the file system. It is bound in a directory that only this user can enter, given its mode there, and
// then moved: nobody can connect before it is closed to others, and a stale socket is replaced in one step.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MeshError } from "../errors.ts";

/** sizeof(sun_path) without the final NUL: unix(7). */
const maxPathBytes = 107;
const probeTimeoutMs = 2_000;

/** Throws MeshError "admin" where something answers there, or where what is there isn't a socket. */
export async function requireFree(path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new MeshError("admin", `serve ${path}: a socket's path has at most ${maxPathBytes} bytes`);
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new MeshError("admin", `serve ${path}: it is there and is not a socket`);
  if (await isAnswered(path)) throw new MeshError("admin", `serve ${path}: another agent is listening there`);
}

/** `bind` makes the socket at the path that it is given; afterwards it is at `path`, mode 0600. Returns how to remove it. */
export function placeSocket(path: string, bind: (path: string) => void): () => void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const closed = mkdtempSync(join(directory, ".")); // mode 0700
  try {
    const fresh = join(closed, basename(path).slice(0, 1));
    bind(fresh);
    chmodSync(fresh, 0o600);
    renameSync(fresh, path);
  } finally {
    rmSync(closed, { recursive: true, force: true });
  }
  const own = lstatSync(path).ino;
  return () => {
    // An agent that took the path over since has its own socket there.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === own) unlinkSync(path);
  };
}

/** A stale socket refuses at once; one that takes the connection, or doesn't decide, belongs to somebody. */
async function isAnswered(path: string): Promise<boolean> {
  const expired = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => expired.resolve(true), probeTimeoutMs);
  try {
    return await Promise.race([connects(path), expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function connects(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ECONNREFUSED" || code === "ENOENT") return false;
    throw MeshError.from(error, `ask who listens at ${path}`);
  }
}
