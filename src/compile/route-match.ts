// The interpreter of the compiled route table for the relay and `explain`: which virtual host and route a request gets, as
// RouteMatcher and RouteEntryImplBase in envoy/source/common/router/config_impl.cc choose them.
import type { RequestView } from "../model/request.ts";
import { asciiLower } from "./latin1.ts";
import { holds } from "./route-condition.ts";
import { hostWords, routeWords } from "./route-rows.ts";
import type { RouteTable, WildcardGroup } from "./route-table.ts";

export interface RouteMatched {
  /** Indexes into the model. */
  readonly virtualHost: number;
  readonly route: number;
}

/**
 * Undefined: no virtual host, or none of its routes: 404. `random` is one number for each request, evenly spread, at least 0, whole:
 * all fractions and the weighted choice see the same one, as in Envoy. The virtual host's require_tls comes before its routes and is
 * the caller's: see findVirtualHost.
 */
export function matchRoute(table: RouteTable, request: RequestView, random: number | bigint): RouteMatched | undefined {
  const virtualHost = findVirtualHost(table, request.authority);
  if (virtualHost === -1) return undefined;
  const route = findRoute(table, virtualHost, request, random);
  return route === -1 ? undefined : { virtualHost, route };
}

/** Its index, or -1. */
export function findVirtualHost(table: RouteTable, authority: string): number {
  if (table.exact.size === 0 && table.suffixes.length === 0 && table.prefixes.length === 0) return table.anyHost;
  const host = asciiLower(table.rows.ignorePort ? withoutPort(authority) : authority);
  const exact = table.exact.get(host);
  if (exact !== undefined) return exact;
  const suffix = findWildcard(table.suffixes, host, true);
  if (suffix !== -1) return suffix;
  const prefix = findWildcard(table.prefixes, host, false);
  return prefix === -1 ? table.anyHost : prefix;
}

/** A wildcard stands for one character at least. */
function findWildcard(groups: readonly WildcardGroup[], host: string, isSuffix: boolean): number {
  for (const { length, hosts } of groups) {
    if (length >= host.length) continue;
    const found = hosts.get(isSuffix ? host.slice(host.length - length) : host.slice(0, length));
    if (found !== undefined) return found;
  }
  return -1;
}

/** From the last colon, unless it belongs to an IPv6 address in brackets; whatever follows it counts as a port. */
function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  return colon === -1 || colon < authority.lastIndexOf("]") ? authority : authority.slice(0, colon);
}

/** Its index within the virtual host, or -1. */
export function findRoute(
  table: RouteTable,
  virtualHost: number,
  request: RequestView,
  random: number | bigint,
): number {
  const { hosts, routes } = table.rows;
  const first = hosts[virtualHost * hostWords] ?? 0;
  const count = hosts[virtualHost * hostWords + 1] ?? 0;
  const path = pathOf(request);
  for (let route = 0; route < count; route++) {
    const at = (first + route) * routeWords;
    if (allHold(table, routes[at] ?? 0, routes[at + 1] ?? 0, request, path, random)) return route;
  }
  return -1;
}

function allHold(
  { conditions }: RouteTable,
  first: number,
  count: number,
  request: RequestView,
  path: string | undefined,
  random: number | bigint,
): boolean {
  for (let row = first; row < first + count; row++) {
    const condition = conditions[row];
    if (condition === undefined || !holds(condition, request, path, random)) return false;
  }
  return true;
}

/** Without query. Undefined for CONNECT and `OPTIONS *`: Envoy routes nothing by a path that doesn't begin with "/". */
function pathOf({ path }: RequestView): string | undefined {
  if (!path.startsWith("/")) return undefined;
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}
