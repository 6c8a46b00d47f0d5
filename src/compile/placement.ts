// Where the connections to each destination of a listener go, and which engine can take them there exactly. This is the one
// reading of a listener that the kernel image, `check`, `status` and `explain` share.
import {
  type Address,
  equalAddress,
  type Family,
  formatAddress,
  isUnspecified,
  type Prefix,
  parseAddress,
  prefixOf,
  type SocketAddress,
} from "../ip.ts";
import type { FilterChain, Listener } from "../model/listener.ts";
import type { Need, Route, RouteConfiguration, VirtualHost, WeightedCluster } from "../model/route.ts";

/** What a cluster means to a listener that names it. */
export type Disposition =
  | { readonly type: "balanced" }
  /** ORIGINAL_DST: the connection stays as it is. */
  | { readonly type: "native" }
  /** Traffic can't be taken there exactly, for this reason; it is left untouched. */
  | { readonly type: "unsupported"; readonly reason: string };

export type Target =
  | { readonly type: "clusters"; readonly clusters: readonly WeightedCluster[]; readonly hashSource: boolean }
  /** Left native because the configuration says so. */
  | { readonly type: "native" }
  /** No filter chain: Envoy would close the connection. */
  | { readonly type: "refuse" }
  /** Needs an engine that this build or host hasn't: left native, and reported. */
  | { readonly type: "ungoverned"; readonly needs: readonly Need[] };

/** One destination, or a prefix of destinations, on one port. */
export interface Placement {
  /** The whole address for exact destinations; `isExact` tells a /32 listener from a /32 prefix_range. */
  readonly prefix: Prefix;
  readonly isExact: boolean;
  readonly port: number;
  /** The filter chain's name, "default", or "" where none matches. */
  readonly chain: string;
  /** The virtual host and route that decide; "" for TCP. */
  readonly virtualHost: string;
  readonly target: Target;
  /** Why this target, for people. */
  readonly reason: string;
}

export interface PlacementInput {
  readonly listener: Listener;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  readonly disposition: (cluster: string) => Disposition;
  /** A destination address that exactly one virtual host claims names that virtual host, whatever the Host header says. */
  readonly trustVip: boolean;
}

type Bind = Listener["additionalAddresses"][number];

/** Every placement of an outbound listener; none for others. Exact placements come from exact addresses and trusted VIPs. */
export function placements(input: PlacementInput): Placement[] {
  const { listener } = input;
  if (listener.role !== "outbound") return [];
  const binds: readonly Bind[] = [
    { address: listener.address, ipv4Compat: listener.ipv4Compat },
    ...listener.additionalAddresses,
  ];
  return binds.flatMap((bind) =>
    isUnspecified(bind.address.address) ? wildcardPlacements(input, bind) : [exactPlacement(input, bind)],
  );
}

function exactPlacement(input: PlacementInput, { address: { address, port } }: Bind): Placement {
  const chains = chainsFor(input.listener, port, address);
  const base = { prefix: wholePrefix(address), isExact: true, port, chain: chainName(input.listener, chains) };
  return { ...base, ...decide(input, chains, { address, port }) };
}

function wildcardPlacements(input: PlacementInput, { address: { address, port }, ipv4Compat }: Bind): Placement[] {
  const families: readonly Family[] = address.family === 6 && ipv4Compat ? [4, 6] : [address.family];
  return families.flatMap((family) => {
    const whole = prefixOf({ family, bytes: new Uint8Array(16) }, 0);
    const prefixes = chainsForPort(input.listener, port).flatMap((chain) =>
      chain.match.prefixes.filter((prefix) => prefix.address.family === family),
    );
    return uniquePrefixes([whole, ...prefixes]).flatMap((prefix) => {
      const chains = chainsFor(input.listener, port, prefix.address, prefix.length);
      const base = { prefix, isExact: false, port, chain: chainName(input.listener, chains) };
      return [{ ...base, ...decide(input, chains, undefined) }, ...vipPlacements(input, chains, base)];
    });
  });
}

