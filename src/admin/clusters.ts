// /clusters: Envoy's text and JSON (envoy.admin.v3.Clusters): every endpoint of every cluster, with what the kernel has counted of it.
import type { CompiledCluster } from "../compile/compile.ts";
import { formatSocketAddress } from "../ip.ts";
import type { EndpointState } from "../layout/mesh.gen.ts";
import type { Cluster } from "../model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../model/endpoint.ts";
import { type JsonObject, renderAddress } from "./envoy/address.ts";
import { renderLocalityName } from "./envoy/endpoint.ts";
import type { AgentView } from "./view.ts";

interface Host {
  readonly endpoint: Endpoint;
  readonly locality: string;
  readonly priority: number;
  /** Undefined where the kernel can't choose it: an unhealthy endpoint, or one of a lower priority. */
  readonly counted: Pick<EndpointState, "opened" | "failed" | "active"> | undefined;
}

interface ClusterStatus {
  readonly cluster: Cluster;
  readonly isStatic: boolean;
  readonly hosts: readonly Host[];
}

/** An iterator stands for the array: see stream.ts. */
export function listClusters(view: AgentView): { readonly cluster_statuses: Iterator<JsonObject> } {
  return { cluster_statuses: statuses(view).map(renderStatus) };
}

/** `name::127.0.0.1:80::cx_active::0`, one fact a line. */
export function formatClusters(view: AgentView): Iterator<string> {
  return statuses(view).map((status) => formatStatus(status).join(""));
}

/** The endpoints that a cluster has in the snapshot, chosen from or not. */
export function assignmentOf({ discovery }: Cluster, view: AgentView): EndpointAssignment | undefined {
  switch (discovery.type) {
    case "static":
      return discovery.assignment;
    case "eds":
      return view.snapshot().endpoint.get(discovery.serviceName);
    case "original_dst":
      return undefined;
    default:
      return discovery satisfies never;
  }
}

function statuses(view: AgentView): IteratorObject<ClusterStatus> {
  const states = view.counters()?.endpoints ?? new Map<number, EndpointState>();
  const clusters = view.compiled()?.clusters ?? new Map<string, CompiledCluster>();
  return clusters.values().map((compiled) => ({
    cluster: compiled.cluster,
    isStatic: view.isStatic("cluster", compiled.cluster.name),
    hosts: hostsOf(compiled, assignmentOf(compiled.cluster, view), states),
  }));
}

function hostsOf(
  compiled: CompiledCluster,
  assignment: EndpointAssignment | undefined,
  states: ReadonlyMap<number, EndpointState>,
): Host[] {
  const ids = endpointIds(compiled);
  return (assignment?.localities ?? []).flatMap(({ locality, priority, endpoints }) =>
    endpoints.map((endpoint) => {
      const id = ids.get(formatSocketAddress(endpoint.address));
      const counted = id === undefined ? undefined : (states.get(id) ?? { opened: 0n, failed: 0n, active: 0n });
      return { endpoint, locality, priority, counted };
    }),
  );
}

/** Ids stand in the order of the balance's endpoints. */
function endpointIds({ balance, body }: CompiledCluster): Map<string, number> {
  const ids = new Map<string, number>();
  balance?.endpoints.forEach(({ address }, i) => {
    const id = body?.endpointIds[i];
    if (id !== undefined) ids.set(formatSocketAddress(address), id);
  });
  return ids;
}

function renderStatus({ cluster, isStatic, hosts }: ClusterStatus): JsonObject {
  const { name, discovery, maxConnections } = cluster;
  return {
    name,
    added_via_api: !isStatic,
    ...(discovery.type === "eds" ? { eds_service_name: discovery.serviceName } : {}),
    ...(maxConnections === undefined
      ? {}
      : { circuit_breakers: { thresholds: [{ max_connections: maxConnections }] } }),
    host_statuses: hosts.map(renderHost),
  };
}

function renderHost({ endpoint, locality, priority, counted }: Host): JsonObject {
  const { address, health, weight, hostname } = endpoint;
  return {
    address: renderAddress(address),
    stats: counted === undefined ? [] : stats(counted).map(([name, type, value]) => ({ type, name, value })),
    health_status: { eds_health_status: health.toUpperCase() },
    weight,
    ...(hostname === "" ? {} : { hostname }),
    locality: locality === "" ? {} : renderLocalityName(locality),
    priority,
  };
}

/** Envoy's cx_total counts attempts, failed ones too. */
function stats({ opened, failed, active }: NonNullable<Host["counted"]>): (readonly [string, string, string])[] {
  return [
    ["cx_connect_fail", "COUNTER", failed.toString()],
    ["cx_total", "COUNTER", (opened + failed).toString()],
    ["cx_active", "GAUGE", active.toString()],
  ];
}

function formatStatus({ cluster, isStatic, hosts }: ClusterStatus): string[] {
  const { name, discovery, maxConnections } = cluster;
  const of = (fact: string, value: string | number | boolean): string => `${name}::${fact}::${value}\n`;
  return [
    of("observability_name", name),
    ...(maxConnections === undefined ? [] : [of("default_priority::max_connections", maxConnections)]),
    of("added_via_api", !isStatic),
    ...(discovery.type === "eds" ? [of("eds_service_name", discovery.serviceName)] : []),
    ...hosts.flatMap((host) =>
      hostFacts(host).map(([fact, value]) => of(`${formatSocketAddress(host.endpoint.address)}::${fact}`, value)),
    ),
  ];
}

function hostFacts({ endpoint, locality, priority, counted }: Host): (readonly [string, string | number])[] {
  const { region, zone, sub_zone } = renderLocalityName(locality);
  return [
    ...(counted === undefined ? [] : stats(counted).map(([name, , value]) => [name, value] as const)),
    ["hostname", endpoint.hostname],
    ["health_flags", healthFlags[endpoint.health]],
    ["weight", endpoint.weight],
    ["region", String(region)],
    ["zone", String(zone)],
    ["sub_zone", String(sub_zone)],
    ["priority", priority],
  ];
}

/** Envoy's words for what EDS said (source/common/upstream/host_utility.cc). */
const healthFlags = { healthy: "healthy", degraded: "/degraded_eds_health", unhealthy: "/failed_eds_health" } as const;
