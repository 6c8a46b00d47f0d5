// What the relay has to know of a compiled configuration: its filter chains, by the key that the kernel keeps for each relayed
// connection, and the clusters that their requests can reach.
import type { Listener } from "../model/listener.ts";
import { clustersOfRoute } from "../model/references.ts";
import type { ForwardAction, RouteConfiguration, WeightedCluster } from "../model/route.ts";
import type { ChainKey, RelayChain } from "../relay/protocol.ts";
import { chainName } from "./filter-chain.ts";
import type { Placement } from "./placement.ts";
import type { RelayTarget } from "./relayed.ts";

export type RelayChains = ReadonlyMap<ChainKey, RelayChain>;

/** `before`: the same listener's, whose unchanged chains stay the same objects. */
export function relayChains(
  id: number,
  listener: Listener,
  placements: readonly Placement[],
  before: RelayChains | undefined,
): RelayChains {
  const chains = new Map<ChainKey, RelayChain>();
  for (const { target } of placements) {
    if (target.type !== "relay") continue;
    const key: ChainKey = `${id}/${target.chainIndex}`;
    const chain = chains.has(key) ? undefined : relayChain(listener, target);
    if (chain === undefined) continue;
    const known = before?.get(key);
    chains.set(key, known !== undefined && isSame(known, chain) ? known : chain);
  }
  return chains;
}

/** By name; "all" where a request may name its cluster itself. */
export function reachableClusters(chains: Iterable<RelayChain>): ReadonlySet<string> | "all" {
  const clusters = new Set<string>();
  for (const { configuration, plain } of chains) {
    if (namesByHeader(configuration)) return "all";
    for (const cluster of clustersOfRoute(configuration)) clusters.add(cluster);
    for (const { cluster } of plain ?? []) clusters.add(cluster);
  }
  return clusters;
}

function relayChain(listener: Listener, { chain, configuration, plain }: RelayTarget): RelayChain | undefined {
  if (chain.filter.type !== "http_connection_manager") return undefined;
  const name = chainName(listener, { http: undefined, plain: chain });
  return { listener: listener.name, chain: name, http: chain.filter, configuration, plain };
}

function isSame(a: RelayChain, b: RelayChain): boolean {
  const isSameConfiguration = a.http === b.http && a.configuration === b.configuration;
  return a.listener === b.listener && a.chain === b.chain && isSameConfiguration && isSamePlace(a.plain, b.plain);
}

function isSamePlace(a: RelayChain["plain"], b: RelayChain["plain"]): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((one, i) => isSameWeight(one, b[i]));
}

function isSameWeight(a: WeightedCluster, b: WeightedCluster | undefined): boolean {
  return a.cluster === b?.cluster && a.weight === b.weight;
}

function namesByHeader({ virtualHosts }: RouteConfiguration): boolean {
  return virtualHosts.some(({ routes }) =>
    routes.some(({ action }) => action.type === "forward" && actionNamesByHeader(action)),
  );
}

function actionNamesByHeader({ destination, mirrors }: ForwardAction): boolean {
  if (destination.type === "cluster_header" || mirrors.some(({ clusterHeader }) => clusterHeader !== "")) return true;
  return (
    destination.type === "weighted_clusters" &&
    destination.clusters.some(({ weight, clusterHeader }) => weight > 0 && clusterHeader !== undefined)
  );
}
