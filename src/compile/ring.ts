// Consistent hashing on a ring (Ketama), entry for entry Envoy's
// (envoy/source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc).
import { murmurHash2, xxHash64 } from "./hash.ts";
import type { WeightedHost } from "./host-set.ts";

/** Parallel entries, ascending by hash. A connection belongs to the first entry whose hash is not below its own, or else to entry 0. */
export interface Ring {
  readonly pick: "ring";
  readonly hash: BigUint64Array;
  readonly id: Uint32Array;
}

export interface RingOptions {
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
  readonly hashFunction: "xx_hash" | "murmur_hash_2";
}

/** `hosts` is not empty. The doubles are added and compared in Envoy's order, so that rounding falls out alike. */
export function ring(hosts: readonly WeightedHost[], options: RingOptions): Ring {
  const least = hosts.reduce((least, { weight }) => Math.min(least, weight), 1);
  // The host of the least weight gets a whole number of entries, the others about as many as they should have.
  const scale = Math.min(Math.ceil(least * options.minimumRingSize) / least, options.maximumRingSize);
  const hash = options.hashFunction === "murmur_hash_2" ? murmurHash2 : xxHash64;
  const hashes: bigint[] = [];
  const ids: number[] = [];
  let target = 0;
  for (const { key, id, weight } of hosts) {
    target += scale * weight;
    for (let i = 0; hashes.length < target; i++) {
      hashes.push(hash(`${key}_${i}`));
      ids.push(id);
    }
  }
  return sorted(BigUint64Array.from(hashes), ids);
}

/** Compares the halves as numbers: comparing bigints would allocate two for every step. */
function sorted(hashes: BigUint64Array, ids: readonly number[]): Ring {
  const halves = new Uint32Array(hashes.buffer); // low, high: little-endian, as every host we run on
  const order = Uint32Array.from(hashes.keys()).sort(
    (a, b) =>
      (halves[2 * a + 1] ?? 0) - (halves[2 * b + 1] ?? 0) || (halves[2 * a] ?? 0) - (halves[2 * b] ?? 0) || a - b,
  );
  const id = Uint32Array.from(order, (entry) => ids[entry] ?? 0);
  return { pick: "ring", hash: hashes.sort(), id };
}
