// Where the connections to each destination of a listener go, and which engine can take them there exactly. This is the one
// reading of a listener that the kernel image, `check`, `status` and `explain` share.
import {
  type Address,
  type Family,
  formatAddress,
  isUnspecified,
  type Prefix,
  prefixOf,
  type SocketAddress,
} from "../ip.ts";
import type { FilterChain, Listener } from "../model/listener.ts";
import type { Need, RouteConfiguration, VirtualHost, WeightedCluster } from "../model/route.ts";
import { type Claim, claims, hasAddress } from "./claims.ts";
import { type Chains, chainName, chainsFor, chainsForPort } from "./filter-chain.ts";
import { singlePlace } from "./single-place.ts";

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

/** `address` is undefined for all those of a port that have no placement of their own. */
interface Destination {
  readonly address: Address | undefined;
  readonly port: number;
}

/** What is worked out once for a listener. */
interface Context extends PlacementInput {
  readonly claimsOf: (configuration: RouteConfiguration, port: number) => ReadonlyMap<string, Claim>;
}

/** Every placement of an outbound listener; none for others. Exact placements come from exact addresses and trusted VIPs. */
export function placements(given: PlacementInput): Placement[] {
  const { listener } = given;
  if (listener.role !== "outbound") return [];
  const binds: readonly Bind[] = [
    { address: listener.address, ipv4Compat: listener.ipv4Compat },
    ...listener.additionalAddresses,
  ];
  const context = { ...given, claimsOf: rememberClaims() };
  const placed = binds.flatMap((bind) =>
    isUnspecified(bind.address.address) ? wildcardPlacements(context, bind) : [exactPlacement(context, bind.address)],
  );
  return [...new Map(placed.map((one) => [identityOf(one), one])).values()];
}

/** An address may be listed twice, or be listed and claimed by a virtual host as well: it has one place. */
function identityOf({ isExact, prefix, port }: Placement): string {
  return `${isExact} ${prefix.address.family} ${formatAddress(prefix.address)}/${prefix.length} ${port}`;
}

function rememberClaims(): Context["claimsOf"] {
  const known = new Map<RouteConfiguration, Map<number, ReadonlyMap<string, Claim>>>();
  return (configuration, port) => {
    const byPort = known.get(configuration) ?? new Map<number, ReadonlyMap<string, Claim>>();
    known.set(configuration, byPort);
    const found = byPort.get(port) ?? claims(configuration, port);
    byPort.set(port, found);
    return found;
  };
}

function exactPlacement(input: Context, { address, port }: SocketAddress): Placement {
  const chains = chainsFor(input.listener, port, address);
  const base = { prefix: wholePrefix(address), isExact: true, port, chain: chainName(input.listener, chains) };
  return { ...base, ...decide(input, chains, { address, port }) };
}

function wildcardPlacements(input: Context, { address: { address, port }, ipv4Compat }: Bind): Placement[] {
  const families: readonly Family[] = address.family === 6 && ipv4Compat ? [4, 6] : [address.family];
  return families.flatMap((family) => {
    const whole = prefixOf({ family, bytes: new Uint8Array(16) }, 0);
    const prefixes = chainsForPort(input.listener, port).flatMap((chain) =>
      chain.match.prefixes.filter((prefix) => prefix.address.family === family),
    );
    const wild = uniquePrefixes([whole, ...prefixes]).map((prefix) => {
      const chains = chainsFor(input.listener, port, prefix.address, prefix.length);
      const base = { prefix, isExact: false, port, chain: chainName(input.listener, chains) };
      return { ...base, ...decide(input, chains, { address: undefined, port }) };
    });
    return [...wild, ...vipPlacements(input, family, port)];
  });
}

function wholePrefix(address: Address): Prefix {
  return prefixOf(address, address.family === 4 ? 32 : 128);
}

function uniquePrefixes(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [`${formatAddress(prefix.address)}/${prefix.length}`, prefix])).values()];
}

type Decision = Pick<Placement, "virtualHost" | "target" | "reason">;

function decide(input: Context, chains: Chains, to: Destination): Decision {
  if (input.listener.needs.length > 0) return ungoverned("", input.listener.needs);
  // Where Envoy would look at the first bytes, HTTP decides: what isn't HTTP goes to the default route's place too.
  return decideChain(input, chains.http ?? chains.plain, to);
}

function decideChain(input: Context, chain: FilterChain | undefined, to: Destination): Decision {
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
  if (!input.trustVip) return decideWhole(input, filter.needs, configuration);
  if (to.address === undefined) {
    return passThrough(input, filter.needs, configuration, to.port) ?? decideWhole(input, filter.needs, configuration);
  }
  const own = input.claimsOf(configuration, to.port).get(formatAddress(to.address))?.host;
  if (own === undefined) return decideWhole(input, filter.needs, configuration);
  return decideVirtualHost(input, filter.needs, configuration, own, "its address names the virtual host");
}

function routeConfiguration(input: Context, chain: FilterChain): RouteConfiguration | undefined {
  const { filter } = chain;
  if (filter.type !== "http_connection_manager") return undefined;
  return filter.routes.source === "inline" ? filter.routes.configuration : input.routes.get(filter.routes.name);
}

/**
 * Istio's `allow_any`: where each virtual host but a pass-through catch-all has an address among its domains, an address that none of
 * them has can only be meant for that one.
 */
function passThrough(
  input: Context,
  needs: readonly Need[],
  configuration: RouteConfiguration,
  port: number,
): Decision | undefined {
  const catchAll = configuration.virtualHosts.find((host) => host.domains.includes("*"));
  const others = configuration.virtualHosts.filter((host) => host !== catchAll);
  if (catchAll === undefined || !others.every((host) => hasAddress(host, port))) return undefined;
  const why = "no virtual host has this address: passed through";
  const decision = decideVirtualHost(input, needs, configuration, catchAll, why);
  return decision.target.type === "native" ? { ...decision, reason: why } : undefined;
}

/** Whatever the Host header says: one catch-all virtual host, and every other one agrees with it. */
function decideWhole(input: Context, needs: readonly Need[], configuration: RouteConfiguration): Decision {
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
  input: Context,
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

/**
 * Istio: one wildcard listener a port, with the address of each service among its virtual host's domains. An address counts where the
 * chain that its connections get has it; one that several virtual hosts have is left to the Host header.
 */
function vipPlacements(input: Context, family: Family, port: number): Placement[] {
  if (!input.trustVip || input.listener.needs.length > 0) return [];
  const claimed = new Map<string, Address>();
  for (const chain of chainsOf(input.listener)) {
    const configuration = routeConfiguration(input, chain);
    if (configuration === undefined) continue;
    for (const [text, { address }] of input.claimsOf(configuration, port)) {
      if (address.family === family && isClaimed(input, text, address, port)) claimed.set(text, address);
    }
  }
  return [...claimed.values()].map((address) => exactPlacement(input, { address, port }));
}

function isClaimed(input: Context, text: string, address: Address, port: number): boolean {
  const { http, plain } = chainsFor(input.listener, port, address);
  return [http, plain].some((chain) => {
    const configuration = chain === undefined ? undefined : routeConfiguration(input, chain);
    return configuration !== undefined && input.claimsOf(configuration, port).has(text);
  });
}

function chainsOf({ filterChains, defaultFilterChain }: Listener): readonly FilterChain[] {
  return defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
}

function toClusters(
  input: Context,
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
  const reason = `left native: ${needs.map((need) => `${need.path}: ${need.reason}`).join("; ")}`;
  return { virtualHost, target: { type: "ungoverned", needs }, reason };
}
