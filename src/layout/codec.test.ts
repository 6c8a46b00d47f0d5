import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bytes, pack, type StructCodec, s32, s64, u8, u16, u32, u64, unpack } from "./codec.ts";
import * as layout from "./mesh.gen.ts";

const structs: readonly StructCodec<never>[] = Object.values(layout).filter(
  (value): value is StructCodec<never> => typeof value === "object" && "offsets" in value,
);

/** What the C compiler says of a struct and its fields, one line each. */
function measure(): string[] {
  const directory = mkdtempSync(join(tmpdir(), "layout-"));
  try {
    const prints = structs.flatMap(({ name, offsets }) => [
      `printf("${name} %zu\\n", sizeof(struct ${name}));`,
      ...Object.keys(offsets).map((field) => `printf("${name}.${field} %zu\\n", offsetof(struct ${name}, ${field}));`),
    ]);
    const header = resolve(import.meta.dir, "../../bpf/mesh.h");
    writeFileSync(
      `${directory}/measure.c`,
      `#include <stdio.h>\n#include <stddef.h>\n#include <linux/bpf.h>\n#include <linux/types.h>\n#include "${header}"\nint main(void) {\n${prints.join("\n")}\n}\n`,
    );
    const compile = Bun.spawnSync(["cc", "-o", `${directory}/measure`, `${directory}/measure.c`]);
    expect(compile.stderr.toString()).toBe("");
    return Bun.spawnSync([`${directory}/measure`])
      .stdout.toString()
      .trim()
      .split("\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("sizes and offsets are the C compiler's", () => {
  const ours = structs.flatMap(({ name, size, offsets }) => [
    `${name} ${size}`,
    ...Object.entries(offsets).map(([field, offset]) => `${name}.${field} ${offset}`),
  ]);
  expect(ours.length).toBeGreaterThan(60);
  expect(measure()).toEqual(ours);
});

test("every map's sizes are its codecs'", () => {
  for (const map of Object.values(layout.maps)) {
    expect([map.name, map.key.size, map.value.size]).toEqual([map.name, map.keySize, map.valueSize]);
  }
});

describe("integers", () => {
  const cases = [
    ["u8", u8, 0xfe, "fe"],
    ["u16", u16, 0x1234, "3412"],
    ["u32", u32, 0xfedcba98, "98badcfe"],
    ["s32", s32, -2, "feffffff"],
    ["u64", u64, 0xfedcba9876543210n, "1032547698badcfe"],
    ["s64", s64, -2n, "feffffffffffffff"],
  ] as const;
  test.each(cases)("%s", (_, codec, value, hex) => {
    const { encode, decode } = codec as { encode: typeof u64.encode; decode: typeof u64.decode };
    const view = new DataView(new ArrayBuffer(16));
    encode(value as bigint, view, 5);
    expect(Buffer.from(view.buffer, 5, codec.size).toString("hex")).toBe(hex);
    expect(decode(view, 5)).toBe(value as bigint);
  });
});

test("ports are big-endian and padding is zero, whatever the buffer held", () => {
  const key = { address: new Uint8Array(16).fill(7), portBe: 0x1234, family: 4 };
  const buffer = new Uint8Array(24).fill(0xff);
  layout.listenerKey.encode(key, new DataView(buffer.buffer), 4);
  expect(Buffer.from(buffer).toString("hex")).toBe(`ffffffff${"07".repeat(16)}12340400`);
  expect(layout.listenerKey.decode(new DataView(buffer.buffer), 4)).toEqual(key);
});

test("a spin lock's bytes are left alone", () => {
  const buffer = new Uint8Array(layout.clusterState.size).fill(0xff);
  const state = { opened: 1n, closed: 2n, failed: 3n, overflow: 4n, unusable: 5n, active: 6, cursor: 7 };
  layout.clusterState.encode(state, new DataView(buffer.buffer), 0);
  expect(layout.clusterState.decode(new DataView(buffer.buffer), 0)).toEqual(state);
  expect([...buffer.subarray(40, 44)]).toEqual([255, 255, 255, 255]);
});

test("bytes are copied out, and a wrong length is refused", () => {
  const codec = bytes(4);
  const packed = pack(codec, [new Uint8Array([1, 2, 3, 4]), new Uint8Array([5, 6, 7, 8])]);
  const values = unpack(codec, packed, 2);
  packed.fill(0);
  expect(values.map((value) => [...value])).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
  expect(() => pack(codec, [new Uint8Array(3)])).toThrow("a field of 4 bytes was given 3");
});

test("unpack follows the stride", () => {
  expect(unpack(u32, new Uint8Array([1, 0, 0, 0, 9, 9, 9, 9, 2, 0, 0, 0, 9, 9, 9, 9]), 2, 8)).toEqual([1, 2]);
});