function wholePrefix(address: Address): Prefix {
  return prefixOf(address, address.family === 4 ? 32 : 128);
}

/** Who may get a connection to one destination: `http` where its first bytes are HTTP, `plain` otherwise. */
interface Chains {
  readonly plain: FilterChain | undefined;
  readonly http: FilterChain | undefined;
}

/**
 * The chains for a destination, by Envoy's order (filter_chain_manager_impl.cc): chains of the exact port if there are any, else
 * those without a port; of these the longest prefix; of these by what the first bytes are; else the default chain.
 */
function chainsFor(listener: Listener, port: number, address: Address, atMost = 128): Chains {
  const matching = chainsForPort(listener, port).flatMap((chain) => {
    const length = longestMatch(chain, address, atMost);
    return length === undefined ? [] : [{ chain, length }];
  });
  const longest = Math.max(...matching.map(({ length }) => length));
  const best = matching.filter(({ length }) => length === longest).map(({ chain }) => chain);
  return {
    plain: best.find((chain) => !chain.match.httpOnly) ?? listener.defaultFilterChain,
    http: best.find((chain) => chain.match.httpOnly),
  };
}

function chainsForPort(listener: Listener, port: number): readonly FilterChain[] {
  const exact = listener.filterChains.filter((chain) => chain.match.destinationPort === port);
  return exact.length > 0 ? exact : listener.filterChains.filter((chain) => chain.match.destinationPort === undefined);
}

function longestMatch(chain: FilterChain, address: Address, atMost: number): number | undefined {
  if (chain.match.prefixes.length === 0) return 0;
  const lengths = chain.match.prefixes
    .filter((prefix) => prefix.length <= atMost && contains(prefix, address))
    .map((prefix) => prefix.length);
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

export function contains(prefix: Prefix, address: Address): boolean {
  return equalAddress(prefixOf(address, prefix.length).address, prefix.address);
}

function uniquePrefixes(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [`${formatAddress(prefix.address)}/${prefix.length}`, prefix])).values()];
}

function chainName(listener: Listener, { plain, http }: Chains): string {
  const names = [http, plain].flatMap((chain) => {
    if (chain === undefined) return [];
    if (chain.name !== "") return [chain.name];
    return [
      chain === listener.defaultFilterChain ? "default" : `filter_chains[${listener.filterChains.indexOf(chain)}]`,
    ];
  });
  return names.join(" or ");
}

type Decision = Pick<Placement, "virtualHost" | "target" | "reason">;

/** `bind`: the destination where it is exact, so that trust_vip can apply. */
function decide(input: PlacementInput, chains: Chains, bind: SocketAddress | undefined): Decision {
  if (input.listener.needs.length > 0) return ungoverned("", input.listener.needs);
  const host =
    bind !== undefined && input.trustVip
      ? (configuration: RouteConfiguration) => claims(configuration, bind.port).get(formatAddress(bind.address))?.host
      : () => undefined;
  return agree(chains, (chain) => decideChain(input, chain, host));
}

/** Where the bytes choose between two chains, both must lead to the same place. */
function agree(chains: Chains, decideOne: (chain: FilterChain | undefined) => Decision): Decision {
  const plain = decideOne(chains.plain);
  if (chains.http === undefined) return plain;
  const http = decideOne(chains.http);
  const isSame = http.target.type === plain.target.type && placeOf(http.target) === placeOf(plain.target);
  if (http.target.type === "ungoverned" || (isSame && plain.target.type !== "ungoverned")) return http;
  return ungoverned("", [
    { path: "filter_chain_match.application_protocols", reason: "the first bytes decide between two places" },
  ]);
}

function placeOf(target: Target): string {
  return target.type === "clusters" ? target.clusters.map(({ cluster, weight }) => `${cluster}=${weight}`).join() : "";
}

