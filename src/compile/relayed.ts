// What becomes of the connections to an HTTP filter chain that needs a decision or a change per request: they go to the relay,
// unless it couldn't honour the whole of the chain. In the relay the Host header alone chooses the virtual host, as in Envoy.
import type { FilterChain, Listener } from "../model/listener.ts";
import type { Need } from "../model/need.ts";
import { clustersOfRoute } from "../model/references.ts";
import type { RouteConfiguration, VirtualHost, WeightedCluster } from "../model/route.ts";
import type { Disposition } from "./disposition.ts";
import type { Chains } from "./filter-chain.ts";
import { defaultDestinations } from "./single-place.ts";

/** What a connection gets while the relay can't be reached. */
export type Fallback =
  | { readonly type: "clusters"; readonly clusters: readonly WeightedCluster[] }
  | { readonly type: "native" }
  | { readonly type: "refuse" };

export interface RelayTarget {
  readonly type: "relay";
  readonly chain: FilterChain;
  readonly configuration: RouteConfiguration;
  /** In filterChains; the default chain comes behind the last. */
  readonly chainIndex: number;
  /** Why nothing simpler will do. */
  readonly needs: readonly Need[];
  readonly fallback: Fallback;
  /** Where bytes go that aren't HTTP/1; undefined: they are closed. */
  readonly plain: readonly WeightedCluster[] | undefined;
}

export type DispositionOf = (cluster: string) => Disposition;

/** The first cluster of a route configuration that can't be served exactly: the chain is left alone then, as a whole. */
export function unsupportedCluster(configuration: RouteConfiguration, dispositionOf: DispositionOf): Need | undefined {
  for (const cluster of new Set(clustersOfRoute(configuration))) {
    const disposition = dispositionOf(cluster);
    if (disposition.type === "unsupported") return { path: `cluster ${cluster}`, reason: disposition.reason };
  }
  return undefined;
}

export function catchAllHost({ virtualHosts }: RouteConfiguration): VirtualHost | undefined {
  return virtualHosts.find(({ domains }) => domains.includes("*"));
}

export function chainIndexOf({ filterChains }: Listener, chain: FilterChain): number {
  const index = filterChains.indexOf(chain);
  return index === -1 ? filterChains.length : index;
}

/** Without the relay nobody looks at requests: only the place stays right, and only where no policy decides who may go there. */
export function fallbackOf(
  { filter }: FilterChain,
  host: VirtualHost | undefined,
  dispositionOf: DispositionOf,
): Fallback {
  const isGuarded = mayRefuse(filter);
  const clusters = host === undefined ? [] : (defaultDestinations(host) ?? []);
  const heaviest = heaviestOf(clusters);
  if (isGuarded || heaviest === undefined) return { type: "refuse" };
  if (dispositionOf(heaviest.cluster).type === "native") return { type: "native" };
  return { type: "clusters", clusters: clusters.filter(({ cluster }) => dispositionOf(cluster).type === "balanced") };
}

/** Whoever isn't looked at would get past these filters. */
function mayRefuse(filter: FilterChain["filter"]): boolean {
  return filter.type === "http_connection_manager" && filter.filters.some(({ config }) => refusing.has(config.type));
}

const refusing = new Set(["rbac", "local_rate_limit"]);

/** The one that most requests go to, the first of equals. */
export function heaviestOf(clusters: readonly WeightedCluster[]): WeightedCluster | undefined {
  return clusters.reduce<WeightedCluster | undefined>(
    (best, one) => (best === undefined || one.weight > best.weight ? one : best),
    undefined,
  );
}

/**
 * Where bytes that aren't HTTP/1 go on an HTTP chain: to the chain that Envoy would find for them (Istio pairs each sniffed HTTP
 * chain with one for the rest), else where the default route says; undefined where neither knows, or a filter may refuse.
 */
export function plainClusters(
  { plain, http }: Chains,
  configuration: RouteConfiguration | undefined,
): readonly WeightedCluster[] | undefined {
  if (plain?.filter.type === "tcp_proxy") return plain.filter.clusters.filter(({ weight }) => weight > 0);
  const chain = http ?? plain;
  if (chain !== undefined && mayRefuse(chain.filter)) return undefined;
  const catchAll = configuration === undefined ? undefined : catchAllHost(configuration);
  return catchAll === undefined ? undefined : defaultDestinations(catchAll);
}
