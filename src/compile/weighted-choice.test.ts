import { describe, expect, test } from "bun:test";
import { fit } from "../../test/support/stats.ts";
import { request } from "./request.fixture.ts";
import { chooseWeighted, weightedRandom } from "./weighted-choice.ts";

const entries = (...weights: number[]) => weights.map((weight) => ({ weight }));

describe("the remainder by the sum, then the first whose cumulated weight is above it", () => {
  test.each<[number[], number | bigint, number]>([
    [[1, 3], 0, 0],
    [[1, 3], 1, 1],
    [[1, 3], 3, 1],
    [[1, 3], 4, 0],
    // A leading weight of 0 gets nothing, and the first gets no more than its own.
    [[0, 1], 0, 1],
    [[90, 10], 89, 0],
    [[90, 10], 90, 1],
    [[0, 5, 0, 5, 0], 4, 1],
    [[0, 5, 0, 5, 0], 5, 3],
    [[1, 2 ** 32 - 2], 2n ** 64n - 1n, 0],
    [[0, 0], 7, -1],
    [[], 7, -1],
  ])("%j at %p: %d", (weights, random, expected) => {
    expect(chooseWeighted(entries(...weights), random)).toBe(expected);
  });

  test.each([[[1, 1]], [[90, 10]], [[5, 0, 3]], [[1, 2, 3, 4, 5, 6, 7]], [[1, 999]]])("%j by chi-square", (weights) => {
    const counts: Record<string, number> = {};
    // Every remainder equally often is what no chance can give: a generator with a seed does.
    let state = 12345;
    for (let i = 0; i < 100_000; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const chosen = chooseWeighted(entries(...weights), state >>> 8);
      counts[chosen] = (counts[chosen] ?? 0) + 1;
    }
    const { chiSquare, critical, impossible } = fit(counts, Object.fromEntries(weights.entries()));
    expect(impossible).toEqual([]);
    expect(chiSquare).toBeLessThan(critical);
  });
});

describe("header_name", () => {
  const destination = {
    type: "weighted_clusters",
    clusters: [],
    randomHeader: "x-random",
    useHashPolicy: false,
  } as const;
  test.each<[string[], number | bigint]>([
    [["x-random: 42"], 42n],
    [["x-random: +42"], 42n],
    [["x-random: 18446744073709551615"], 2n ** 64n - 1n],
    [["x-random: 18446744073709551616"], 7],
    [["x-random: -1"], 7],
    [["x-random: 1", "x-random: 1"], 7],
    [["x-random: "], 7],
    [[], 7],
  ])("%j: %p", (fields, expected) => {
    expect(weightedRandom(destination, request({ fields }), 7)).toBe(expected);
  });

  test("none: the request's", () => {
    expect(weightedRandom({ ...destination, randomHeader: undefined }, request({ fields: ["x-random: 1"] }), 7)).toBe(
      7,
    );
  });
});
