// For the tests of src/libbpf: the sample object, a bpf file system and a cgroup of their own.
import { existsSync, mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Codec, u32, u64 } from "../../src/layout/codec.ts";
import { BpfObject } from "../../src/libbpf/object.ts";
import { mountBpffs, unmount } from "../../src/libbpf/syscalls.ts";

const root = resolve(import.meta.dir, "../..");

export interface Pair {
  readonly a: number;
  readonly b: number;
}

export const pair: Codec<Pair> = {
  size: 8,
  encode(value, view, offset) {
    view.setUint32(offset, value.a, true);
    view.setUint32(offset + 4, value.b, true);
  },
  decode: (view, offset) => ({ a: view.getUint32(offset, true), b: view.getUint32(offset + 4, true) }),
};

export const pairs = { name: "pairs", key: pair, value: u64 };
export const prefixes = { name: "prefixes", key: pair, value: u32 };
export const runs = { name: "runs", key: u32, value: u32 };

export function openSample(): BpfObject {
  const make = Bun.spawnSync(["make", "-s", "-C", `${root}/bpf`, "test"]);
  if (!make.success) throw new Error(make.stderr.toString());
  return BpfObject.openFile(`${root}/build/test/sample.bpf.o`, "sample");
}

/** Loaded, but for the program that the verifier refuses. */
export function loadSample(adjust: (object: BpfObject) => void = () => {}): BpfObject {
  const object = openSample();
  object.setAutoload("careless", false);
  adjust(object);
  object.load();
  return object;
}

export class TemporaryBpffs {
  readonly path = mkdtempSync(join(tmpdir(), "bpffs-"));

  constructor() {
    mountBpffs(this.path);
  }

  [Symbol.dispose](): void {
    unmount(this.path);
    rmdirSync(this.path);
  }
}

export class TemporaryCgroup {
  readonly path: string;

  constructor() {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"));
    if (mount === null) throw new Error("cgroup v2 isn't mounted");
    this.path = mkdtempSync(`${mount[1]}/libbpf-test-`);
  }

  [Symbol.dispose](): void {
    if (existsSync(this.path)) rmdirSync(this.path);
  }
}
