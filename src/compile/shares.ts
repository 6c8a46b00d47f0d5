// What part of a cluster's connections each host gets, in exact integers: the product of its priority's load, its locality's
// effective weight and its own weight (ZoneAwareLoadBalancerBase::hostSourceToUse and LocalityWrr in
// envoy/source/extensions/load_balancing_policies/common).
import { MAXIMUM_TOTAL } from "./alias.ts";
import type { Host, HostSet, LocalityHosts } from "./host-set.ts";
import type { PriorityState } from "./priority.ts";

/** A part of the connections that is divided among hosts by their weights. Without hosts: the part that Envoy would fail. */
export interface Share {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly hosts: readonly Host[];
}

export interface ShareOptions {
  readonly overprovisioningPercent: number;
  readonly localityWeighted: boolean;
  readonly failTrafficOnPanic: boolean;
}

/** The shares add up to 1. */
export function shares(sets: readonly HostSet[], { load, panic }: PriorityState, options: ShareOptions): Share[] {
  return sets.flatMap((set, priority) => {
    const { healthy = 0, degraded = 0 } = load[priority] ?? {};
    // In panic neither health nor localities are looked at.
    if (panic[priority]) return part(healthy + degraded, options.failTrafficOnPanic ? [] : set.all);
    return [...available(set, "healthy", healthy, options), ...available(set, "degraded", degraded, options)];
  });
}

type Availability = "healthy" | "degraded";

function available(set: HostSet, availability: Availability, percent: number, options: ShareOptions): Share[] {
  if (!options.localityWeighted || percent === 0) return part(percent, set[availability]);
  const weights = set.localities.map((locality) => effectiveWeight(locality, availability, options));
  const scale = weights.reduce((common, { denominator }) => lcm(common, denominator), 1n);
  const whole = weights.map(({ numerator, denominator }) => numerator * (scale / denominator));
  const total = whole.reduce((total, weight) => total + weight, 0n);
  // No locality has a weight: as if localities weren't weighted.
  if (total === 0n) return part(percent, set[availability]);
  return set.localities.flatMap((locality, i) => {
    const numerator = BigInt(percent) * (whole[i] ?? 0n);
    return numerator === 0n ? [] : [{ numerator, denominator: 100n * total, hosts: locality[availability] }];
  });
}

function part(percent: number, hosts: readonly Host[]): Share[] {
  return percent === 0 ? [] : [{ numerator: BigInt(percent), denominator: 100n, hosts }];
}

/** A locality's weight counts in full until overprovisioning can't make up for the hosts that are gone. */
function effectiveWeight(
  locality: LocalityHosts,
  availability: Availability,
  { overprovisioningPercent }: ShareOptions,
): { numerator: bigint; denominator: bigint } {
  const all = 100 * locality.all.length;
  const here = Math.min(all, overprovisioningPercent * locality[availability].length);
  return { numerator: BigInt(locality.weight) * BigInt(here), denominator: BigInt(all) };
}

/** Reduced whole weights; all together at most MAXIMUM_TOTAL. */
export interface Weights {
  /** By address, each once. */
  readonly hosts: readonly Host[];
  /** By host; at least 1. */
  readonly weights: readonly number[];
  /** The weight of the part that Envoy would fail. */
  readonly refused: number;
}

/** `weigh` is a host's own weight: at least 1, and 1 for a policy that takes no notice of weights. */
export function weights(shares: readonly Share[], weigh: (host: Host) => number): Weights {
  const hosts: Host[] = [];
  const found: number[] = [];
  const ids = new Map<string, number>();
  let refused = 0;
  for (const part of commonUnits(shares, weigh)) {
    if (part.hosts.length === 0) refused += part.scale(1);
    for (const host of part.hosts) {
      // The same address in several places gets all of their shares.
      const id = ids.get(host.address) ?? hosts.push(host) - 1;
      ids.set(host.address, id);
      found[id] = (found[id] ?? 0) + part.scale(weigh(host));
    }
  }
  const [refusedWeight = 0, ...hostWeights] = fit(reduce([refused, ...found]), MAXIMUM_TOTAL);
  return { hosts, weights: hostWeights, refused: refusedWeight };
}

interface ScaledShare {
  readonly hosts: readonly Host[];
  /** From a host's own weight to one that compares with those of the other shares. */
  readonly scale: (own: number) => number;
}

/** Brings the shares to a common denominator: exact while the sum of all weights is a safe integer, rounded to 2^-53 beyond. */
function commonUnits(shares: readonly Share[], weigh: (host: Host) => number): ScaledShare[] {
  const parts = shares.map(({ numerator, denominator, hosts }) => {
    const own = BigInt(hosts.length === 0 ? 1 : hosts.reduce((total, host) => total + weigh(host), 0));
    const divisor = gcd(numerator, denominator * own);
    return { hosts, numerator: numerator / divisor, denominator: (denominator * own) / divisor };
  });
  // The shares add up to 1, so that the common denominator is the sum of all weights.
  const total = parts.reduce((common, { denominator }) => lcm(common, denominator), 1n);
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return parts.map(({ hosts, numerator, denominator }) => {
    const unit = numerator * (total / denominator);
    const exact = Number(unit);
    if (total <= limit) return { hosts, scale: (own) => exact * own };
    return { hosts, scale: (own) => Number((unit * BigInt(own) * limit) / total) };
  });
}

function reduce(weights: readonly number[]): readonly number[] {
  let common = 0;
  for (const weight of weights) {
    let rest = weight;
    while (rest !== 0) [common, rest] = [rest, common % rest];
    if (common === 1) return weights;
  }
  return common === 0 ? weights : weights.map((weight) => weight / common);
}

/** The same proportions with a sum of at most `limit`: exact if they fit, else within entries / limit; none becomes zero. */
function fit(weights: readonly number[], limit: number): readonly number[] {
  const total = weights.reduce((total, weight) => total + weight, 0);
  if (total <= limit) return weights;
  const part = (limit - weights.length) / total;
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor(weight * part))));
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function lcm(a: bigint, b: bigint): bigint {
  return (a / gcd(a, b)) * b;
}
