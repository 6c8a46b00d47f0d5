import { expect, test } from "bun:test";
import { Backoff } from "./backoff.ts";

function waits(random: number, count: number): number[] {
  const backoff = new Backoff({ baseMs: 500, maxMs: 30_000, random: () => random });
  return Array.from({ length: count }, () => backoff.next());
}

test.each([
  ["the window doubles up to the largest", 0.999999, [499, 999, 1999, 3999, 7999, 15999, 29999, 29999]],
  ["half of it", 0.5, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000]],
  ["full jitter: it may be nothing", 0, [0, 0, 0, 0, 0, 0, 0, 0]],
])("backoff: %s", (_, random, expected) => {
  expect(waits(random, expected.length)).toEqual(expected);
});

test("backoff: starts from the base again after a reset", () => {
  const backoff = new Backoff({ baseMs: 500, maxMs: 30_000, random: () => 0.5 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(250);
});
