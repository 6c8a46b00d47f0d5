// Medians, percentiles and the wall clock, for measurements.

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Between the two nearest; NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** Turns performance.now() into microseconds since 1970: Date.now() has milliseconds only. */
export function wallClock(): (at: number) => number {
  const before = Date.now();
  let tick = before;
  while (tick === before) tick = Date.now();
  const offset = tick - performance.now();
  return (at) => (at + offset) * 1000;
}
