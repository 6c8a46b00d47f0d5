// Weighted choices. What tcp_proxy and routes have in common is Envoy's rule for the sum (config_impl.cc, tcp_proxy.cc); a route's
// choice may also change the request.
import type { Destination, WeightedDestination, WeightedCluster as WeightedModel } from "../../model/route.ts";
import { wireText } from "../../model/wire-text.ts";
import type {
  WeightedCluster,
  WeightedCluster_ClusterWeight,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { convertMutations } from "./header-mutations.ts";
import { inside, type Place } from "./inspect.ts";
import { convertPerFilterConfig } from "./per-filter-config.ts";
import { at, type Report } from "./report.ts";

const MAX_SUM = 0xffffffff;

export function checkSum(clusters: readonly WeightedModel[], path: string, report: Report): void {
  const sum = clusters.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) report.reject(path, "the sum of the weights must be greater than 0");
  if (sum > MAX_SUM) report.reject(path, "the sum of the weights must be less than 2^32");
}

/** `place` is the weighted_clusters field's, which was inspected. */
export function convertWeighted(weighted: WeightedCluster, place: Place): Destination {
  const random = weighted.randomValueSpecifier;
  const useHashPolicy = random.case === "useHashPolicy" && random.value.value;
  if (useHashPolicy) {
    place.needs.push({
      path: at(place.needPath, "use_hash_policy"),
      reason: "chooses the cluster by a hash of each request",
    });
  }
  const clusters = weighted.clusters.map((entry, i) => convertEntry(entry, inside(place, `clusters[${i}]`)));
  checkSum(clusters, at(place.path, "clusters"), place.report);
  const randomHeader = random.case === "headerName" && random.value !== "" ? random.value.toLowerCase() : undefined;
  return { type: "weighted_clusters", clusters, randomHeader, useHashPolicy };
}

function convertEntry(entry: WeightedCluster_ClusterWeight, place: Place): WeightedDestination {
  const { path, report } = place;
  if (entry.name !== "" && entry.clusterHeader !== "") report.reject(path, "must have either name or cluster_header");
  if (entry.name === "" && entry.clusterHeader === "") report.reject(at(path, "name"), "must be set");
  if (entry.weight === undefined) report.reject(at(path, "weight"), "must be set");
  const rewrite = entry.hostRewriteSpecifier;
  return {
    cluster: entry.name,
    weight: entry.weight ?? 0,
    clusterHeader: entry.clusterHeader === "" ? undefined : entry.clusterHeader.toLowerCase(),
    ...convertMutations(entry, path, report),
    hostRewrite: rewrite.case === undefined || rewrite.value === "" ? undefined : wireText(rewrite.value),
    filters: convertPerFilterConfig(entry.typedPerFilterConfig, place),
  };
}
