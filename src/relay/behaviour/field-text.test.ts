import { expect, test } from "bun:test";
import { fieldText } from "./field-text.ts";

test.each([
  ["outbound|80||shop.example", "outbound|80||shop.example"],
  ["é", "\xc3\xa9"],
  ["a\u010ab", "a\xc4\x8ab"],
  ["a\r\nX-Y: z\0", "aX-Y: z"],
  ["", ""],
])("%j", (text, expected) => {
  const written = fieldText(text);
  expect(written).toBe(expected);
  expect(Buffer.from(written, "latin1").toString("latin1")).toBe(written);
});
