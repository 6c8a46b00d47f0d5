// A cluster as Envoy's JSON (envoy.config.cluster.v3.Cluster). Fields that have Envoy's default are left out, as unset ones are.
import type { Cluster, LoadBalancing } from "../../model/cluster.ts";
import { any, type JsonObject, ownMetadata } from "./address.ts";
import { assignmentFields } from "./endpoint.ts";

export const adsSource = { ads: {}, resource_api_version: "V3" };

export function renderCluster(cluster: Cluster): JsonObject {
  const { name, maxConnections, transportSocket, transportSocketMatches, findings } = cluster;
  return any("envoy.config.cluster.v3.Cluster", {
    name,
    ...renderDiscovery(cluster),
    ...renderPolicy(cluster.loadBalancing),
    ...renderCommon(cluster),
    ...(maxConnections === undefined
      ? {}
      : { circuit_breakers: { thresholds: [{ max_connections: maxConnections }] } }),
    ...(transportSocket === "raw" ? {} : { transport_socket: { name: transportSocket } }),
    ...(transportSocketMatches.length === 0
      ? {}
      : {
          transport_socket_matches: transportSocketMatches.map(({ name, match, socket }) => ({
            name,
            match: match === "" ? {} : JSON.parse(match),
            transport_socket: { name: socket },
          })),
        }),
    ...ownMetadata({ findings }),
  });
}

function renderDiscovery({ discovery }: Cluster): JsonObject {
  switch (discovery.type) {
    case "static":
      return { type: "STATIC", load_assignment: assignmentFields(discovery.assignment) };
    case "eds":
      return { type: "EDS", eds_cluster_config: { eds_config: adsSource, service_name: discovery.serviceName } };
    case "original_dst":
      return { type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED" };
    default:
      return discovery satisfies never;
  }
}

function renderPolicy(loadBalancing: LoadBalancing): JsonObject {
  switch (loadBalancing.policy) {
    case "round_robin":
      return {}; // the default, and none of ORIGINAL_DST's
    case "random":
      return { lb_policy: "RANDOM" };
    case "least_request":
      return { lb_policy: "LEAST_REQUEST", least_request_lb_config: { choice_count: loadBalancing.choiceCount } };
    case "ring_hash":
      return {
        lb_policy: "RING_HASH",
        ring_hash_lb_config: {
          minimum_ring_size: loadBalancing.minimumRingSize,
          maximum_ring_size: loadBalancing.maximumRingSize,
          hash_function: loadBalancing.hashFunction.toUpperCase(),
        },
      };
    case "maglev":
      return { lb_policy: "MAGLEV", maglev_lb_config: { table_size: loadBalancing.tableSize } };
    default:
      return loadBalancing satisfies never;
  }
}

function renderCommon(cluster: Cluster): JsonObject {
  const { panicThresholdPercent, failTrafficOnPanic, localityWeighted, hashByHostname } = cluster;
  const fields = {
    ...(panicThresholdPercent === 50 ? {} : { healthy_panic_threshold: { value: panicThresholdPercent } }),
    ...(failTrafficOnPanic ? { zone_aware_lb_config: { fail_traffic_on_panic: true } } : {}),
    ...(localityWeighted ? { locality_weighted_lb_config: {} } : {}),
    ...(hashByHostname ? { consistent_hashing_lb_config: { use_hostname_for_hashing: true } } : {}),
  };
  return Object.keys(fields).length === 0 ? {} : { common_lb_config: fields };
}