function decideChain(
  input: PlacementInput,
  chain: FilterChain | undefined,
  hostOf: (configuration: RouteConfiguration) => VirtualHost | undefined,
): Decision {
  if (chain === undefined) {
    return { virtualHost: "", target: { type: "refuse" }, reason: "no filter chain matches and there is no default" };
  }
  const { filter } = chain;
  if (filter.type === "tcp_proxy") {
    return { virtualHost: "", ...toClusters(input, filter.clusters, filter.hashSourceIp, "tcp_proxy") };
  }
  const configuration = routeConfiguration(input, chain);
  if (configuration === undefined) {
    return ungoverned("", [{ path: "rds", reason: "the route configuration has not arrived" }]);
  }
  const own = hostOf(configuration);
  if (own === undefined) return decideWhole(input, filter.needs, configuration);
  return decideVirtualHost(input, filter.needs, configuration, own, "its address names the virtual host");
}

function routeConfiguration(input: PlacementInput, chain: FilterChain): RouteConfiguration | undefined {
  const { filter } = chain;
  if (filter.type !== "http_connection_manager") return undefined;
  return filter.routes.source === "inline" ? filter.routes.configuration : input.routes.get(filter.routes.name);
}

/** Whatever the Host header says: one catch-all virtual host, and every other one agrees with it. */
function decideWhole(input: PlacementInput, needs: readonly Need[], configuration: RouteConfiguration): Decision {
  const catchAll = configuration.virtualHosts.find((host) => host.domains.includes("*"));
  if (catchAll === undefined) {
    return ungoverned("", [{ path: "virtual_hosts", reason: "no virtual host for `*`: the Host header decides" }]);
  }
  const decision = decideVirtualHost(input, needs, configuration, catchAll, "every request goes there unchanged");
  const place = singlePlace(catchAll);
  const differs = configuration.virtualHosts.find((host) => {
    const other = singlePlace(host);
    return host.needs.length > 0 || other.type !== "place" || place.type !== "place" || other.cluster !== place.cluster;
  });
  if (decision.target.type === "ungoverned" || differs === undefined) return decision;
  return ungoverned("", [{ path: "virtual_hosts", reason: `the Host header decides (virtual host ${differs.name})` }]);
}

function decideVirtualHost(
  input: PlacementInput,
  listenerNeeds: readonly Need[],
  configuration: RouteConfiguration,
  host: VirtualHost,
  why: string,
): Decision {
  const needs = [...listenerNeeds, ...configuration.needs, ...host.needs];
  const place = singlePlace(host);
  if (place.type === "needs" || needs.length > 0)
    return ungoverned(host.name, [...needs, ...(place.type === "needs" ? place.needs : [])]);
  return { virtualHost: host.name, ...toClusters(input, [{ cluster: place.cluster, weight: 1 }], false, why) };
}

type Place =
  | { readonly type: "place"; readonly cluster: string }
  | { readonly type: "needs"; readonly needs: readonly Need[] };

/** The one cluster that every request of a virtual host goes to unchanged, or what stands against it. */
function singlePlace(host: VirtualHost): Place {
  const last = host.routes.findIndex((route) => route.matchesEverything);
  if (last === -1)
    return { type: "needs", needs: [{ path: "routes", reason: "requests that match no route are answered 404" }] };
  const reachable = host.routes.slice(0, last + 1);
  const needs = reachable.flatMap((route, i) => [
    ...route.needs.map((need) => ({ ...need, path: `routes[${i}].${need.path}` })),
    ...actionNeeds(route, i),
  ]);
  if (needs.length > 0) return { type: "needs", needs };
  const clusters = new Set(reachable.map(soleCluster));
  const [cluster] = clusters;
  if (clusters.size !== 1 || cluster === undefined) {
    return { type: "needs", needs: [{ path: "routes", reason: "requests are routed to different clusters" }] };
  }
  return { type: "place", cluster };
}

function soleCluster(route: Route): string | undefined {
  if (route.action.type === "cluster") return route.action.cluster;
  if (route.action.type === "weighted_clusters") return route.action.clusters.find(({ weight }) => weight > 0)?.cluster;
  return undefined;
}

