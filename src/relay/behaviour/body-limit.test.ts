import { expect, test } from "bun:test";
import { defaultHttpOptions, forward, toCluster } from "../../model/http.fixture.ts";
import type { BodyLimit } from "../../model/route.ts";
import { bodyLimit } from "./body-limit.ts";

const cases: readonly (readonly [string, BodyLimit | undefined, listeners: number, expected: number])[] = [
  ["the listener's", undefined, 100, 100],
  ["the listener has none", undefined, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ["a route's smaller one", { bytes: 10, isWithinListeners: true }, 100, 10],
  ["a route's larger one is capped", { bytes: 1000, isWithinListeners: true }, 100, 100],
  ["a route's larger one in its place", { bytes: 1000, isWithinListeners: false }, 100, 1000],
  ["nothing is kept", { bytes: 0, isWithinListeners: true }, 100, 0],
];
test.each(cases)("%s", (_, limit, bufferLimitBytes, expected) => {
  const action = forward(toCluster("c"), { bodyLimit: limit });
  expect(bodyLimit(action, { ...defaultHttpOptions, bufferLimitBytes })).toBe(expected);
});
