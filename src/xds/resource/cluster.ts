// envoy.config.cluster.v3.Cluster to the model.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Cluster as ClusterModel, Discovery } from "../../model/cluster.ts";
import type { CircuitBreakers, CircuitBreakers_Thresholds } from "../gen/envoy/config/cluster/v3/circuit_breaker_pb.ts";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { RoutingPriority, type TransportSocket } from "../gen/envoy/config/core/v3/base_pb.ts";
import { HttpProtocolOptionsSchema } from "../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { ignoredNetworkFilters } from "../ignored-extensions.ts";
import { as, open, typeNameOf } from "./any.ts";
import { canonicalJson } from "./canonical-json.ts";
import { convertInspectedAssignment } from "./endpoint.ts";
import { inspect } from "./inspect.ts";
import { type Balancing, convertBalancing } from "./load-balancing.ts";
import type { Report } from "./report.ts";

const DEFAULT_PANIC_PERCENT = 50;
/** What Istio writes for "no limit". */
const UNLIMITED = 0xffffffff;

const CLUSTER_PROVIDED = "envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided";

const PROVIDED: Balancing = {
  loadBalancing: { policy: "round_robin" },
  localityWeighted: false,
  failTrafficOnPanic: false,
  hashByHostname: false,
};

export function convertCluster(cluster: Cluster, report: Report): ClusterModel {
  inspect(ClusterSchema, cluster, { report, path: "", needs: [], needPath: "" });
  const discovery = convertDiscovery(cluster, report);
  const balancing = discovery.type === "original_dst" ? provided(cluster, report) : convertBalancing(cluster, report);
  inspectFilters(cluster, report);
  inspectProtocolOptions(cluster, report);
  return {
    name: cluster.name,
    discovery,
    ...balancing,
    // Envoy cuts the fraction off (ProtobufPercentHelper::convertPercent), and reads it from common_lb_config for every policy.
    panicThresholdPercent: Math.trunc(cluster.commonLbConfig?.healthyPanicThreshold?.value ?? DEFAULT_PANIC_PERCENT),
    maxConnections: convertThresholds(cluster.circuitBreakers, report),
    transportSocket: socketName(cluster.transportSocket),
    transportSocketMatches: cluster.transportSocketMatches.map(({ name, match, transportSocket }) => ({
      name,
      match: canonicalJson((match ?? {}) satisfies JsonObject),
      socket: socketName(transportSocket),
    })),
    findings: report.findings(),
  };
}

function convertDiscovery(cluster: Cluster, report: Report): Discovery {
  const type =
    cluster.clusterDiscoveryType.case === "type" ? cluster.clusterDiscoveryType.value : Cluster_DiscoveryType.STATIC;
  if (cluster.edsClusterConfig !== undefined && type !== Cluster_DiscoveryType.EDS) {
    report.reject("eds_cluster_config", "is for EDS clusters only");
  }
  switch (type) {
    case Cluster_DiscoveryType.EDS:
      return convertEds(cluster, report);
    case Cluster_DiscoveryType.ORIGINAL_DST:
      if (cluster.loadAssignment !== undefined) report.reject("load_assignment", "ORIGINAL_DST clusters have none");
      return { type: "original_dst" };
    case Cluster_DiscoveryType.STRICT_DNS:
    case Cluster_DiscoveryType.LOGICAL_DNS:
      report.reject("type", "names aren't resolved: use STATIC or EDS with IP addresses");
      break;
    default: // STATIC; any other number was refused by inspection
  }
  return { type: "static", assignment: convertStatic(cluster, report) };
}

function convertStatic(cluster: Cluster, report: Report): Extract<Discovery, { type: "static" }>["assignment"] {
  const assignment = cluster.loadAssignment;
  if (assignment === undefined) return { name: cluster.name, overprovisioningPercent: 140, localities: [] };
  return convertInspectedAssignment(assignment, "load_assignment", report, { dropDuplicates: false });
}

function convertEds(cluster: Cluster, report: Report): Discovery {
  if (cluster.edsClusterConfig?.edsConfig === undefined)
    report.reject("eds_cluster_config.eds_config", "must be set for an EDS cluster");
  if (cluster.loadAssignment !== undefined)
    report.note("ignored", "load_assignment", "the endpoints of an EDS cluster come by EDS");
  const serviceName = cluster.edsClusterConfig?.serviceName ?? "";
  return { type: "eds", serviceName: serviceName === "" ? cluster.name : serviceName };
}

