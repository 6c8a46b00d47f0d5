import { expect, test } from "bun:test";
import { sequence } from "./sequence.ts";

const CASES = [
  [[1], [0]],
  [
    [1, 1, 1],
    [0, 1, 2],
  ],
  [
    [2, 1],
    [0, 0, 1],
  ],
  [
    [1, 2],
    [1, 0, 1],
  ],
  [
    [1, 3],
    [1, 1, 0, 1],
  ],
  [
    [0, 1, 2],
    [2, 1, 2],
  ],
  [
    [3, 2, 1],
    [0, 1, 0, 0, 1, 2],
  ],
] as const;

test.each(CASES)("%j", (weights, expected) => {
  expect([...sequence(weights)]).toEqual([...expected]);
});

test("each as often as its weight, and never far from its share", () => {
  const weights = [1, 2, 5, 13, 40, 100];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const seen = weights.map(() => 0);
  const rows = sequence(weights);
  rows.forEach((index, turn) => {
    seen[index] = (seen[index] ?? 0) + 1;
    weights.forEach((weight, i) => {
      expect(Math.abs((seen[i] ?? 0) - ((turn + 1) * weight) / total)).toBeLessThan(weights.length);
    });
  });
  expect(seen).toEqual(weights);
});
