import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "../errors.ts";
import { type MeshFile, readMeshFile } from "./mesh-file.ts";
import { watchMeshFile } from "./watch.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mesh-watch-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const meshOf = (id: string): string => `node: { id: ${id} }\n`;

function answerOf(value: MeshFile | MeshError | undefined): string | undefined {
  return value instanceof MeshError ? "error" : value?.node?.id;
}

interface Way {
  readonly name: string;
  readonly start: (path: string) => void;
  readonly change: (path: string) => void;
}

const ways: readonly Way[] = [
  {
    name: "written in place",
    start: (path) => writeFileSync(path, meshOf("one")),
    change: (path) => writeFileSync(path, meshOf("two")),
  },
  {
    name: "replaced by rename",
    start: (path) => writeFileSync(path, meshOf("one")),
    change: (path) => {
      writeFileSync(`${path}.new`, meshOf("two"));
      renameSync(`${path}.new`, path);
    },
  },
  {
    name: "swapped through a link to a directory",
    start: (path) => {
      for (const [version, id] of [
        ["v1", "one"],
        ["v2", "two"],
      ] as const) {
        mkdirSync(join(directory, version));
        writeFileSync(join(directory, version, "mesh.yaml"), meshOf(id));
      }
      symlinkSync("v1", join(directory, "..data"));
      symlinkSync("..data/mesh.yaml", path);
    },
    change: () => {
      symlinkSync("v2", join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    },
  },
  {
    name: "written at the end of a link into another directory",
    start: (path) => {
      mkdirSync(join(directory, "real"));
      writeFileSync(join(directory, "real", "file"), meshOf("one"));
      symlinkSync("real/file", path);
    },
    change: () => writeFileSync(join(directory, "real", "file"), meshOf("two")),
  },
];

test.each([...ways])("$name: the new content follows", async ({ start, change }) => {
  const path = join(directory, "mesh.yaml");
  start(path);
  const stop = new AbortController();
  const answers: (string | undefined)[] = [];
  for await (const value of watchMeshFile(path, stop.signal)) {
    answers.push(answerOf(value));
    if (answers.length === 1) change(path);
    else stop.abort();
  }
  expect(answers).toEqual(["one", "two"]);
});

test("deleted and made again: an error, then the content", async () => {
  const path = join(directory, "mesh.yaml");
  writeFileSync(path, meshOf("one"));
  const stop = new AbortController();
  const answers: (string | undefined)[] = [];
  const steps = [() => rmSync(path), () => writeFileSync(path, meshOf("two")), () => stop.abort()];
  for await (const value of watchMeshFile(path, stop.signal)) {
    answers.push(answerOf(value));
    steps[answers.length - 1]?.();
  }
  expect(answers).toEqual(["one", "error", "two"]);
});

test("a directory that isn't there yet", async () => {
  const path = join(directory, "later", "mesh.yaml");
  const stop = new AbortController();
  const answers: (string | undefined)[] = [];
  for await (const value of watchMeshFile(path, stop.signal)) {
    answers.push(answerOf(value));
    if (answers.length === 1) {
      mkdirSync(join(directory, "later"));
      writeFileSync(path, meshOf("one"));
    } else stop.abort();
  }
  expect(answers).toEqual(["error", "one"]);
});

test("the same content again says nothing; the next change does", async () => {
  const path = join(directory, "mesh.yaml");
  writeFileSync(path, meshOf("one"));
  const stop = new AbortController();
  const answers: (string | undefined)[] = [];
  for await (const value of watchMeshFile(path, stop.signal)) {
    answers.push(answerOf(value));
    if (answers.length === 1) {
      writeFileSync(path, meshOf("one"));
      // After the quiet time of the first write, so that it had its turn of its own.
      setTimeout(() => writeFileSync(path, meshOf("two")), 120);
    } else stop.abort();
  }
  expect(answers).toEqual(["one", "two"]);
});

test("what is known isn't said again", async () => {
  const path = join(directory, "mesh.yaml");
  writeFileSync(path, meshOf("one"));
  const stop = new AbortController();
  const { contentHash } = readMeshFile(path);
  const answers: (string | undefined)[] = [];
  const changed = (async () => {
    for await (const value of watchMeshFile(path, stop.signal, contentHash)) {
      answers.push(answerOf(value));
      stop.abort();
    }
  })();
  // After the first reading, so that it had its turn of its own.
  setTimeout(() => writeFileSync(path, meshOf("two")), 20);
  await changed;
  expect(answers).toEqual(["two"]);
});

test("ends when the signal is already aborted", async () => {
  const values = [];
  for await (const value of watchMeshFile(join(directory, "mesh.yaml"), AbortSignal.abort())) values.push(value);
  expect(values).toEqual([]);
});
