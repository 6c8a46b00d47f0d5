import { expect, test } from "bun:test";
import type { Rejection } from "../model/snapshot.ts";
import { describeRejections } from "./nack.ts";

const cases: readonly [string, readonly Rejection[], string][] = [
  [
    "a field",
    [{ type: "cluster", name: "a", path: "type", reason: "STRICT_DNS isn't supported" }],
    "cluster a: type: STRICT_DNS isn't supported",
  ],
  [
    "a whole resource, one without a name",
    [
      { type: "route", name: "80", path: "", reason: "occurs twice" },
      { type: "route", name: "", path: "", reason: "can't be read" },
    ],
    "route 80: occurs twice; route without a readable name: can't be read",
  ],
];

test.each(cases)("nack: %s", (_, rejections, expected) => {
  expect(describeRejections(rejections)).toBe(expected);
});

test("nack: is bounded, and says how much is left out", () => {
  const rejections = Array.from({ length: 5000 }, (_, i) => ({
    type: "cluster" as const,
    name: `cluster-${i}`,
    path: "type",
    reason: "no",
  }));
  const text = describeRejections(rejections);
  expect(text.length).toBeLessThan(33_000);
  const named = text.match(/cluster-/g)?.length ?? 0;
  expect(text).toEndWith(`; and ${5000 - named} more`);
});