function provided(cluster: Cluster, report: Report): Balancing {
  const extension = cluster.loadBalancingPolicy?.policies[0]?.typedExtensionConfig?.typedConfig;
  const isProvided = extension !== undefined && typeNameOf(extension) === CLUSTER_PROVIDED;
  if (cluster.lbPolicy !== Cluster_LbPolicy.CLUSTER_PROVIDED && !isProvided) {
    report.reject("lb_policy", "must be CLUSTER_PROVIDED for an ORIGINAL_DST cluster");
  }
  return PROVIDED;
}

/** The limit on connections of the DEFAULT priority; Envoy takes the first entry of a priority. */
function convertThresholds(breakers: CircuitBreakers | undefined, report: Report): number | undefined {
  const index = breakers?.thresholds.findIndex(({ priority }) => priority === RoutingPriority.DEFAULT) ?? -1;
  const thresholds = breakers?.thresholds[index];
  if (thresholds === undefined) return undefined;
  noteRequestLimits(thresholds, `circuit_breakers.thresholds[${index}]`, report);
  const limit = thresholds.maxConnections;
  return limit === UNLIMITED ? undefined : limit;
}

function noteRequestLimits(thresholds: CircuitBreakers_Thresholds, path: string, report: Report): void {
  const limits = {
    max_pending_requests: thresholds.maxPendingRequests,
    max_requests: thresholds.maxRequests,
    max_retries: thresholds.maxRetries,
    max_connection_pools: thresholds.maxConnectionPools,
  };
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && limit !== UNLIMITED)
      report.note("degraded", `${path}.${name}`, "only connections are limited");
  }
}

/** "raw" for plaintext, else the name of the configuration's type: what to do with it is the compiler's decision. */
function socketName(socket: TransportSocket | undefined): string {
  if (socket === undefined) return "raw";
  if (socket.configType.case === undefined)
    return socket.name === "envoy.transport_sockets.raw_buffer" ? "raw" : socket.name;
  const type = typeNameOf(socket.configType.value);
  return type === "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" ? "raw" : type;
}

export function isPlaintext(socket: TransportSocket | undefined): boolean {
  return socketName(socket) === "raw";
}

function inspectFilters(cluster: Cluster, report: Report): void {
  for (const [i, filter] of cluster.filters.entries()) {
    const path = `filters[${i}].typed_config`;
    const opened = open(filter.typedConfig, path, report);
    if (opened !== undefined && ignoredNetworkFilters[opened.typeName] === undefined) {
      report.reject(path, `${opened.typeName} isn't supported`);
    }
  }
}

/** Only HTTP/1.1 and "whatever the client speaks" leave the application's protocol as it is. */
function inspectProtocolOptions(cluster: Cluster, report: Report): void {
  for (const [name, any] of Object.entries(cluster.typedExtensionProtocolOptions)) {
    const path = `typed_extension_protocol_options["${name}"]`;
    const options = as(HttpProtocolOptionsSchema, open(any, path, report));
    if (options === undefined) continue;
    const protocol = options.upstreamProtocolOptions;
    const isHttp1 =
      protocol.case === "explicitHttpConfig" && protocol.value.protocolConfig.case === "httpProtocolOptions";
    if (protocol.case !== "useDownstreamProtocolConfig" && !isHttp1) {
      report.note("degraded", path, "HTTP isn't translated: the application's protocol reaches the upstream unchanged");
    }
    if (options.httpFilters.length > 0)
      report.note("degraded", `${path}.http_filters`, "upstream HTTP filters aren't run");
    if (options.outlierDetection !== undefined)
      report.note("degraded", `${path}.outlier_detection`, "endpoints that fail aren't ejected");
    if (options.requestMirrorPolicies.length > 0)
      report.note("degraded", `${path}.request_mirror_policies`, "requests aren't mirrored");
    if (options.hashPolicy.length > 0)
      report.note("degraded", `${path}.hash_policy`, "only the source address can be hashed");
    if (options.retryPolicy !== undefined) report.note("degraded", `${path}.retry_policy`, "requests aren't retried");
  }
}
