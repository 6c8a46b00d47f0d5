// envoy.config.cluster.v3.Cluster to the model.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Cluster as ClusterModel, Discovery } from "../../model/cluster.ts";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { TransportSocket } from "../gen/envoy/config/core/v3/base_pb.ts";
import { ignoredNetworkFilters } from "../ignored-extensions.ts";
import { open, typeNameOf } from "./any.ts";
import { canonicalJson } from "./canonical-json.ts";
import { convertCircuitBreakers } from "./circuit-breakers.ts";
import { milliseconds } from "./duration.ts";
import { convertInspectedAssignment } from "./endpoint.ts";
import { convertHealthChecks } from "./health-check.ts";
import { inspect } from "./inspect.ts";
import { type Balancing, convertBalancing } from "./load-balancing.ts";
import { convertOutlierDetection } from "./outlier-detection.ts";
import type { Needs, Report } from "./report.ts";
import { convertUpstreamHttp } from "./upstream-http.ts";

const DEFAULT_PANIC_PERCENT = 50;
const DEFAULT_CONNECT_MS = 5_000;

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
  const needs: Needs = [];
  return {
    name: cluster.name,
    discovery,
    ...balancing,
    // Envoy cuts the fraction off (ProtobufPercentHelper::convertPercent), and reads it from common_lb_config for every policy.
    panicThresholdPercent: Math.trunc(cluster.commonLbConfig?.healthyPanicThreshold?.value ?? DEFAULT_PANIC_PERCENT),
    ...convertCircuitBreakers(cluster.circuitBreakers, needs, report),
    outlierDetection: cluster.outlierDetection && convertOutlierDetection(cluster.outlierDetection, needs, report),
    healthChecks: convertHealthChecks(cluster.healthChecks, report),
    connectTimeoutMs:
      milliseconds(cluster.connectTimeout, "connect_timeout", { path: "", report }) ?? DEFAULT_CONNECT_MS,
    http: convertUpstreamHttp(cluster, needs, report),
    transportSocket: socketName(cluster.transportSocket),
    transportSocketMatches: cluster.transportSocketMatches.map(({ name, match, transportSocket }) => ({
      name,
      match: canonicalJson((match ?? {}) satisfies JsonObject),
      socket: socketName(transportSocket),
    })),
    needs,
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
