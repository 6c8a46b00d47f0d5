// Which listener, chain, route, cluster and endpoints would serve a connection or a request, and why: the same compiled placements
// that the kernel's maps were made from, looked up as the kernel does, and the same route table that the relay walks.
import { chances } from "./compile/chances.ts";
import type { Compiled, CompiledCluster } from "./compile/compile.ts";
import { contains } from "./compile/filter-chain.ts";
import type { Placement } from "./compile/placement.ts";
import { type Fallback, heaviestOf } from "./compile/relayed.ts";
import { type ExplainedRequest, type ExplainedRoute, explainRequest } from "./explain-request.ts";
import { formatSocketAddress, type SocketAddress } from "./ip.ts";
import type { WeightedCluster } from "./model/route.ts";

export interface Explanation {
  readonly destination: string;
  /** native: the connection is left alone; connect: it is balanced in the kernel; relay: request by request; refused: connect() fails. */
  readonly result: "native" | "connect" | "relay" | "refused";
  readonly reason: string;
  readonly listener?: string;
  readonly filterChain?: string;
  readonly virtualHost?: string;
  /** Of a relayed connection: what becomes of the request that was asked about. */
  readonly route?: ExplainedRoute;
  /** Of a relayed connection: what a connect() does while the relay is down, in words. */
  readonly fallback?: string;
  readonly clusters: readonly ExplainedCluster[];
}

export interface ExplainedCluster {
  readonly name: string;
  /** 0 to 1. */
  readonly probability: number;
  readonly policy: string;
  readonly maxConnections: number | undefined;
  readonly endpoints: readonly { readonly address: string; readonly probability: number; readonly health: string }[];
  /** By priority: percent of the load, and whether the panic threshold is undercut. */
  readonly priorities: readonly { readonly healthy: number; readonly degraded: number; readonly panic: boolean }[];
}

/** The request matters where connections are relayed; its Host is the destination where it has none. */
export function explain(
  compiled: Compiled | undefined,
  destination: SocketAddress,
  request: ExplainedRequest = {},
): Explanation {
  const base = { destination: formatSocketAddress(destination), clusters: [] };
  if (compiled === undefined) return { ...base, result: "native", reason: "no configuration is in effect yet" };
  const found = find(compiled, destination);
  if (found === undefined) return { ...base, result: "native", reason: "no listener has this destination" };
  const { listener, placement } = found;
  const where = {
    ...base,
    listener,
    filterChain: placement.chain,
    virtualHost: placement.virtualHost,
    reason: placement.reason,
  };
  switch (placement.target.type) {
    case "native":
    case "ungoverned":
      return { ...where, result: "native" };
    case "refuse":
      return { ...where, result: "refused" };
    case "relay": {
      const { clusters, ...route } = explainRequest(placement.target.configuration, destination, request);
      return {
        ...where,
        virtualHost: route.virtualHost ?? "",
        result: "relay",
        route,
        fallback: describeFallback(placement.target.fallback),
        clusters: explainClusters(compiled, clusters),
      };
    }
    case "clusters": {
      const clusters = explainClusters(compiled, placement.target.clusters);
      const isServed = clusters.some(({ endpoints }) => endpoints.length > 0);
      if (isServed) return { ...where, clusters, result: "connect" };
      return { ...where, clusters, result: "refused", reason: "the cluster has no usable endpoint" };
    }
    default:
      return placement.target satisfies never;
  }
}

/** As bpf/connect.bpf.c, find_listener: an exact destination first, then the longest prefix. */
function find(
  compiled: Compiled,
  { address, port }: SocketAddress,
): { listener: string; placement: Placement } | undefined {
  let best: { listener: string; placement: Placement } | undefined;
  for (const [listener, { placements }] of compiled.listeners) {
    placements.forEach((placement) => {
      if (placement.port !== port || placement.prefix.address.family !== address.family) return;
      if (!contains(placement.prefix, address)) return;
      if (best === undefined || rank(placement) > rank(best.placement)) best = { listener, placement };
    });
  }
  return best;
}

function rank({ isExact, prefix }: Placement): number {
  return isExact ? 1000 : prefix.length;
}

function describeFallback(fallback: Fallback): string {
  switch (fallback.type) {
    case "clusters":
      return `connections go to cluster ${heaviestOf(fallback.clusters)?.cluster ?? ""}`;
    case "native":
      return "connections are left as they are";
    case "refuse":
      return "connections are refused";
    default:
      return fallback satisfies never;
  }
}

function explainClusters(compiled: Compiled, weighted: readonly WeightedCluster[]): ExplainedCluster[] {
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  return weighted.map(({ cluster, weight }) => explainCluster(compiled, cluster, weight / total));
}

function explainCluster(compiled: Compiled, name: string, probability: number): ExplainedCluster {
  const found = compiled.clusters.get(name);
  const balance = found?.balance;
  const shares = balance === undefined ? [] : chances(balance.table, balance.endpoints.length);
  return {
    name,
    probability,
    policy: found?.cluster.loadBalancing.policy ?? "unknown",
    maxConnections: found?.cluster.maxConnections,
    endpoints: endpointsOf(found).map((endpoint, i) => ({ ...endpoint, probability: shares[i] ?? 0 })),
    priorities: (balance?.load ?? []).map((load, priority) => ({ ...load, panic: balance?.panic[priority] === true })),
  };
}

function endpointsOf(found: CompiledCluster | undefined): { address: string; health: string }[] {
  return (found?.balance?.endpoints ?? []).map(({ address, health }) => ({
    address: formatSocketAddress(address),
    health,
  }));
}
