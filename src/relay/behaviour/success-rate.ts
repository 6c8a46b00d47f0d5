// Which endpoints do much worse than the others, or worse than a limit, over one interval
// (outlier_detection_impl.cc, processSuccessRateEjections).
import type { OutlierDetection } from "../../model/cluster.ts";

export interface Rated<T> {
  readonly of: T;
  /** Percent of its requests that succeeded. */
  readonly rate: number;
  /** How many there were. */
  readonly volume: number;
}

/** Below the mean by more than a number of standard deviations. */
export function successRateOutliers<T>(
  rated: readonly Rated<T>[],
  { minimumHosts, requestVolume, stdevFactor }: NonNullable<OutlierDetection["successRate"]>,
): readonly T[] {
  const busy = rated.filter(({ volume }) => volume >= requestVolume);
  if (busy.length === 0 || busy.length < minimumHosts) return [];
  const mean = average(busy.map(({ rate }) => rate));
  const deviation = Math.sqrt(average(busy.map(({ rate }) => (rate - mean) ** 2)));
  const threshold = mean - (stdevFactor / 1000) * deviation;
  return busy.filter(({ rate }) => rate < threshold).map(({ of }) => of);
}

/** At least so many percent failures. */
export function failurePercentageOutliers<T>(
  rated: readonly Rated<T>[],
  { minimumHosts, requestVolume, threshold }: NonNullable<OutlierDetection["failurePercentage"]>,
): readonly T[] {
  const busy = rated.filter(({ volume }) => volume >= requestVolume);
  if (busy.length === 0 || busy.length < minimumHosts) return [];
  return busy.filter(({ rate }) => 100 - rate >= threshold).map(({ of }) => of);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
