// Weighted round robin as one period, written out: what an earliest-deadline-first scheduler (Envoy's EdfScheduler) would pick.

/**
 * The indexes of `weights`, each as often as its weight, spread evenly: the k-th turn of weight w is due at k / w, and of two that
 * are due at once the first goes first. Weights should have no common factor, or the period repeats itself.
 */
export function sequence(weights: readonly number[]): Uint32Array {
  if (weights.every((weight) => weight === 1)) return Uint32Array.from(weights.keys());
  const turns = weights.flatMap((weight, index) =>
    Array.from({ length: weight }, (_, k) => ({ index, due: (k + 1) / weight })),
  );
  // Equal fractions are equal doubles, so that ties are found; the sort is stable.
  turns.sort((a, b) => a.due - b.due);
  return Uint32Array.from(turns, ({ index }) => index);
}
