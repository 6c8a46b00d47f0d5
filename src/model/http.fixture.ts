// For tests: HTTP models as a configuration that says nothing more would give them.
import { noMutations } from "./headers.ts";
import type { HttpOptions } from "./http.ts";
import type { Filter } from "./listener.ts";
import type { RouteMatch } from "./matcher.ts";
import type { Destination, ForwardAction, Route, RouteConfiguration, VirtualHost } from "./route.ts";

export const everyRequest: RouteMatch = {
  path: { match: "prefix", value: "/", caseSensitive: true },
  headers: [],
  queryParameters: [],
  cookies: [],
  grpcOnly: false,
  fraction: undefined,
};

export const defaultHttpOptions: HttpOptions = {
  timeouts: {
    streamIdleMs: 300_000,
    requestMs: 0,
    requestHeadersMs: 0,
    connectionIdleMs: 3_600_000,
    maxConnectionMs: 0,
    maxStreamMs: 0,
  },
  maxHeadBytes: 61_440,
  bufferLimitBytes: 1_048_576,
  maxHeaders: 100,
  maxRequestsPerConnection: 0,
  acceptHttp10: false,
  allowAbsoluteUrl: true,
  upgrades: [],
  normalizePath: false,
  mergeSlashes: false,
  escapedSlashes: "keep",
  stripPort: "no",
  stripTrailingDot: false,
  underscores: "allow",
  generateRequestId: false,
  preserveExternalRequestId: false,
  requestIdInResponse: false,
  serverName: "",
  serverHeader: "overwrite",
  via: "",
  appendForwardedFor: false,
  proxy100Continue: false,
  addUserAgent: false,
  statPrefix: "s",
};

export function toCluster(cluster: string): Destination {
  return { type: "cluster", cluster };
}

export function forward(destination: Destination, fields: Partial<ForwardAction> = {}): ForwardAction {
  return {
    type: "forward",
    destination,
    notFoundStatus: 503,
    pathRewrite: undefined,
    hostRewrite: undefined,
    appendForwardedHost: false,
    timeoutMs: 15_000,
    idleTimeoutMs: undefined,
    maxStreamDurationMs: undefined,
    grpcTimeoutHeaderMaxMs: undefined,
    retry: undefined,
    hashPolicies: [],
    mirrors: [],
    priority: "default",
    upgrades: {},
    internalRedirect: undefined,
    bodyLimit: undefined,
    ...fields,
  };
}

export function routeTo(cluster: string, fields: Partial<Route> = {}): Route {
  return {
    name: "",
    match: everyRequest,
    action: forward(toCluster(cluster)),
    requestHeaders: noMutations,
    responseHeaders: noMutations,
    filters: {},
    needs: [],
    ...fields,
  };
}

export function virtualHost(name: string, domains: readonly string[], routes: readonly Route[]): VirtualHost {
  return {
    name,
    domains,
    routes,
    requireTls: "none",
    requestHeaders: noMutations,
    responseHeaders: noMutations,
    attemptCount: { inRequest: false, inResponse: false },
    filters: {},
    needs: [],
  };
}

export function routeConfiguration(name: string, virtualHosts: readonly VirtualHost[]): RouteConfiguration {
  return {
    name,
    virtualHosts,
    requestHeaders: noMutations,
    responseHeaders: noMutations,
    mostSpecificHeadersWin: false,
    ignorePortInHost: false,
    internalOnlyHeaders: [],
    filters: {},
    needs: [],
    findings: [],
  };
}

type Manager = Extract<Filter, { type: "http_connection_manager" }>;

export function connectionManager(routes: Manager["routes"]): Manager {
  return { type: "http_connection_manager", routes, options: defaultHttpOptions, filters: [], needs: [] };
}
