import { expect, test } from "bun:test";
import { reasonPhrase } from "./reason.ts";

test.each([
  [200, "OK"],
  [426, "Upgrade Required"],
  [431, "Request Header Fields Too Large"],
  [503, "Service Unavailable"],
  [451, "Unknown"],
  [299, "Unknown"],
])("%d %s", (status, phrase) => {
  expect(reasonPhrase(status)).toBe(phrase);
});
