import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { IdleTimer, Timer, Timers } from "./timers.ts";

/** How late a timer may be, in ms. */
const late = 10;

function setUp(): { clock: ManualClock; timers: Timers } {
  const clock = new ManualClock();
  const timers = new Timers(clock, (error) => {
    throw error;
  });
  return { clock, timers };
}

describe("timers", () => {
  test.each([1, 7, 8, 100, 2_040, 2_048, 2_049, 15_000, 524_000, 525_000, 3_600_000, 86_400_000])(
    "%d ms: not before, and not much after",
    (ms) => {
      const { clock, timers } = setUp();
      let fired = 0;
      new Timer(timers, () => fired++).start(ms);
      clock.advance(ms - 1);
      expect(fired).toBe(0);
      clock.advance(1 + late);
      expect(fired).toBe(1);
      clock.advance(10 * ms);
      expect(fired).toBe(1);
    },
  );

  test("whatever is started and stopped fires once, in time, and only if it wasn't stopped", () => {
    const step = fc.record({ wait: fc.nat(5_000), ms: fc.nat(4_000_000), stops: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { clock, timers } = setUp();
        const wrong: string[] = [];
        let expected = 0;
        let fired = 0;
        for (const { wait, ms, stops } of steps) {
          const due = clock.now() + ms;
          const timer = new Timer(timers, () => {
            fired++;
            if (clock.now() < due || clock.now() > due + 3 * late) wrong.push(`${due} at ${clock.now()}`);
          });
          timer.start(ms);
          if (stops) timer.stop();
          else expected++;
          clock.advance(wait);
        }
        clock.advance(5_000_000);
        expect(wrong).toEqual([]);
        expect(fired).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  test("nothing wakes while nothing runs", () => {
    const { clock, timers } = setUp();
    const timer = new Timer(timers, () => {});
    timer.start(3_600_000);
    timer.stop();
    clock.advance(3_600_000 + late);
    expect(clock.timers).toBe(0);
  });

  test("a callback may start and stop others, and what it throws stops none", () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const timers = new Timers(clock, (error) => errors.push(error));
    const fired: string[] = [];
    const stopped = new Timer(timers, () => fired.push("stopped"));
    const next = new Timer(timers, () => fired.push("next"));
    const first = new Timer(timers, () => {
      fired.push("first");
      stopped.stop();
      next.start(50);
      throw new Error("no");
    });
    stopped.start(100);
    first.start(90);
    clock.advance(90 + late);
    clock.advance(50 + late);
    expect(fired).toEqual(["first", "next"]);
    expect(errors).toHaveLength(1);
  });

  test("signs of life move a deadline on", () => {
    const { clock, timers } = setUp();
    let fired = 0;
    const idle = new IdleTimer(timers, () => fired++);
    idle.start(100);
    for (let i = 0; i < 10; i++) {
      clock.advance(60);
      idle.touch();
    }
    expect(fired).toBe(0);
    clock.advance(100 + 2 * late);
    expect(fired).toBe(1);
  });
});
