// The action of a route: which cluster or clusters, and what makes it need a per-request engine.
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { RouteAction as ActionModel, WeightedCluster as WeightedModel } from "../../model/route.ts";
import type { Route, RouteAction, WeightedCluster } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { inside, type Place } from "./inspect.ts";
import { inspectPerFilterConfig } from "./per-filter-config.ts";
import { at } from "./report.ts";
import { inspectRetryPolicy } from "./retry-policy.ts";
import { checkSum } from "./weighted.ts";

/** `place` is the route's, which was inspected. */
export function convertAction(route: Route, place: Place): ActionModel {
  switch (route.action.case) {
    case "route":
      return convertForwarding(route.action.value, inside(place, "route"));
    case "redirect":
      return other("redirect", "redirect", "answers with a redirect", place);
    case "directResponse":
      return other("direct_response", "direct_response", "answers without an upstream", place);
    case "filterAction":
      return other("filter_action", "filter_action", "leaves the answer to a filter", place);
    case "nonForwardingAction":
      place.report.reject(at(place.path, "non_forwarding_action"), "is for servers, not for a mesh of clients");
      return { type: "other", what: "non_forwarding_action" };
    case undefined:
      return { type: "other", what: "none" }; // refused by inspection: the oneof is required
    default:
      return route.action satisfies never;
  }
}

function convertForwarding(action: RouteAction, place: Place): ActionModel {
  inspectResilience(action, place);
  if (action.hostRewriteSpecifier.case === "autoHostRewrite" && action.hostRewriteSpecifier.value.value) {
    place.needs.push({ path: at(place.needPath, "auto_host_rewrite"), reason: "rewrites requests" });
  }
  const specifier = action.clusterSpecifier;
  switch (specifier.case) {
    case "cluster":
      return { type: "cluster", cluster: specifier.value };
    case "weightedClusters":
      return convertWeighted(specifier.value, inside(place, "weighted_clusters"));
    case "clusterHeader":
      return other("cluster_header", "cluster_header", "chooses the cluster by a header", place);
    case "clusterSpecifierPlugin":
      return other(
        "cluster_specifier_plugin",
        "cluster_specifier_plugin",
        "chooses the cluster by an extension",
        place,
      );
    case "inlineClusterSpecifierPlugin":
      return other(
        "cluster_specifier_plugin",
        "inline_cluster_specifier_plugin",
        "chooses the cluster by an extension",
        place,
      );
    case undefined:
      return { type: "other", what: "none" };
    default:
      return specifier satisfies never;
  }
}

function convertWeighted(weighted: WeightedCluster, place: Place): ActionModel {
  const { report, needs } = place;
  if (weighted.randomValueSpecifier.case === "useHashPolicy" && weighted.randomValueSpecifier.value.value) {
    needs.push({
      path: at(place.needPath, "use_hash_policy"),
      reason: "chooses the cluster by a hash of each request",
    });
  }
  const clusters = weighted.clusters.map((entry, i): WeightedModel => {
    const here = inside(place, `clusters[${i}]`);
    inspectPerFilterConfig(entry.typedPerFilterConfig, here);
    if (entry.clusterHeader !== "") {
      needs.push({ path: at(here.needPath, "cluster_header"), reason: "chooses the cluster by a header" });
    } else if (entry.name === "") report.reject(at(here.path, "name"), "must be set");
    if (entry.weight === undefined) report.reject(at(here.path, "weight"), "must be set");
    return { cluster: entry.name, weight: entry.weight ?? 0 };
  });
  checkSum(clusters, at(place.path, "clusters"), report);
  return { type: "weighted_clusters", clusters };
}

/** Timeouts of 0 switch something off, which is what a connection without a proxy has. */
function inspectResilience(action: RouteAction, place: Place): void {
  if (action.timeout === undefined) {
    place.report.note("ignored", at(place.path, "timeout"), "is unset: Envoy's implicit 15 s don't apply");
  }
  const limits = {
    timeout: action.timeout,
    idle_timeout: action.idleTimeout,
    "max_stream_duration.max_stream_duration": action.maxStreamDuration?.maxStreamDuration,
    "max_stream_duration.grpc_timeout_header_max": action.maxStreamDuration?.grpcTimeoutHeaderMax,
  };
  for (const [name, limit] of Object.entries(limits)) {
    if (isPositive(limit))
      place.needs.push({ path: at(place.needPath, name), reason: "asks for a timeout of its own" });
  }
  if (action.retryPolicy !== undefined) inspectRetryPolicy(action.retryPolicy, inside(place, "retry_policy"));
  if (action.includeVhRateLimits === true) {
    place.needs.push({ path: at(place.needPath, "include_vh_rate_limits"), reason: "limits the rate of requests" });
  }
}

export function isPositive(duration: Duration | undefined): boolean {
  return duration !== undefined && (duration.seconds > 0n || duration.nanos > 0);
}

function other(what: string, field: string, reason: string, place: Place): ActionModel {
  place.needs.push({ path: at(place.needPath, field), reason });
  return { type: "other", what };
}
