// Whether what was measured keeps a budget: one verdict for each budget, by the worst of the places where it was measured.

export interface Verdict {
  readonly budget: string;
  readonly limit: number;
  readonly sense: "at least" | "at most";
  readonly unit: string;
  readonly measured: number;
  /** Where of several places: the worst. */
  readonly where: string;
  readonly isMet: boolean;
  /** The same figure of the direct path against itself: how far from 1 chance alone is here. */
  readonly control?: number;
}

export interface Measured {
  readonly value: number;
  readonly where: string;
  readonly control?: number;
}

/** Judged by the worst; nothing where nothing was measured. */
export function atLeast(budget: string, limit: number, unit: string, measured: readonly Measured[]): Verdict[] {
  const [worst] = measured.toSorted((a, b) => a.value - b.value);
  return worst === undefined ? [] : [verdict(budget, limit, unit, worst, "at least")];
}

export function atMost(budget: string, limit: number, unit: string, measured: readonly Measured[]): Verdict[] {
  const [worst] = measured.toSorted((a, b) => b.value - a.value);
  return worst === undefined ? [] : [verdict(budget, limit, unit, worst, "at most")];
}

function verdict(budget: string, limit: number, unit: string, worst: Measured, sense: Verdict["sense"]): Verdict {
  const { value: measured, where, control } = worst;
  const isMet = sense === "at least" ? measured >= limit : measured <= limit;
  return { budget, limit, sense, unit, measured, where, isMet, ...(control === undefined ? {} : { control }) };
}
