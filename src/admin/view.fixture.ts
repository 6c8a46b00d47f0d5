// An AgentView on a small mesh that the real compiler has compiled, for the tests of this directory.
import { endpoint, locality } from "../compile/cluster.fixture.ts";
import { type Compiled, Compiler } from "../compile/compile.ts";
import { ConfigError } from "../errors.ts";
import { explain } from "../explain.ts";
import { parseSocketAddress, prefixOf, type SocketAddress } from "../ip.ts";
import { type Cluster, unknownCluster } from "../model/cluster.ts";
import type { EndpointAssignment } from "../model/endpoint.ts";
import { connectionManager, everyRequest, routeConfiguration, routeTo, virtualHost } from "../model/http.fixture.ts";
import type { Filter, FilterChain, Listener } from "../model/listener.ts";
import type { HeaderMatcher } from "../model/matcher.ts";
import type { RouteConfiguration } from "../model/route.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RelayStats } from "../relay/protocol.ts";
import type { Counters } from "../telemetry/counters.ts";
import type { LogLevel } from "../telemetry/log.ts";
import type { AgentStatus, AgentView, WorkloadStatus } from "./view.ts";

const startedAt = new Date("2026-01-02T03:04:05Z");
export const changedAt = new Date("2026-01-02T03:04:10Z");

