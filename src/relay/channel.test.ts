import { describe, expect, test } from "bun:test";
import { encodeFrame, readFrames } from "./channel.ts";

async function* cut(bytes: Uint8Array, every: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += every) yield bytes.subarray(at, at + every);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const message of readFrames(stream)) all.push(message);
  return all;
}

describe("frames", () => {
  const messages = [
    { type: "update", chains: new Map([["1/0", undefined]]), big: 2n ** 63n, bytes: Uint8Array.of(1, 2, 3) },
    "é".repeat(10_000),
    null,
  ];
  const bytes = Buffer.concat(messages.map(encodeFrame));

  test.each([1, 3, 4, 5, 4096, bytes.length])("arrive as they were sent, cut every %d bytes", async (every) => {
    expect(await collect(cut(bytes, every))).toEqual(messages);
  });

  test("a frame that was cut off isn't a message", async () => {
    expect(await collect(cut(bytes.subarray(0, -1), 4096))).toEqual(messages.slice(0, -1));
  });

  test("a length that nobody sends ends the stream", () => {
    expect(collect(cut(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 4))).rejects.toThrow(RangeError);
  });
});
