// The CORS policy of a virtual host or route; the filter itself has no settings.
import type { CorsConfig } from "../../../model/http.ts";
import { wireText } from "../../../model/wire-text.ts";
import type { CorsPolicy } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import type { Place } from "../inspect.ts";
import { convertFraction, convertStringMatcher } from "../matcher.ts";
import { at } from "../report.ts";

export function convertCorsPolicy(policy: CorsPolicy, { path, report }: Place): CorsConfig {
  if (policy.allowPrivateNetworkAccess === true)
    report.reject(at(path, "allow_private_network_access"), "access to private networks isn't answered");
  return {
    type: "cors_policy",
    allowOrigins: policy.allowOriginStringMatch.map((matcher, i) =>
      convertStringMatcher(matcher, at(path, `allow_origin_string_match[${i}]`), report),
    ),
    allowMethods: wireText(policy.allowMethods),
    allowHeaders: wireText(policy.allowHeaders),
    exposeHeaders: wireText(policy.exposeHeaders),
    maxAge: wireText(policy.maxAge),
    allowCredentials: policy.allowCredentials,
    forwardNotMatchingPreflights: policy.forwardNotMatchingPreflights,
    filterEnabled: convertFraction(policy.filterEnabled),
    shadowEnabled: convertFraction(policy.shadowEnabled),
  };
}
