// google.protobuf.Duration as milliseconds, as Envoy reads it (DurationUtil::durationToMilliseconds): cut off, never negative.
import type { Duration } from "@bufbuild/protobuf/wkt";
import { at, type Report } from "./report.ts";

/** Where a field of durations stands, to report what can't be one. */
export interface Owner {
  readonly path: string;
  readonly report: Report;
}

/** Undefined where the field is unset. */
export function milliseconds(duration: Duration | undefined, field: string, owner: Owner): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Number(duration.seconds) * 1000 + Math.trunc(duration.nanos / 1e6);
  if (duration.seconds >= 0n && duration.nanos >= 0 && Number.isSafeInteger(ms)) return ms;
  owner.report.reject(at(owner.path, field), "must not be negative, and less than 285,000 years");
  return 0;
}

export function isPositive(duration: Duration | undefined): boolean {
  return duration !== undefined && (duration.seconds > 0n || duration.nanos > 0);
}
