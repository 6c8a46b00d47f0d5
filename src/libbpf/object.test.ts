import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadSample, openSample, pair, pairs, runs, TemporaryBpffs } from "../../test/support/bpf-sample.ts";
import { KernelError, VerifierError } from "../errors.ts";
import { u32, u64 } from "../layout/codec.ts";
import { BpfMap } from "./map.ts";
import { BpfObject } from "./object.ts";
import { MapType } from "./uapi.ts";
import { summarize } from "./verifier-log.ts";

test("names what the object has", () => {
  using object = openSample();
  expect(object.mapNames().sort()).toEqual(["pairs", "prefixes", "records", "runs"]);
  expect(object.programNames().sort()).toEqual(["allow", "careless", "deny", "say"]);
});

test("knobs, sizes and autoload take effect", () => {
  using object = loadSample((unloaded) => {
    unloaded.setVariable("answer", 42);
    unloaded.setVariable("is_loud", true);
    unloaded.setVariable("burst", 2n);
    unloaded.setMaxEntries("pairs", 5);
  });
  using program = object.program("say");
  using map = object.map(pairs);
  expect(program.run(new Uint8Array(64)).returnValue).toBe(42);
  expect(map.info()).toMatchObject({ name: "pairs", type: MapType.HASH, keySize: 8, valueSize: 8, maxEntries: 5 });
  expect(() => object.program("careless")).toThrow(KernelError);
});

test("per-CPU counters of a program are read for each CPU", () => {
  using object = loadSample();
  using program = object.program("say");
  using map = object.map(runs);
  program.run(new Uint8Array(64), 7);
  const counts = map.getPerCpu(1) ?? [];
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(7);
  expect(map.getPerCpu(2)).toBeUndefined();
  expect(() => map.get(1)).toThrow("a value per CPU");
});

describe("what the verifier refuses", () => {
  test("is an error with its verdict, and the log", () => {
    using object = openSample();
    const error = thrown(() => object.load());
    expect(error).toBeInstanceOf(VerifierError);
    expect(error.message).toBe(
      "[verifier] load BPF object sample, program careless: EACCES (R0 invalid mem access 'map_value_or_null', " +
        "at instruction 9: (79) r1 = *(u64 *)(r0 +0), from `return *value == 1;`)",
    );
    expect((error as VerifierError).log).toContain("processed 9 insns");
  });

  const cases = [
    ["nothing said", "", "the verifier gave no reason"],
    ["only statistics", "processed 1 insns (limit 1000000)\n", "the verifier gave no reason"],
    [
      "too many",
      "12: (07) r2 += -8  ; R2=fp-8\nBPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)",
      "BPF program is too large. Processed 1000001 insn, at instruction 12: (07) r2 += -8",
    ],
    [
      "as 5.10 says it",
      "; return *value;\n9: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'inv'\nverification time 12 usec\nstack depth 8\nprocessed 9 insns",
      "R0 invalid mem access 'inv', at instruction 9: (79) r1 = *(u64 *)(r0 +0), from `return *value;`",
    ],
  ] as const;
  test.each(cases)("%s", (_, log, summary) => {
    expect(summarize(log)).toBe(summary);
  });
});

describe("bad input is a KernelError with a reason", () => {
  const cases: readonly [string, () => unknown, string][] = [
    ["empty file", () => BpfObject.open(new Uint8Array(0), "x"), "[kernel] open BPF object x: EINVAL"],
    ["not ELF", () => BpfObject.open(new Uint8Array(4096).fill(65), "x"), "[kernel] open BPF object x: "],
    ["truncated", () => BpfObject.open(sampleBytes().subarray(0, 700), "x"), "[kernel] open BPF object x: "],
    ["no such map", () => openSample().setMaxEntries("nope", 1), "[kernel] set max_entries of map nope to 1: ENOENT"],
    ["no such program", () => openSample().setAutoload("nope", true), "[kernel] set autoload of program nope: ENOENT"],
    ["no such variable", () => openSample().setVariable("nope", 1), "[kernel] set variable nope: ENOENT"],
    ["value too large", () => openSample().setVariable("answer", 2n ** 40n), "[kernel] set variable answer: ERANGE"],
    ["map before load", () => openSample().map(pairs), "[kernel] open map pairs: "],
    [
      "another layout",
      () => loadSample().map({ ...pairs, value: u32 }),
      "[kernel] open map pairs: EINVAL (it has key 8 bytes, value 8 bytes; wanted key 8 bytes, value 4 bytes)",
    ],
  ];
  test.each(cases)("%s", (_, act, message) => {
    const error = thrown(act);
    expect(error).toBeInstanceOf(KernelError);
    expect(error.message).toStartWith(message);
    expect(error.message).not.toContain("\n");
  });
});

describe("reuse of a map", () => {
  test("shares its elements, by pin, after the first object is gone", () => {
    using bpffs = new TemporaryBpffs();
    {
      using first = loadSample();
      using map = first.map(pairs);
      map.set({ a: 1, b: 2 }, 3n);
      map.pin(`${bpffs.path}/pairs`);
    }
    using pinned = BpfMap.openPinned(`${bpffs.path}/pairs`, pairs);
    if (pinned === undefined) throw new Error("not pinned");
    using second = loadSample((unloaded) => unloaded.reuseMap("pairs", pinned));
    using map = second.map(pairs);
    expect(map.info().id).toBe(pinned.info().id);
    expect(map.entries()).toEqual([[{ a: 1, b: 2 }, 3n]]);
    expect(BpfMap.openPinned(`${bpffs.path}/absent`, pairs)).toBeUndefined();
  });

  test("of another shape is refused", () => {
    using other = BpfMap.create({ name: "other", type: MapType.ARRAY, key: u32, value: u64, maxEntries: 4 });
    using object = openSample();
    expect(() => object.reuseMap("pairs", other)).toThrow(
      "[kernel] reuse map pairs: EINVAL (it has type 2, key 4 bytes, value 8 bytes, flags 0; the program wants type 1, key 8 bytes, value 8 bytes, flags 0)",
    );
  });
});

test("what was closed can't be used", () => {
  const object = openSample();
  object[Symbol.dispose]();
  object[Symbol.dispose]();
  expect(() => object.load()).toThrow("used after it was closed");
  const map = BpfMap.create({ name: "gone", type: MapType.HASH, key: pair, value: u64, maxEntries: 1 });
  map[Symbol.dispose]();
  expect(() => map.get({ a: 1, b: 1 })).toThrow("used after it was closed");
});

function sampleBytes(): Uint8Array {
  openSample()[Symbol.dispose]();
  return new Uint8Array(readFileSync(`${import.meta.dir}/../../build/test/sample.bpf.o`));
}

function thrown(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
