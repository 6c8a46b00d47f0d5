// The kernel's choice by hash (bpf/balance.h), in TypeScript: for `explain`, for the relay, and for tests.
import { NO_ENDPOINT } from "./balance.ts";
import type { Buckets, HashTable } from "./hash-table.ts";
import type { Ring } from "./ring.ts";

/** The index of the endpoint that a connection with this hash goes to, or NO_ENDPOINT. */
export function pickByHash(table: HashTable | Buckets, hash: bigint): number {
  switch (table.pick) {
    case "none":
      return NO_ENDPOINT;
    case "ring":
      return table.id[lowerBound(table, hash) % table.id.length] ?? NO_ENDPOINT;
    case "maglev":
      return table.rows[Number(hash % BigInt(table.rows.length))] ?? NO_ENDPOINT;
    case "buckets": {
      const bucket = table.bucket[Number(hash % BigInt(table.bucket.length))] ?? 0;
      return pickByHash(table.tables[bucket] ?? { pick: "none" }, hash);
    }
  }
}

/** The first entry whose hash is not below `hash`; the ring's length if there is none. */
function lowerBound({ hash: hashes }: Ring, hash: bigint): number {
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hashes[middle] ?? 0n) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}
