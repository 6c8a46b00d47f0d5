import { describe, expect, test } from "bun:test";
import { loadSample } from "../../test/support/bpf-sample.ts";
import { bytes, u32, unpack } from "../layout/codec.ts";
import { RingBuffer } from "./ring-buffer.ts";

const RECORD_BYTES = 24;
const records = { name: "records", key: bytes(0), value: bytes(0) };

/** A ring into which each `say()` puts `burst` records, numbered from 0. */
function openRing(burst: number, maxRecordBytes: number, bufferBytes: number) {
  const stack = new DisposableStack();
  const object = stack.use(
    loadSample((unloaded) => {
      unloaded.setVariable("is_loud", true);
      unloaded.setVariable("burst", burst);
    }),
  );
  const program = stack.use(object.program("say"));
  const map = stack.use(object.map(records));
  const ring = stack.use(RingBuffer.open(map.fd, maxRecordBytes, bufferBytes));
  return { ring, say: () => program.run(new Uint8Array(64)), [Symbol.dispose]: () => stack.dispose() };
}

function readSequence(record: Uint8Array): number {
  expect(record.length).toBe(RECORD_BYTES);
  return unpack(u32, record, 1)[0] ?? -1;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("drain", () => {
  const cases = [
    ["nothing", 0, 4096],
    ["one", 1, 4096],
    ["more than one buffer", 1000, 4096],
    ["a buffer that holds a single record", 20, 1],
  ] as const;
  test.each(cases)("%s", (_, burst, bufferBytes) => {
    using open = openRing(burst, RECORD_BYTES, bufferBytes);
    open.say();
    const seen: number[] = [];
    while (open.ring.drain((record) => seen.push(readSequence(record))));
    expect(seen).toEqual(numbers(burst));
    open.say();
    while (open.ring.drain((record) => seen.push(readSequence(record))));
    expect(seen).toEqual([...numbers(burst), ...numbers(burst)]);
  });

  test("stops after so many buffers, and says that more may wait", () => {
    using open = openRing(100, RECORD_BYTES, 320);
    open.say();
    let count = 0;
    expect(open.ring.drain(() => count++, 2)).toBe(true);
    expect(count).toBe(20);
    expect(open.ring.drain(() => count++, 20)).toBe(false);
    expect(count).toBe(100);
  });

  test("a ring that was full goes on after it is drained: what was lost is lost, nothing is torn", () => {
    using open = openRing(2000, RECORD_BYTES, 65536);
    open.say();
    open.say();
    const seen: number[] = [];
    while (open.ring.drain((record) => seen.push(readSequence(record))));
    // 64 KiB of records of 24 + 8 bytes; one place stays free.
    expect(seen.length).toBe(2047);
    expect(seen).toEqual([...numbers(2000), ...numbers(47)]);
    open.say();
    while (open.ring.drain((record) => seen.push(readSequence(record))));
    expect(seen.length).toBe(2047 + 2000);
  });

  test("a record above the declared size is an error, and the ring goes on", () => {
    using open = openRing(2, 8, 16);
    open.say();
    const seen: number[] = [];
    const drain = () => open.ring.drain((record) => seen.push(record.length));
    expect(drain).toThrow("[kernel] drain ring buffer: EMSGSIZE");
    expect(drain).toThrow("[kernel] drain ring buffer: EMSGSIZE");
    expect(drain()).toBe(false);
    expect(seen).toEqual([]);
  });
});

test("its descriptor is readable while records wait", () => {
  using open = openRing(1, RECORD_BYTES, 4096);
  expect(open.ring.fd).toBeGreaterThan(2);
  open.ring[Symbol.dispose]();
  expect(() => open.ring.drain(() => {})).toThrow("used after it was closed");
});
