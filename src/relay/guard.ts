// No bug may end a worker: what a callback throws ends the connection that it was about, and is counted.
import { MeshError } from "../errors.ts";
import type { Stats } from "./stats.ts";

/** Runs `what`; `abort` ends what can't be trusted any more. */
export type Guard = (what: () => void, abort: () => void) => void;

/** So many are told in full; the rest is counted. */
const told = 10;

/** Counts what was thrown, and tells of it. */
export function createReport(stats: Stats, log: (text: string) => void): (thrown: unknown) => void {
  let seen = 0;
  return (thrown: unknown): void => {
    stats.refuse("internal error");
    if (seen++ < told)
      log(
        `relay worker: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : MeshError.from(thrown).message}\n`,
      );
  };
}

export function createGuard(report: (thrown: unknown) => void): Guard {
  return (what, abort) => {
    try {
      what();
    } catch (error) {
      report(error);
      try {
        abort();
      } catch (again) {
        report(again);
      }
    }
  };
}
