// The probability of every endpoint under a table: for `explain`, and for tests to compare tables with configurations.
import type { AliasTable } from "./alias.ts";
import type { Table } from "./balance.ts";
import type { Ring } from "./ring.ts";

/**
 * By endpoint, below `endpoints`; what is missing to 1 is refused. LEAST_REQUEST: while all are equally loaded. Hash policies: over
 * all hashes, where a bucket and a place in its table count as independent.
 */
export function chances(table: Table, endpoints: number): Float64Array {
  const chance = new Float64Array(endpoints);
  add(table, 1, chance);
  return chance;
}

function add(table: Table, part: number, chance: Float64Array): void {
  switch (table.pick) {
    case "none":
      break;
    case "sequence":
    case "maglev":
      addCounts(table.rows, part, chance);
      break;
    case "alias":
    case "least_request":
      addAlias(table.rows, part, chance);
      break;
    case "ring":
      addRing(table, part, chance);
      break;
    case "buckets":
      for (const [i, inner] of table.tables.entries()) {
        const buckets = table.bucket.filter((index) => index === i).length;
        add(inner, (part * buckets) / table.bucket.length, chance);
      }
      break;
    default:
      table satisfies never;
  }
}

function addCounts(rows: Uint32Array, part: number, chance: Float64Array): void {
  addWeights(new Float64Array(rows.length).fill(1), rows, rows.length, part, chance);
}

function addAlias({ total, keep, id, alias }: AliasTable, part: number, chance: Float64Array): void {
  const whole = id.length * total;
  addWeights(Float64Array.from(keep), id, whole, part, chance);
  addWeights(
    Float64Array.from(keep, (kept) => total - kept),
    alias,
    whole,
    part,
    chance,
  );
}

/** A ring entry has the arc from the entry before it; the first also what is left behind the last. */
function addRing({ hash, id }: Ring, part: number, chance: Float64Array): void {
  const arcs = Float64Array.from(hash, (at, i) =>
    Number(i === 0 ? at + 2n ** 64n - (hash[hash.length - 1] ?? 0n) : at - (hash[i - 1] ?? 0n)),
  );
  addWeights(arcs, id, 2 ** 64, part, chance);
}

/** Sums whole numbers first and divides once: exact but for the last rounding, as long as sums stay below 2^53. */
function addWeights(weights: Float64Array, ids: Uint32Array, whole: number, part: number, chance: Float64Array): void {
  const sums = new Float64Array(chance.length);
  ids.forEach((id, i) => {
    if (id < sums.length) sums[id] = (sums[id] ?? 0) + (weights[i] ?? 0);
  });
  sums.forEach((sum, id) => {
    chance[id] = (chance[id] ?? 0) + (part * sum) / whole;
  });
}
