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
import type { Need } from "../model/need.ts";
import type { RouteConfiguration, VirtualHost, WeightedCluster } from "../model/route.ts";
import { type Claim, claims, hasAddress } from "./claims.ts";
import type { Disposition } from "./disposition.ts";
import { type Chains, chainName, chainsFor, chainsForPort } from "./filter-chain.ts";
import {
  catchAllHost,
  chainIndexOf,
  fallbackOf,
  plainClusters,
  type RelayTarget,
  unsupportedCluster,
} from "./relayed.ts";
import { singlePlace } from "./single-place.ts";

export type Target =
  | { readonly type: "clusters"; readonly clusters: readonly WeightedCluster[]; readonly hashSource: boolean }
  /** Left native because the configuration says so. */
  | { readonly type: "native" }
  /** No filter chain: Envoy would close the connection. */
  | { readonly type: "refuse" }
  /** Needs a decision or a change per request. */
  | RelayTarget
  /** Can't be honoured by any engine there is: left native, and reported. */
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
  /** Whether there is a relay; without one, what needs it is ungoverned. */
  readonly isRelayed: boolean;
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
  readonly unsupportedOf: (configuration: RouteConfiguration) => Need | undefined;
}

/** Every placement of an outbound listener; none for others. Exact placements come from exact addresses and trusted VIPs. */
export function placements(given: PlacementInput): Placement[] {
  const { listener } = given;
  if (listener.role !== "outbound") return [];
  const binds: readonly Bind[] = [
    { address: listener.address, ipv4Compat: listener.ipv4Compat },
    ...listener.additionalAddresses,
  ];
  const unsupportedOf = remember((configuration: RouteConfiguration) =>
    unsupportedCluster(configuration, given.disposition),
  );
  const context = { ...given, claimsOf: rememberClaims(), unsupportedOf };
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

function remember<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as V;
    const value = compute(key);
    known.set(key, value);
    return value;
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
  const chain = chains.http ?? chains.plain;
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
  const host = ownHost(input, configuration, to);
  const decided = decideHttp(input, filter.needs, configuration, to, host);
  if (decided.type === "decided") return decided.decision;
  const relay = { chain, chains, configuration, host: host ?? catchAllHost(configuration), needs: decided.needs };
  return { virtualHost: decided.virtualHost, ...toRelay(input, relay) };
}

/** The virtual host that the destination's address names, if it is trusted to. */
function ownHost(input: Context, configuration: RouteConfiguration, to: Destination): VirtualHost | undefined {
  if (!input.trustVip || to.address === undefined) return undefined;
  return input.claimsOf(configuration, to.port).get(formatAddress(to.address))?.host;
}

type Decided =
  | { readonly type: "decided"; readonly decision: Decision }
  /** Only who reads the requests can tell. */
  | { readonly type: "per_request"; readonly virtualHost: string; readonly needs: readonly Need[] };

function decideHttp(
  input: Context,
  needs: readonly Need[],
  configuration: RouteConfiguration,
  to: Destination,
  host: VirtualHost | undefined,
): Decided {
  if (host !== undefined) {
    return decideVirtualHost(input, needs, configuration, host, "its address names the virtual host");
  }
  const passed =
    input.trustVip && to.address === undefined ? passThrough(input, needs, configuration, to.port) : undefined;
  return passed ?? decideWhole(input, needs, configuration);
}

interface Relayed {
  readonly chain: FilterChain;
  readonly chains: Chains;
  readonly configuration: RouteConfiguration;
  readonly host: VirtualHost | undefined;
  readonly needs: readonly Need[];
}

