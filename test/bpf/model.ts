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
import { type Cluster, unknownCluster } from "../../src/model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../../src/model/endpoint.ts";
import { noMutations } from "../../src/model/headers.ts";
import * as plain from "../../src/model/http.fixture.ts";
import type { Filter, FilterChain, FilterChainMatch, Listener } from "../../src/model/listener.ts";
import type { Need } from "../../src/model/need.ts";
import type { Destination, Route, RouteConfiguration, VirtualHost, WeightedCluster } from "../../src/model/route.ts";
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
  return { ...plain.connectionManager(routes), needs };
}

export function routes(
  name: string,
  virtualHosts: readonly VirtualHost[],
  fields: Partial<RouteConfiguration> = {},
): RouteConfiguration {
  return { ...plain.routeConfiguration(name, virtualHosts), ...fields };
}

/** A virtual host with one route for everything, unless `fields` says otherwise. */
export function virtualHost(
  name: string,
  domains: readonly string[],
  to: Weighted,
  fields: Partial<VirtualHost> = {},
): VirtualHost {
  return { ...plain.virtualHost(name, domains, [route(to)]), ...fields };
}

export function route(to: Weighted, fields: Partial<Route> = {}): Route {
  return plain.routeTo("", { action: plain.forward(destination(to)), ...fields });
}

function destination(to: Weighted): Destination {
  if (typeof to === "string") return plain.toCluster(to);
  const unchanged = {
    clusterHeader: undefined,
    requestHeaders: noMutations,
    responseHeaders: noMutations,
    hostRewrite: undefined,
    filters: {},
  };
  const clusters = weighted(to).map((choice) => ({ ...choice, ...unchanged }));
  return { type: "weighted_clusters", clusters, randomHeader: undefined, useHashPolicy: false };
}

/** A STATIC cluster, RANDOM. Endpoints are addresses or whole. */
export function cluster(
  name: string,
  endpoints: readonly (string | Endpoint)[],
  fields: Partial<Cluster> = {},
): Cluster {
  return {
    ...unknownCluster(name),
    discovery: { type: "static", assignment: assignment(name, endpoints) },
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