function actionNeeds({ action }: Route, i: number): Need[] {
  if (action.type === "other") return [{ path: `routes[${i}]`, reason: action.what }];
  if (action.type === "cluster" || action.clusters.filter(({ weight }) => weight > 0).length === 1) return [];
  return [{ path: `routes[${i}].route.weighted_clusters`, reason: "each request is weighed by itself" }];
}

/** Istio: one wildcard listener a port, with the address of each service among its virtual host's domains. */
function vipPlacements(
  input: PlacementInput,
  chains: Chains,
  base: Pick<Placement, "prefix" | "port" | "chain">,
): Placement[] {
  const chain = chains.http ?? chains.plain;
  const configuration = chain === undefined ? undefined : routeConfiguration(input, chain);
  if (configuration === undefined || !input.trustVip || input.listener.needs.length > 0) return [];
  return [...claims(configuration, base.port).values()]
    .filter(({ address }) => address.family === base.prefix.address.family && contains(base.prefix, address))
    .flatMap(({ address, host }) => {
      if (host === undefined) return [];
      const decision = agree(chains, (one) => decideChain(input, one, () => host));
      return [{ prefix: wholePrefix(address), isExact: true, port: base.port, chain: base.chain, ...decision }];
    });
}

interface Claim {
  readonly address: Address;
  /** The virtual host that alone has this address among its domains; undefined where several do. */
  readonly host: VirtualHost | undefined;
}

/** The addresses among the domains, by their text. */
function claims(configuration: RouteConfiguration, port: number): Map<string, Claim> {
  const byAddress = new Map<string, Claim>();
  for (const host of configuration.virtualHosts) {
    for (const domain of host.domains) {
      const address = domainAddress(domain, port);
      if (address === undefined) continue;
      const key = formatAddress(address);
      const known = byAddress.get(key);
      byAddress.set(key, { address, host: known === undefined || known.host === host ? host : undefined });
    }
  }
  return byAddress;
}

/** `1.2.3.4`, `1.2.3.4:80`, `[::1]`, `[::1]:80`: the address, if the port is `port` or absent. */
function domainAddress(domain: string, port: number): Address | undefined {
  const whole = parseAddress(domain);
  if (whole !== undefined) return whole;
  const match = /^\[?([0-9a-fA-F:.]+?)\]?(?::(\d+))?$/.exec(domain);
  if (match?.[1] === undefined) return undefined;
  if (match[2] !== undefined && Number(match[2]) !== port) return undefined;
  return parseAddress(match[1]);
}

function toClusters(
  input: PlacementInput,
  clusters: readonly WeightedCluster[],
  hashSource: boolean,
  reason: string,
): Pick<Placement, "target" | "reason"> {
  const chosen = clusters.filter(({ weight }) => weight > 0);
  const dispositions = chosen.map(({ cluster }) => ({ cluster, ...input.disposition(cluster) }));
  const unsupported = dispositions.find((one) => one.type === "unsupported");
  if (unsupported?.type === "unsupported") {
    const { target, reason: why } = ungoverned("", [
      { path: `cluster ${unsupported.cluster}`, reason: unsupported.reason },
    ]);
    return { target, reason: why };
  }
  const native = dispositions.filter((one) => one.type === "native");
  if (native.length === 0) return { target: { type: "clusters", clusters: chosen, hashSource }, reason };
  if (native.length === dispositions.length)
    return { target: { type: "native" }, reason: `${native[0]?.cluster} is ORIGINAL_DST` };
  const mixed = ungoverned("", [{ path: "weighted_clusters", reason: "an ORIGINAL_DST cluster among others" }]);
  return { target: mixed.target, reason: mixed.reason };
}

function ungoverned(virtualHost: string, needs: readonly Need[]): Decision {
  const reason = `needs a per-request engine: ${needs.map((need) => `${need.path}: ${need.reason}`).join("; ")}`;
  return { virtualHost, target: { type: "ungoverned", needs }, reason };
}
