import { describe, expect, test } from "bun:test";
import { jsonPieces, stream } from "./stream.ts";

const written = (value: unknown): string => [...jsonPieces(value)].join("");

describe("JSON", () => {
  test.each([
    [1, 1],
    [
      { a: undefined, b: [1, { c: 2 }], d: new Date(0) },
      { b: [1, { c: 2 }], d: "1970-01-01T00:00:00.000Z" },
    ],
    [[].values(), []],
    [[1, undefined, { a: [] }].values(), [1, null, { a: [] }]],
    [
      {
        configs: [{ list: [1, 2].values(), gone: undefined }, { none: [].values() }].values(),
        "a\n": { deep: ["x"].values() },
      },
      { configs: [{ list: [1, 2] }, { none: [] }], "a\n": { deep: ["x"] } },
    ],
  ])("%#", (value, expected) => {
    expect(JSON.parse(written(value))).toEqual(expected);
  });
});

test("a piece is made when it is read, and no more than is read", async () => {
  let made = 0;
  let ended = false;
  function* endless() {
    try {
      for (;;) {
        made += 1;
        yield "x".repeat(1024);
      }
    } finally {
      ended = true;
    }
  }
  const reader = stream(endless()).getReader();
  await reader.read();
  expect(made).toBeLessThanOrEqual(3 * 64);
  await reader.cancel();
  expect(ended).toBe(true);
});

test("whole, in UTF-8, whatever the sizes", async () => {
  const pieces = ["é".repeat(40_000), "", "€", "x".repeat(200_000), "end"];
  expect(await new Response(stream(pieces.values())).text()).toBe(pieces.join(""));
  expect(await new Response(stream([].values())).text()).toBe("");
});
