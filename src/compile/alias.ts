// Walker's alias method in integers (Vose's construction): weighted random choice by two draws, whatever the number of entries.
// The kernel draws a column below the table's length, then r < total; r < keep gives the column's id, otherwise its alias.
import { MeshError } from "../errors.ts";

/** Parallel columns. Exact: an id's chance is its weight / the sum of the weights. */
export interface AliasTable {
  /** The sum of the weights; below 2^32, so that a 64-bit random number modulo it is off by less than 2^-32. */
  readonly total: number;
  /** 1 to total. */
  readonly keep: Uint32Array;
  readonly id: Uint32Array;
  readonly alias: Uint32Array;
}

/** The largest sum of weights; also Envoy's limit for clusters and endpoints. */
export const MAXIMUM_TOTAL = 0xffff_ffff;

/**
 * The ids are the indexes of `weights`: whole numbers with a sum of at most MAXIMUM_TOTAL. Zero weights get no column and are never
 * chosen; undefined if all are zero. Column times total stays a safe integer for up to 2^21 entries.
 */
export function aliasTable(weights: readonly number[]): AliasTable | undefined {
  const total = checkedSum(weights);
  if (total === 0) return undefined;
  const ids = Uint32Array.from(weights.keys()).filter((id) => weights[id] !== 0);
  const columns = ids.length;
  // What is left to place of each weight, scaled so that a whole column is `total`.
  const left = Float64Array.from(ids, (id) => (weights[id] ?? 0) * columns);
  const keep = new Uint32Array(columns).fill(total);
  const alias = ids.slice();
  const short: number[] = [];
  const long: number[] = [];
  for (let column = 0; column < columns; column++) ((left[column] ?? 0) < total ? short : long).push(column);
  // Fill every short column up from a long one, which becomes shorter and perhaps short itself. Sums are exact, so that at the
  // end every column that is left over is whole.
  for (let to = short.pop(); to !== undefined; to = short.pop()) {
    const from = long[long.length - 1];
    if (from === undefined) break;
    const kept = left[to] ?? 0;
    keep[to] = kept;
    alias[to] = ids[from] ?? 0;
    const rest = (left[from] ?? 0) - (total - kept);
    left[from] = rest;
    if (rest < total) {
      long.pop();
      short.push(from);
    }
  }
  return { total, keep, id: ids, alias };
}

function checkedSum(weights: readonly number[]): number {
  let total = 0;
  for (const weight of weights) {
    if (!Number.isInteger(weight) || weight < 0) {
      throw new MeshError("unexpected", `build alias table: ${weight} is not a weight`);
    }
    total += weight;
  }
  if (total > MAXIMUM_TOTAL) throw new MeshError("unexpected", `build alias table: the weights add up to ${total}`);
  return total;
}
