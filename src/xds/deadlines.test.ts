import { expect, test } from "bun:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { Deadlines } from "./deadlines.ts";

function start(): { clock: ManualClock; deadlines: Deadlines; expired: string[][] } {
  const clock = new ManualClock();
  const expired: string[][] = [];
  const deadlines = new Deadlines(clock, 100, (awaited) =>
    expired.push(awaited.map(({ type, name }) => `${type} ${name}`)),
  );
  return { clock, deadlines, expired };
}

test("deadlines: each name has its own time, and those due together are told together", () => {
  const { clock, deadlines, expired } = start();
  deadlines.start({ type: "endpoint", name: "a" });
  deadlines.start({ type: "endpoint", name: "b" });
  clock.advance(50);
  deadlines.start({ type: "route", name: "c" });
  clock.advance(49);
  expect(expired).toEqual([]);
  clock.advance(1);
  expect(expired).toEqual([["endpoint a", "endpoint b"]]);
  clock.advance(50);
  expect(expired).toEqual([["endpoint a", "endpoint b"], ["route c"]]);
});

test("deadlines: what arrived is not told, and what runs isn't prolonged", () => {
  const { clock, deadlines, expired } = start();
  deadlines.start({ type: "endpoint", name: "a" });
  deadlines.start({ type: "endpoint", name: "b" });
  clock.advance(60);
  deadlines.start({ type: "endpoint", name: "b" });
  deadlines.stop({ type: "endpoint", name: "a" });
  clock.advance(40);
  expect(expired).toEqual([["endpoint b"]]);
});

test("deadlines: a wildcard type and a name are different things", () => {
  const { clock, deadlines, expired } = start();
  deadlines.start({ type: "cluster", name: undefined });
  deadlines.start({ type: "cluster", name: "undefined" });
  deadlines.stop({ type: "cluster", name: undefined });
  clock.advance(100);
  expect(expired).toEqual([["cluster undefined"]]);
});

test("deadlines: no timer is left behind", () => {
  const { clock, deadlines } = start();
  deadlines.start({ type: "endpoint", name: "a" });
  deadlines.start({ type: "endpoint", name: "b" });
  expect(clock.timers).toBe(1);
  deadlines.stop({ type: "endpoint", name: "a" });
  deadlines.stop({ type: "endpoint", name: "b" });
  expect(clock.timers).toBe(0);
  deadlines.start({ type: "endpoint", name: "a" });
  deadlines[Symbol.dispose]();
  expect(clock.timers).toBe(0);
});
