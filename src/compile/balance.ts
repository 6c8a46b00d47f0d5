// A cluster and its endpoints compiled to the table that the kernel chooses from. Every decision of Envoy's load balancers that
// depends only on the configuration is taken here; what is left for the kernel is one bounded lookup (bpf/balance.h).
import type { Cluster } from "../model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../model/endpoint.ts";
import { type AliasTable, aliasTable } from "./alias.ts";
import { type Buckets, type HashTable, hashTable, weightOf } from "./hash-table.ts";
import { type Host, hostSets } from "./host-set.ts";
import { type PriorityLoad, priorityState } from "./priority.ts";
import { sequence } from "./sequence.ts";
import { shares, type Weights, weights } from "./shares.ts";

/** A row of a sequence or an alias table that refuses the connection: the part that Envoy would fail. Stays as it is in the kernel. */
export const NO_ENDPOINT = 0xffff_ffff;

/** Rows are indexes of Balance.endpoints, or NO_ENDPOINT. */
export type Table =
  /** HashTable has { pick: "none" }: no endpoint can be chosen. */
  | HashTable
  | Buckets
  /** In turn. */
  | { readonly pick: "sequence"; readonly rows: Uint32Array }
  /** One weighted random draw. */
  | { readonly pick: "alias"; readonly rows: AliasTable }
  | {
      readonly pick: "least_request";
      readonly rows: AliasTable;
      /** How many draws the least loaded is chosen from. */
      readonly draws: number;
      /** By endpoint: the load to compare is active connections / weight. */
      readonly weights: Uint32Array;
    };

export interface Balance {
  /** By address, each once; only those that can be chosen. */
  readonly endpoints: readonly Endpoint[];
  readonly table: Table;
  /** By priority. */
  readonly panic: readonly boolean[];
  /** By priority, in percent. */
  readonly load: readonly PriorityLoad[];
}

/** LEAST_REQUEST_DRAWS of bpf/mesh.h. */
const MAXIMUM_DRAWS = 8;

/** A weighted round robin of a longer period is drawn at random: the table would cost more memory than its even spread is worth. */
const LONGEST_PERIOD = 4096;

/** An endpoint that isn't `usable` is as if it were absent. */
export function balance(
  cluster: Cluster,
  assignment: EndpointAssignment,
  usable: (endpoint: Endpoint) => boolean,
): Balance {
  const sets = hostSets(assignment, cluster.discovery.type === "static" ? "all" : "first", usable);
  const counts = sets.map(({ all, healthy, degraded }) => ({
    all: all.length,
    healthy: healthy.length,
    degraded: degraded.length,
  }));
  const state = priorityState(counts, assignment.overprovisioningPercent, cluster.panicThresholdPercent);
  const policy = cluster.loadBalancing;
  if (policy.policy === "ring_hash" || policy.policy === "maglev") {
    const { endpoints, idOf } = endpointIds();
    return { endpoints, table: hashTable(cluster, policy, sets, state, idOf), ...state };
  }
  const options = { ...cluster, overprovisioningPercent: assignment.overprovisioningPercent };
  const weigh = policy.policy === "random" ? () => 1 : weightOf;
  const weighted = weights(shares(sets, state, options), weigh);
  const endpoints = weighted.hosts.map(({ endpoint }) => endpoint);
  const draws = policy.policy === "least_request" ? Math.min(policy.choiceCount, MAXIMUM_DRAWS) : 1;
  return { endpoints, table: weightedTable(policy.policy, weighted, draws), ...state };
}

/** Numbers hosts by address in the order they are asked for. */
function endpointIds(): { endpoints: readonly Endpoint[]; idOf: (host: Host) => number } {
  const endpoints: Endpoint[] = [];
  const ids = new Map<string, number>();
  const idOf = ({ address, endpoint }: Host): number => {
    const known = ids.get(address);
    if (known !== undefined) return known;
    ids.set(address, endpoints.length);
    return endpoints.push(endpoint) - 1;
  };
  return { endpoints, idOf };
}

/** The refused part, if any, stands behind the endpoints. */
function weightedTable(
  policy: "round_robin" | "random" | "least_request",
  { hosts, weights, refused }: Weights,
  draws: number,
): Table {
  if (hosts.length === 0) return { pick: "none" };
  const all = refused === 0 ? weights : [...weights, refused];
  const period = all.reduce((total, weight) => total + weight, 0);
  if (policy === "round_robin" && period <= Math.max(LONGEST_PERIOD, all.length)) {
    return { pick: "sequence", rows: refuseBehind(sequence(all), hosts.length) };
  }
  const table = aliasTable(all);
  if (table === undefined) return { pick: "none" };
  const rows = { ...table, id: refuseBehind(table.id, hosts.length), alias: refuseBehind(table.alias, hosts.length) };
  if (policy !== "least_request") return { pick: "alias", rows };
  // An endpoint would always be preferred to a refusal: with several draws fewer connections would fail than in Envoy.
  return { pick: "least_request", rows, draws: refused === 0 ? draws : 1, weights: Uint32Array.from(weights) };
}

function refuseBehind(rows: Uint32Array, endpoints: number): Uint32Array {
  return rows.map((row) => (row < endpoints ? row : NO_ENDPOINT));
}
