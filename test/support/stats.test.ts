import { expect, test } from "bun:test";
import { assertFits, chiSquareCritical, fit } from "./stats.ts";

// Independent values: -2 ln(1e-6) for two degrees; Wilson and Hilferty's approximation meets the table at its end.
test.each([
  [2, -2 * Math.log(1e-6)],
  [30, 82.04],
  [40, 97.65],
  [99, 180.79],
])("critical value with %d degrees of freedom", (degrees, value) => {
  expect(Math.abs(chiSquareCritical(degrees) / value - 1)).toBeLessThan(0.01);
});

test.each([
  ["even", { a: 500, b: 500 }, { a: 1, b: 1 }, true],
  ["a little off", { a: 520, b: 480 }, { a: 1, b: 1 }, true],
  ["far off", { a: 600, b: 400 }, { a: 1, b: 1 }, false],
  ["off by one percent of many", { a: 91_000, b: 9_000 }, { a: 90, b: 10 }, false],
  ["weight 0 chosen once", { a: 999, b: 1 }, { a: 1, b: 0 }, false],
  ["an error among answers", { a: 999, "!ECONNREFUSED": 1 }, { a: 1 }, false],
  ["one never chosen", { a: 1000 }, { a: 1, b: 1 }, false],
  ["only one possible", { a: 1000 }, { a: 1, b: 0 }, true],
] as const)("%s", (_name, counts, weights, fits) => {
  const check = () => assertFits(counts, weights);
  if (fits) expect(check).not.toThrow();
  else expect(check).toThrow();
});

test("names what is impossible", () => {
  expect(fit({ a: 1, b: 2 }, { a: 1 }).impossible).toEqual(["b"]);
});
