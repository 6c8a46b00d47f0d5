import { describe, expect, test } from "bun:test";
import { loadSample, type Pair, pair } from "../../test/support/bpf-sample.ts";
import { KernelError } from "../errors.ts";
import { pack, u32, u64 } from "../layout/codec.ts";
import { BpfMap } from "./map.ts";
import { MapFlags, MapType } from "./uapi.ts";

const elements = Array.from({ length: 10_000 }, (_, i): [Pair, bigint] => [{ a: 32, b: i }, BigInt(i) * 3n]);
const keys = pack(
  pair,
  elements.map(([key]) => key),
);
const values = pack(
  u64,
  elements.map(([, value]) => value),
);

const kinds = [
  ["hash", MapType.HASH, 0],
  ["hash, not preallocated", MapType.HASH, MapFlags.NO_PREALLOC],
  ["LPM trie", MapType.LPM_TRIE, MapFlags.NO_PREALLOC],
] as const;

describe.each(kinds)("%s", (_, type, flags) => {
  const create = (maxEntries: number) =>
    BpfMap.create({ name: "elements", type, key: pair, value: u64, maxEntries, flags });

  test("set, get, delete", () => {
    using map = create(4);
    const key = { a: 32, b: 7 };
    expect(map.get(key)).toBeUndefined();
    expect(map.delete(key)).toBe(false);
    map.set(key, 2n ** 63n);
    expect(map.get(key)).toBe(2n ** 63n);
    map.set(key, 5n, "replace");
    expect(map.entries()).toEqual([[key, 5n]]);
    expect(map.keys()).toEqual([key]);
    expect(map.delete(key)).toBe(true);
    expect(map.entries()).toEqual([]);
    expect(map.take(key)).toBeUndefined();
    map.set(key, 6n);
    expect(map.take(key)).toBe(6n);
    expect(map.entries()).toEqual([]);
  });

  test("10,000 elements in a batch come back whole", () => {
    using map = create(elements.length);
    map.updateBatch(keys, values, elements.length);
    const sorted = map.entries().sort(([x], [y]) => x.b - y.b);
    expect(sorted).toEqual(elements);
    expect(map.deleteBatch(keys, 4_000)).toBe(4_000);
    expect(map.dump().count).toBe(6_000);
    // The first 4,000 are gone already: passed over.
    expect(map.deleteBatch(keys, elements.length)).toBe(6_000);
    expect(map.dump().count).toBe(0);
  });

  test("a full map says how far the batch came", () => {
    using map = create(100);
    const error = thrown(() => map.updateBatch(keys, values, 250));
    expect(error).toBeInstanceOf(KernelError);
    expect(error.message).toMatch(
      /^\[kernel\] update map elements: (E2BIG|ENOSPC) \(100 of 250 elements were written\)$/,
    );
    expect(map.dump().count).toBe(100);
  });

  test("a batch of none, and one with too few bytes", () => {
    using map = create(4);
    map.updateBatch(keys, values, 0);
    expect(map.deleteBatch(keys, 0)).toBe(0);
    expect(() => map.updateBatch(keys.subarray(0, 8), values, 2)).toThrow("8 packed bytes where 16 are needed");
    expect(() => map.deleteBatch(keys.subarray(0, 8), 2)).toThrow(RangeError);
  });
});

test("create and replace keep to what is there", () => {
  using map = BpfMap.create({ name: "modes", type: MapType.HASH, key: u32, value: u32, maxEntries: 4 });
  expect(() => map.set(1, 1, "replace")).toThrow("[kernel] update map modes: ENOENT");
  map.set(1, 1, "create");
  expect(() => map.set(1, 2, "create")).toThrow("[kernel] update map modes: EEXIST");
  expect(map.get(1)).toBe(1);
});

