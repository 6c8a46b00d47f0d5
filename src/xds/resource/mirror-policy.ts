// RouteAction.RequestMirrorPolicy: where copies of requests go.
import type { MirrorPolicy } from "../../model/route.ts";
import type { RouteAction_RequestMirrorPolicy } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { convertFraction } from "./matcher.ts";
import { at, type Report } from "./report.ts";

/** `owner` is the path of the route action, virtual host or route configuration. */
export function convertMirrors(
  policies: readonly RouteAction_RequestMirrorPolicy[],
  owner: string,
  report: Report,
): MirrorPolicy[] {
  return policies.map((policy, i) => convertMirror(policy, at(owner, `request_mirror_policies[${i}]`), report));
}

function convertMirror(policy: RouteAction_RequestMirrorPolicy, path: string, report: Report): MirrorPolicy {
  const { cluster, clusterHeader } = policy;
  if (cluster !== "" && clusterHeader !== "") report.reject(path, "must have either cluster or cluster_header");
  if (cluster === "" && clusterHeader === "") report.reject(at(path, "cluster"), "must be set");
  return {
    cluster,
    clusterHeader: clusterHeader.toLowerCase(),
    fraction: convertFraction(policy.runtimeFraction),
    keepHost: policy.disableShadowHostSuffixAppend,
  };
}
