// Small configurations for tests, as model values: every field has a default, so that a case names only what it is about.
import { endpoint, locality } from "../../src/compile/cluster.fixture.ts";
import {
  type Address,
  type Prefix,
  parseAddress,
  parseSocketAddress,
  prefixOf,
  type SocketAddress,
} from "../../src/ip.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../../src/model/endpoint.ts";
import type { Filter, FilterChain, FilterChainMatch, Listener } from "../../src/model/listener.ts";
import type { Need, Route, RouteConfiguration, VirtualHost, WeightedCluster } from "../../src/model/route.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";

/** Cluster → weight, or one cluster. */
export type Weighted = string | Readonly<Record<string, number>>;

export function listener(
  name: string,
  bind: string,
  chains: readonly FilterChain[],
  fields: Partial<Listener> = {},
): Listener {
  return {
    name,
    address: socketAddress(bind),
    ipv4Compat: false,
    additionalAddresses: [],
    role: "outbound",
    filterChains: chains,
    defaultFilterChain: undefined,
    needs: [],
    findings: [],
    ...fields,
  };
}

/** One chain for everything. */
export function tcpListener(name: string, bind: string, to: Weighted, fields: Partial<Listener> = {}): Listener {
  return listener(name, bind, [chain(tcpProxy(to))], fields);
}

export function chain(filter: Filter, match: Partial<FilterChainMatch> = {}, name = ""): FilterChain {
  return { name, match: { destinationPort: undefined, prefixes: [], httpOnly: false, ...match }, filter };
}

export function tcpProxy(to: Weighted, hashSourceIp = false): Filter {
  return { type: "tcp_proxy", clusters: weighted(to), hashSourceIp };
}

export function http(configuration: RouteConfiguration | string, needs: readonly Need[] = []): Filter {
  const routes =
    typeof configuration === "string"
      ? ({ source: "rds", name: configuration } as const)
      : ({ source: "inline", configuration } as const);
  return { type: "http_connection_manager", routes, needs };
}

export function routes(
  name: string,
  virtualHosts: readonly VirtualHost[],
  fields: Partial<RouteConfiguration> = {},
): RouteConfiguration {
  return { name, virtualHosts, needs: [], findings: [], ...fields };
}

/** A virtual host with one route for everything, unless `fields` says otherwise. */
export function virtualHost(
  name: string,
  domains: readonly string[],
  to: Weighted,
  fields: Partial<VirtualHost> = {},
): VirtualHost {
  return { name, domains, routes: [route(to)], needs: [], ...fields };
}

export function route(to: Weighted, fields: Partial<Route> = {}): Route {
  const action =
    typeof to === "string"
      ? ({ type: "cluster", cluster: to } as const)
      : ({ type: "weighted_clusters", clusters: weighted(to) } as const);
  return { name: "", matchesEverything: true, action, needs: [], ...fields };
}

/** A STATIC cluster, RANDOM. Endpoints are addresses or whole. */
export function cluster(
  name: string,
  endpoints: readonly (string | Endpoint)[],
  fields: Partial<Cluster> = {},
): Cluster {
  return {
    name,
    discovery: { type: "static", assignment: assignment(name, endpoints) },
    loadBalancing: { policy: "random" },
    panicThresholdPercent: 50,
    failTrafficOnPanic: false,
    localityWeighted: false,
    hashByHostname: false,
    maxConnections: undefined,
    transportSocket: "raw",
    transportSocketMatches: [],
    findings: [],
    ...fields,
  };
}

export function edsCluster(name: string, fields: Partial<Cluster> = {}): Cluster {
  return cluster(name, [], { discovery: { type: "eds", serviceName: name }, ...fields });
}

export function originalDst(name: string): Cluster {
  return cluster(name, [], { discovery: { type: "original_dst" } });
}

export function assignment(name: string, endpoints: readonly (string | Endpoint)[]): EndpointAssignment {
  const whole = endpoints.map((one) => (typeof one === "string" ? endpoint(one) : one));
  return { name, overprovisioningPercent: 140, localities: whole.length === 0 ? [] : [locality(whole)] };
}

export interface Resources {
  readonly listeners?: readonly Listener[];
  readonly routes?: readonly RouteConfiguration[];
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly EndpointAssignment[];
}

export function snapshot({ listeners = [], routes = [], clusters = [], endpoints = [] }: Resources): Snapshot {
  return { listener: byName(listeners), route: byName(routes), cluster: byName(clusters), endpoint: byName(endpoints) };
}

export function socketAddress(text: string): SocketAddress {
  const parsed = parseSocketAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** `10.0.0.0/8` */
export function prefix(text: string): Prefix {
  const [base = "", length] = text.split("/");
  return prefixOf(address(base), Number(length));
}

function weighted(to: Weighted): WeightedCluster[] {
  if (typeof to === "string") return [{ cluster: to, weight: 1 }];
  return Object.entries(to).map(([cluster, weight]) => ({ cluster, weight }));
}

function byName<T extends { readonly name: string }>(resources: readonly T[]): ReadonlyMap<string, T> {
  return new Map(resources.map((one) => [one.name, one]));
}
