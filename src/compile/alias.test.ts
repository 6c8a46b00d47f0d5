import { expect, test } from "bun:test";
import { type AliasTable, aliasTable, MAXIMUM_TOTAL } from "./alias.ts";

/** How many of the `columns * total` outcomes of the two draws choose each id. */
function outcomes({ total, keep, id, alias }: AliasTable): Map<number, bigint> {
  const counts = new Map<number, bigint>();
  const add = (key: number, count: number): void => {
    if (count > 0) counts.set(key, (counts.get(key) ?? 0n) + BigInt(count));
  };
  for (let column = 0; column < id.length; column++) {
    add(id[column] ?? -1, keep[column] ?? 0);
    add(alias[column] ?? -1, total - (keep[column] ?? 0));
  }
  return counts;
}

const EXACT: readonly (readonly number[])[] = [
  [1],
  [7],
  [1, 1],
  [90, 10],
  [10, 90],
  [1, 99],
  [0, 3],
  [3, 0, 0],
  [1, 2, 3, 4, 5, 6, 7],
  [1000, 1, 1, 1],
  [33, 33, 34],
  [1, 0, 1, 0, 5],
  [MAXIMUM_TOTAL],
  [1, MAXIMUM_TOTAL - 1],
  [MAXIMUM_TOTAL - 2, 1, 1],
  Array.from({ length: 1000 }, (_, i) => (i * 7919) % 101),
  Array.from({ length: 65536 }, (_, i) => (i % 2 === 0 ? 1 : 131069)),
];

test.each(EXACT.map((weights) => [weights] as const))("chances are exact: %j", (weights) => {
  const table = aliasTable(weights);
  if (table === undefined) throw new Error("no table");
  const counts = outcomes(table);
  const columns = weights.filter((weight) => weight > 0).length;
  expect(table.id.length).toBe(columns);
  expect(table.total).toBe(weights.reduce((sum, weight) => sum + weight, 0));
  const expected = weights.map((weight) => BigInt(weight) * BigInt(columns));
  expect(weights.map((_, id) => counts.get(id) ?? 0n)).toEqual(expected);
});

test("every pair of draws of a small table", () => {
  const table = aliasTable([5, 0, 1, 2]);
  if (table === undefined) throw new Error("no table");
  const chosen = [0, 0, 0, 0];
  for (let column = 0; column < table.id.length; column++) {
    for (let r = 0; r < table.total; r++) {
      const id = (r < (table.keep[column] ?? 0) ? table.id : table.alias)[column] ?? -1;
      chosen[id] = (chosen[id] ?? 0) + 1;
    }
  }
  expect(chosen).toEqual([15, 0, 3, 6]);
});

test.each([[[]], [[0]], [[0, 0, 0]]])("nothing to choose: %j", (weights) => {
  expect(aliasTable(weights)).toBeUndefined();
});

test.each([[[-1]], [[1.5]], [[Number.NaN]], [[MAXIMUM_TOTAL, 1]]])("not weights: %j", (weights) => {
  expect(() => aliasTable(weights)).toThrow("build alias table");
});
