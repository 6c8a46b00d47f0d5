// Is a distribution what it should be? Pearson's chi-square test at a level where a right answer fails one run in a million.

/** What chi-square with 1, 2, … degrees of freedom exceeds with probability 1e-6: the inverse of its survival function. */
const CRITICAL = [
  23.93, 27.63, 30.66, 33.38, 35.89, 38.26, 40.52, 42.7, 44.81, 46.86, 48.87, 50.83, 52.75, 54.64, 56.49, 58.32, 60.13,
  61.91, 63.68, 65.42, 67.15, 68.86, 70.55, 72.23, 73.89, 75.55, 77.19, 78.82, 80.44, 82.04,
] as const;

/** z of the standard normal distribution at 1 - 1e-6. */
const Z = 4.753424;

/** The value that chi-square with `degrees` of freedom exceeds with probability 1e-6. */
export function chiSquareCritical(degrees: number): number {
  if (degrees < 1) throw new Error("chi-square needs a degree of freedom");
  // Beyond the table, the approximation of Wilson and Hilferty (1931) is good to 1 %, on the generous side.
  const scale = 2 / (9 * degrees);
  return CRITICAL[degrees - 1] ?? degrees * (1 - scale + Z * Math.sqrt(scale)) ** 3;
}

export interface Fit {
  readonly chiSquare: number;
  readonly critical: number;
  /** what can't be, however likely the rest: an outcome of weight 0, or of no weight at all */
  readonly impossible: readonly string[];
}

/** Compares counts with weights. Enough counts are the caller's business: at least five expected of each. */
export function fit(counts: Readonly<Record<string, number>>, weights: Readonly<Record<string, number>>): Fit {
  const possible = Object.entries(weights).filter(([, weight]) => weight > 0);
  const total = sum(Object.values(counts));
  const weight = sum(possible.map(([, w]) => w));
  const chiSquare = sum(
    possible.map(([name, w]) => {
      const expected = (total * w) / weight;
      return ((counts[name] ?? 0) - expected) ** 2 / expected;
    }),
  );
  return {
    chiSquare,
    critical: possible.length > 1 ? chiSquareCritical(possible.length - 1) : 0,
    impossible: Object.keys(counts).filter((name) => (counts[name] ?? 0) > 0 && !((weights[name] ?? 0) > 0)),
  };
}

/** Throws, with both distributions, unless the counts fit the weights. */
export function assertFits(counts: Readonly<Record<string, number>>, weights: Readonly<Record<string, number>>): void {
  const { chiSquare, critical, impossible } = fit(counts, weights);
  if (impossible.length === 0 && chiSquare <= critical) return;
  const reason =
    impossible.length > 0 ? `impossible: ${impossible.join(", ")}` : `chi-square ${chiSquare} > ${critical}`;
  throw new Error(`${reason}: ${JSON.stringify(counts)} for weights ${JSON.stringify(weights)}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