export function at(text: string): SocketAddress {
  const address = parseSocketAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

const shopEndpoints: EndpointAssignment = {
  name: "shop-service",
  overprovisioningPercent: 140,
  localities: [
    locality(
      [
        endpoint("127.0.0.1:9001", { hostname: "one.example" }),
        endpoint("127.0.0.1:9002", { weight: 3 }),
        endpoint("127.0.0.1:9003", { health: "unhealthy" }),
      ],
      { locality: "eu/eu-1" },
    ),
  ],
};

function cluster(name: string, fields: Partial<Cluster> = {}): Cluster {
  return { ...unknownCluster(name), loadBalancing: { policy: "round_robin" }, ...fields };
}

const clusters: readonly Cluster[] = [
  cluster("shop", { discovery: { type: "eds", serviceName: "shop-service" }, maxConnections: 100 }),
  cluster("canary", {
    discovery: {
      type: "static",
      assignment: { ...shopEndpoints, name: "canary", localities: [locality([endpoint("[2001:db8::1]:80")])] },
    },
    loadBalancing: { policy: "least_request", choiceCount: 2 },
    findings: [{ severity: "degraded", path: "outlier_detection", reason: "not honoured" }],
  }),
  cluster("passthrough", { discovery: { type: "original_dst" } }),
];

function chain(filter: Filter, fields: Partial<FilterChain> = {}): FilterChain {
  return { name: "", match: { destinationPort: undefined, prefixes: [], httpOnly: false }, filter, ...fields };
}

function tcp(...weights: readonly (readonly [string, number])[]): Filter {
  const weighted = weights.map(([name, weight]) => ({ cluster: name, weight }));
  return { type: "tcp_proxy", clusters: weighted, hashSourceIp: false };
}

function listener(
  name: string,
  address: string,
  chains: readonly FilterChain[],
  fields: Partial<Listener> = {},
): Listener {
  return {
    name,
    address: at(address),
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

const http: Filter = connectionManager({ source: "rds", name: "web-routes" });
const privateNetwork = prefixOf(at("10.1.2.3:1").address, 8);

const listeners: readonly Listener[] = [
  listener("plain", "127.96.0.1:80", [chain(tcp(["shop", 1]))], {
    additionalAddresses: [{ address: at("[2001:db8::80]:80"), ipv4Compat: false }],
  }),
  listener("weighted", "127.96.0.2:80", [chain(tcp(["shop", 90], ["canary", 10]))]),
  listener("prefixes", "0.0.0.0:9000", [
    chain(tcp(["shop", 1]), {
      name: "private",
      match: { destinationPort: undefined, prefixes: [privateNetwork], httpOnly: false },
    }),
  ]),
  listener("web", "127.96.0.3:80", [chain(http)]),
  listener("virtualOutbound", "0.0.0.0:15001", [chain(tcp(["passthrough", 1]))], { role: "catch_all" }),
];

const canary: HeaderMatcher = {
  name: "x-canary",
  condition: { match: "exact", value: "1", ignoreCase: false },
  invert: false,
  missingIsEmpty: false,
};

const webRoutes: RouteConfiguration = routeConfiguration("web-routes", [
  virtualHost(
    "web.example",
    ["web.example"],
    [
      routeTo("canary", { name: "canaries", match: { ...everyRequest, headers: [canary] } }),
      routeTo("shop", { needs: [{ path: "route.timeout", reason: "an explicit timeout" }] }),
    ],
  ),
]);

function byName<R extends { readonly name: string }>(resources: readonly R[]): ReadonlyMap<string, R> {
  return new Map(resources.map((resource) => [resource.name, resource]));
}

export const snapshot: Snapshot = {
  listener: byName(listeners),
  route: byName([webRoutes]),
  cluster: byName(clusters),
  endpoint: byName([shopEndpoints]),
};

/** Any injective digest will do; the compiler wants hex. */
function digest(name: string): string {
  return Buffer.from(name).toString("hex");
}

export function compileSnapshot(): Compiled {
  return new Compiler(1 << 20, digest, true).compile(snapshot);
}

/** The cluster "shop": 5 opened, 2 closed, 1 failed; its first endpoint has 3 of the connections. */
function countersOf(compiled: Compiled): Counters {
  const shop = compiled.clusters.get("shop")?.body;
  const plain = compiled.listeners.get("plain")?.body;
  if (shop === undefined || plain === undefined)
    throw new Error("the fixture has no cluster shop or no listener plain");
  const state = { opened: 5n, closed: 2n, failed: 1n, overflow: 4n, unusable: 0n, active: 3, cursor: 0 };
  const one = { opened: 3n, closed: 1n, failed: 1n, bytesSent: 10n, bytesReceived: 20n, active: 2n };
  return {
    verdicts: new Map([
      ["no_listener", 7n],
      ["balanced", 6n],
    ]),
    listeners: new Map([[plain.id, { accepted: 6n, passed: 0n, refused: 2n, relayed: 0n }]]),
    clusters: new Map([[shop.id, state]]),
    endpoints: new Map([[shop.endpointIds[0] ?? 0, one]]),
  };
}

export const status: AgentStatus = {
  state: "live",
  problems: [],
  isReady: true,
  snapshot: { generation: 3, changedAt, rejections: [], waiting: [], conflicts: [] },
  file: { path: "mesh.yaml", error: undefined },
  controlPlane: undefined,
  commits: { count: 3, failed: 1, puts: 4, deletes: 0, durationMs: 12.5 },
  mapUse: { clusters: { used: 2, capacity: 8192 } },
  relayWorkers: [
    { pid: 71, isListening: true },
    { pid: 72, isListening: false },
  ],
  workloads: [
    { target: "shop.slice", path: "/sys/fs/cgroup/shop.slice", cgroupId: "77", state: "attached", origin: "config" },
    { target: "cart.slice", path: undefined, cgroupId: undefined, state: "missing", origin: "enrolled" },
  ],
  bypass: false,
};

const types = { version: "v7", nonce: "n7", held: 2, missing: 0, acks: 9, nacks: 1, lastNack: undefined };

export const controlPlane: NonNullable<AgentStatus["controlPlane"]> = {
  server: "127.0.0.1:15010",
  variant: "delta",
  connected: true,
  connectedSince: changedAt.getTime(),
  lastError: undefined,
  lastErrorDate: undefined,
  attempts: 1,
  lastResponseDate: changedAt.getTime(),
  ignoredResponses: 0,
  types: { listener: types, route: types, cluster: types, endpoint: types },
};

const relayStats: RelayStats = {
  listeners: {
    plain: { connections: 4, activeConnections: 1, requests: 9, activeRequests: 1, statuses: [0, 6, 0, 1, 1] },
  },
  clusters: {
    shop: {
      ...{ connections: 3, activeConnections: 2, connectFailures: 1, requests: 8, activeRequests: 1 },
      statuses: [0, 5, 0, 0, 2],
      ...{ retries: 2, retrySuccesses: 1, timeouts: 0, perTryTimeouts: 0, resets: 1, overflows: 0 },
      ...{ retryOverflows: 0, mirrored: 6 },
    },
  },
  refused: { "not a workload": 7 },
};

/** `fields` replaces what a case is about. */
export function fixtureView(fields: Partial<AgentView> = {}): AgentView {
  const compiled = compileSnapshot();
  let enrolled: readonly WorkloadStatus[] = status.workloads;
  return {
    build: { version: "0.1.0", sources: "0123456789abcdef", commit: "abcdef-dirty" },
    startedAt,
    node: { id: "sidecar~127.0.0.1~host~default", cluster: "shop" },
    logLevel: "info" as LogLevel,
    status: () => ({ ...status, workloads: enrolled }),
    snapshot: () => snapshot,
    isStatic: () => true,
    compiled: () => compiled,
    counters: () => countersOf(compiled),
    relay: () => relayStats,
    readMaps: () => ({
      listeners: [{ key: { address: at("127.96.0.1:80").address.bytes, family: 4, portBe: 80 }, value: { total: 3n } }],
    }),
    capabilities: () => [
      { name: "sockops programs", state: "supported", isRequired: true, sinceKernel: "4.13", effect: "counting" },
    ],
    explain: (destination, request) => explain(compiled, destination, request),
    enroll: (target) => {
      if (target === "nowhere.slice") throw new ConfigError(`workload ${target}`, "no such cgroup");
      const workload: WorkloadStatus = { target, path: target, cgroupId: "78", state: "attached", origin: "enrolled" };
      enrolled = [...enrolled, workload];
      return workload;
    },
    unenroll: (target) => {
      const isKnown = enrolled.some((workload) => workload.target === target);
      enrolled = enrolled.filter((workload) => workload.target !== target);
      return isKnown;
    },
    ...fields,
  };
}
