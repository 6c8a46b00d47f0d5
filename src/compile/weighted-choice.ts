// Envoy's choice among weighted clusters (WeightedClustersConfigEntry and pickWeightedCluster in
// envoy/source/common/router): the remainder of one random number by the sum of the weights.
import type { RequestView } from "../model/request.ts";
import type { Destination } from "../model/route.ts";

/** The index of the entry, or -1 where no weight is above 0. `random` is whole and at least 0. */
export function chooseWeighted(entries: readonly { readonly weight: number }[], random: number | bigint): number {
  let total = 0;
  for (const { weight } of entries) total += weight;
  if (total === 0) return -1;
  const selected = remainder(random, total);
  let sum = 0;
  for (const [i, { weight }] of entries.entries()) {
    sum += weight;
    if (selected < sum) return i;
  }
  return -1;
}

/**
 * The number that decides among the clusters: that of the route's header_name, where the request has it once and it is an unsigned
 * number of 64 bits; else `random`. Who follows use_hash_policy gives the hash as `random`.
 */
export function weightedRandom(
  { randomHeader }: Extract<Destination, { type: "weighted_clusters" }>,
  request: RequestView,
  random: number | bigint,
): number | bigint {
  if (randomHeader === undefined) return random;
  const [value, ...others] = request.values(randomHeader);
  if (value === undefined || others.length > 0) return random;
  const digits = /^[ \t]*\+?(\d+)[ \t]*$/.exec(value)?.[1];
  if (digits === undefined) return random;
  const number = BigInt(digits);
  return number === BigInt.asUintN(64, number) ? number : random;
}

export function remainder(random: number | bigint, divisor: number): number {
  return typeof random === "number" ? random % divisor : Number(random % BigInt(divisor));
}