/** Whatever address a relayed connection was for, its requests may be for any virtual host: all of their clusters must do. */
function toRelay(
  input: Context,
  { chain, chains, configuration, host, needs }: Relayed,
): Omit<Decision, "virtualHost"> {
  const unsupported = input.unsupportedOf(configuration);
  if (!input.isRelayed || unsupported !== undefined) {
    const { target, reason } = ungoverned("", unsupported === undefined ? needs : [...needs, unsupported]);
    return { target, reason };
  }
  return {
    target: {
      type: "relay",
      chain,
      configuration,
      chainIndex: chainIndexOf(input.listener, chain),
      needs,
      fallback: fallbackOf(chain, host, input.disposition),
      plain: plainClusters(chains, configuration),
    },
    reason: `relayed: ${formatNeeds(needs)}`,
  };
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
): Decided | undefined {
  const catchAll = catchAllHost(configuration);
  const others = configuration.virtualHosts.filter((host) => host !== catchAll);
  if (catchAll === undefined || !others.every((host) => hasAddress(host, port))) return undefined;
  const why = "no virtual host has this address: passed through";
  const decided = decideVirtualHost(input, needs, configuration, catchAll, why);
  if (decided.type !== "decided" || decided.decision.target.type !== "native") return undefined;
  return { type: "decided", decision: { ...decided.decision, reason: why } };
}

/** Whatever the Host header says: one catch-all virtual host, and every other one agrees with it. */
function decideWhole(input: Context, needs: readonly Need[], configuration: RouteConfiguration): Decided {
  const catchAll = catchAllHost(configuration);
  if (catchAll === undefined) return byHost("no virtual host for `*`: the Host header decides");
  const decided = decideVirtualHost(input, needs, configuration, catchAll, "every request goes there unchanged");
  if (decided.type === "per_request") return decided;
  const place = singlePlace(catchAll);
  const differs = configuration.virtualHosts.find((host) => {
    const other = singlePlace(host);
    return host.needs.length > 0 || other.type !== "place" || place.type !== "place" || other.cluster !== place.cluster;
  });
  return differs === undefined ? decided : byHost(`the Host header decides (virtual host ${differs.name})`);
}

function byHost(reason: string): Decided {
  return { type: "per_request", virtualHost: "", needs: [{ path: "virtual_hosts", reason }] };
}

function decideVirtualHost(
  input: Context,
  listenerNeeds: readonly Need[],
  configuration: RouteConfiguration,
  host: VirtualHost,
  why: string,
): Decided {
  const place = singlePlace(host);
  const own = place.type === "needs" ? place.needs : [];
  const needs = [...listenerNeeds, ...configuration.needs, ...host.needs, ...own];
  if (place.type === "needs" || needs.length > 0) return { type: "per_request", virtualHost: host.name, needs };
  const resilience = resilienceNeeds(input, configuration, place.cluster);
  if (resilience.length > 0) return { type: "per_request", virtualHost: host.name, needs: resilience };
  const to = toClusters(input, [{ cluster: place.cluster, weight: 1 }], false, why);
  return { type: "decided", decision: { virtualHost: host.name, ...to } };
}

/**
 * Limits and ejection that somebody asked of a cluster, where the relay can give them. Where it can't, the place stays right all the
 * same, and the cluster's findings say what is missing.
 */
function resilienceNeeds(input: Context, configuration: RouteConfiguration, cluster: string): readonly Need[] {
  const disposition = input.disposition(cluster);
  if (disposition.type === "unsupported" || disposition.needs.length === 0) return [];
  if (!input.isRelayed || input.unsupportedOf(configuration) !== undefined) return [];
  return disposition.needs.map(({ path, reason }) => ({ path: `cluster ${cluster}.${path}`, reason }));
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
  return { virtualHost, target: { type: "ungoverned", needs }, reason: `left native: ${formatNeeds(needs)}` };
}

/** A few are reason enough; all of them stand in /config_dump. */
const NEEDS_SHOWN = 4;

function formatNeeds(needs: readonly Need[]): string {
  const shown = needs.slice(0, NEEDS_SHOWN).map((need) => `${need.path}: ${need.reason}`);
  const more = needs.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}
