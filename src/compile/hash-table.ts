// RING_HASH and MAGLEV: one table for every priority that carries load, and the buckets that choose among them (Envoy's
// ThreadAwareLoadBalancerBase, envoy/source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc).
import type { Cluster, LoadBalancing } from "../model/cluster.ts";
import type { Host, HostSet, WeightedHost } from "./host-set.ts";
import { type Maglev, maglev } from "./maglev.ts";
import type { PriorityState } from "./priority.ts";
import { type Ring, ring } from "./ring.ts";

export type HashPolicy = Extract<LoadBalancing, { policy: "ring_hash" | "maglev" }>;

export type HashTable = { readonly pick: "none" } | Ring | Maglev;

/** Several priorities carry load: `tables[bucket[hash % 100]]` chooses. */
export interface Buckets {
  readonly pick: "buckets";
  /** HASH_BUCKETS indexes of `tables`. */
  readonly bucket: Uint8Array;
  readonly tables: readonly HashTable[];
}

/** HASH_BUCKETS of bpf/mesh.h: Envoy compares hash % 100 + 1 with the priorities' percents. */
const BUCKETS = 100;

export function hashTable(
  cluster: Cluster,
  policy: HashPolicy,
  sets: readonly HostSet[],
  state: PriorityState,
  idOf: (host: Host) => number,
): HashTable | Buckets {
  const byBucket = priorityOfBuckets(state);
  const used = [...new Set(byBucket)].sort((a, b) => a - b);
  const tables = used.map((priority): HashTable => {
    const hosts = weightedHosts(cluster, sets[priority], state.panic[priority] === true, idOf);
    if (hosts.length === 0) return { pick: "none" };
    return policy.policy === "ring_hash" ? ring(hosts, policy) : maglev(hosts, policy.tableSize);
  });
  const [only = { pick: "none" }] = tables;
  if (tables.every((table) => table === only || (table.pick === "none" && only.pick === "none"))) return only;
  return { pick: "buckets", bucket: Uint8Array.from(byBucket, (priority) => used.indexOf(priority)), tables };
}

/** First the healthy loads of all priorities, then the degraded ones: LoadBalancerBase::choosePriority. */
function priorityOfBuckets({ load }: PriorityState): number[] {
  const healthy = load.flatMap(({ healthy }, priority) => Array<number>(healthy).fill(priority));
  const degraded = load.flatMap(({ degraded }, priority) => Array<number>(degraded).fill(priority));
  return [...healthy, ...degraded].slice(0, BUCKETS);
}

/**
 * Only healthy hosts, even for the load of degraded ones, and fail_traffic_on_panic doesn't apply: so it is in Envoy. Locality
 * weights aren't adjusted for availability either, but they hold in panic too; a locality without a weight gets nothing.
 */
function weightedHosts(
  { localityWeighted, hashByHostname }: Cluster,
  set: HostSet | undefined,
  panic: boolean,
  idOf: (host: Host) => number,
): WeightedHost[] {
  if (set === undefined) return [];
  const availability = panic ? "all" : "healthy";
  const normalise = (hosts: readonly Host[], part: number): WeightedHost[] => {
    const total = hosts.reduce((total, host) => total + weightOf(host), 0);
    return hosts.map((host) => ({
      key: host.endpoint.hashKey || (hashByHostname ? host.endpoint.hostname : host.address),
      id: idOf(host),
      weight: (weightOf(host) * part) / total,
    }));
  };
  if (!localityWeighted) return normalise(set[availability], 1);
  const total = set.localities.reduce((total, { weight }) => total + weight, 0);
  return set.localities
    .filter(({ weight }) => weight > 0)
    .flatMap((locality) => normalise(locality[availability], locality.weight / total));
}

/** Envoy takes 0 for 1. */
export function weightOf({ endpoint }: Host): number {
  return Math.max(1, endpoint.weight);
}