test("an array has all its elements from the start", () => {
  using map = BpfMap.create({ name: "array", type: MapType.ARRAY, key: u32, value: u64, maxEntries: 5_000 });
  map.updateBatch(pack(u32, [0, 4_999]), pack(u64, [1n, 2n]), 2);
  const entries = map.entries();
  expect([entries.length, entries[0], entries[4_999]]).toEqual([5_000, [0, 1n], [4_999, 2n]]);
  expect(() => map.set(5_000, 1n)).toThrow("[kernel] update map array: E2BIG");
});

test("one bucket larger than the first chunk is still read", () => {
  // 3 elements of room, all keys: the kernel hands over whole buckets, and the reader must make more room.
  using map = BpfMap.create({ name: "dense", type: MapType.HASH, key: u32, value: u32, maxEntries: 3 });
  for (let round = 0; round < 200; round++) {
    const set = [round, round + 1000, round + 2000];
    map.updateBatch(pack(u32, set), pack(u32, set), 3);
    expect(map.keys().sort((x, y) => x - y)).toEqual(set);
    map.deleteBatch(pack(u32, set), 3);
  }
});

test("per-CPU maps are dumped with a value for each CPU", () => {
  using map = BpfMap.create({ name: "percpu", type: MapType.PERCPU_ARRAY, key: u32, value: u32, maxEntries: 3 });
  const { values: dumped, count } = map.dump();
  expect(count).toBe(3);
  expect(dumped.length).toBe(3 * map.valueStride);
  expect(map.valueStride % 8).toBe(0);
  expect(() => map.set(0, 1)).toThrow(TypeError);
  expect(() => map.entries()).toThrow(TypeError);
});

test("a map of maps takes descriptors, also in a batch, and gives ids", () => {
  const inner = { name: "inner", type: MapType.ARRAY, key: u32, value: u32, maxEntries: 2 };
  using one = BpfMap.create(inner);
  using two = BpfMap.create(inner);
  using outer = BpfMap.create({
    name: "outer",
    type: MapType.HASH_OF_MAPS,
    key: u32,
    value: u32,
    maxEntries: 8,
    inner: one,
  });
  outer.updateBatch(pack(u32, [10, 20]), pack(u32, [one.fd, two.fd]), 2);
  const ids = outer.entries().sort(([x], [y]) => x - y);
  expect(ids).toEqual([
    [10, one.info().id],
    [20, two.info().id],
  ]);
  using found = BpfMap.openById(two.info().id, inner);
  found?.set(1, 99);
  expect(two.get(1)).toBe(99);
  expect(BpfMap.openById(0x7fffffff, inner)).toBeUndefined();
});

// As LPM tries and maps of maps are on Linux 5.10: a program array takes descriptors, gives ids, and has no batch commands.
test("a type without batch commands is written, read and deleted one by one", () => {
  using object = loadSample();
  using program = object.program("say");
  const { id } = program.info();
  using map = BpfMap.create({ name: "programs", type: MapType.PROG_ARRAY, key: u32, value: u32, maxEntries: 9_000 });
  const indices = Array.from({ length: 4_500 }, (_, i) => 2 * i);
  map.updateBatch(pack(u32, indices), pack(u32, Array(4_500).fill(program.fd)), 4_500);
  expect(map.entries()).toEqual(indices.map((index) => [index, id]));
  expect(map.deleteBatch(pack(u32, [1, 0, 2, 3]), 4)).toBe(2);
  expect(map.dump().count).toBe(4_498);
  const bad = pack(u32, [5, 9_000, 7]);
  expect(() => map.updateBatch(bad, pack(u32, Array(3).fill(program.fd)), 3)).toThrow(
    "[kernel] update map programs: E2BIG (1 of 3 elements were written)",
  );
});

test("an impossible map is an error that names it", () => {
  expect(() => BpfMap.create({ name: "none", type: MapType.HASH, key: u32, value: u32, maxEntries: 0 })).toThrow(
    "[kernel] create map none: EINVAL",
  );
});

function thrown(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
