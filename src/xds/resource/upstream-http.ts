// How the relay keeps its connections to a cluster's endpoints: typed_extension_protocol_options, or the cluster's deprecated
// fields of the same meaning where those are absent.
import type { Cluster as ClusterModel } from "../../model/cluster.ts";
import type { Cluster } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type HttpProtocolOptions as CommonOptions,
  HttpProtocolOptionsSchema as CommonSchema,
} from "../gen/envoy/config/core/v3/protocol_pb.ts";
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from "../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { as, open } from "./any.ts";
import { milliseconds } from "./duration.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { at, type Needs, type Report } from "./report.ts";

// Envoy's default (protocol.proto).
const DEFAULT_IDLE_MS = 3_600_000;

/** The cluster was inspected, but for what stands in an Any. */
export function convertUpstreamHttp(cluster: Cluster, needs: Needs, report: Report): ClusterModel["http"] {
  const root: Place = { report, path: "", needs, needPath: "" };
  for (const [name, any] of Object.entries(cluster.typedExtensionProtocolOptions)) {
    const place = inside(root, `typed_extension_protocol_options["${name}"]`);
    const options = as(HttpProtocolOptionsSchema, open(any, place.path, report));
    if (options !== undefined) return convertOptions(options, place);
  }
  const common = cluster.commonHttpProtocolOptions;
  const deprecated = cluster.maxRequestsPerConnection;
  needLimit(common?.maxRequestsPerConnection === undefined ? deprecated : 0, root);
  return convertCommon(common, deprecated, inside(root, "common_http_protocol_options"));
}

function convertOptions(options: HttpProtocolOptions, place: Place): ClusterModel["http"] {
  noteUnused(options, place);
  const common = options.commonHttpProtocolOptions;
  const here = inside(place, "common_http_protocol_options");
  if (common !== undefined) inspect(CommonSchema, common, here);
  return convertCommon(common, undefined, here);
}

function convertCommon(
  common: CommonOptions | undefined,
  deprecatedMaxRequests: number | undefined,
  place: Place,
): ClusterModel["http"] {
  if (common?.maxStreamDuration !== undefined)
    place.report.note("degraded", `${place.path}.max_stream_duration`, "is taken from routes and listeners only");
  const maxConnectionMs = milliseconds(common?.maxConnectionDuration, "max_connection_duration", place) ?? 0;
  needLimit(common?.maxRequestsPerConnection, place);
  if (maxConnectionMs > 0)
    place.needs.push({ path: at(place.needPath, "max_connection_duration"), reason: "limits connections" });
  return {
    idleTimeoutMs: milliseconds(common?.idleTimeout, "idle_timeout", place) ?? DEFAULT_IDLE_MS,
    maxConnectionMs,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? deprecatedMaxRequests ?? 0,
  };
}

/** 0 is no limit. */
function needLimit(maxRequests: number | undefined, { needs, needPath }: Place): void {
  if (maxRequests !== undefined && maxRequests > 0)
    needs.push({ path: at(needPath, "max_requests_per_connection"), reason: "limits connections" });
}

/** Only HTTP/1.1 and "whatever the client speaks" leave the application's protocol as it is. */
function noteUnused(options: HttpProtocolOptions, { path, report }: Place): void {
  const protocol = options.upstreamProtocolOptions;
  const isHttp1 =
    protocol.case === "explicitHttpConfig" && protocol.value.protocolConfig.case === "httpProtocolOptions";
  if (protocol.case !== "useDownstreamProtocolConfig" && !isHttp1) {
    report.note("degraded", path, "HTTP isn't translated: the application's protocol reaches the upstream unchanged");
  }
  if (options.httpFilters.length > 0)
    report.note("degraded", `${path}.http_filters`, "upstream HTTP filters aren't run");
  if (options.outlierDetection !== undefined)
    report.note("degraded", `${path}.outlier_detection`, "answers count by their status alone");
  if (options.requestMirrorPolicies.length > 0)
    report.note("degraded", `${path}.request_mirror_policies`, "requests are mirrored by routes only");
  if (options.hashPolicy.length > 0)
    report.note("degraded", `${path}.hash_policy`, "requests are hashed by the policies of routes only");
  if (options.retryPolicy !== undefined)
    report.note("degraded", `${path}.retry_policy`, "requests are retried by the policies of routes only");
}
