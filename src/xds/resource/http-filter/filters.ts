// The HTTP filters that are known, by the type of their configuration: in the chain of a connection manager, and as
// typed_per_filter_config of route configurations, virtual hosts, routes and weighted clusters.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { FilterConfig } from "../../../model/http.ts";
import { BufferPerRouteSchema, BufferSchema } from "../../gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts";
import { CorsPolicySchema, CorsSchema } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { LocalRateLimitSchema } from "../../gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts";
import { RBACPerRouteSchema, RBACSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "../../gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.ts";
import { as, type Opened } from "../any.ts";
import { inspect, type Place } from "../inspect.ts";
import { convertBuffer, convertBufferPerRoute } from "./buffer.ts";
import { convertCorsPolicy } from "./cors.ts";
import { convertFault } from "./fault.ts";
import { convertLocalRateLimit, convertLocalRateLimitPerRoute } from "./local-rate-limit.ts";
import { convertRbac, convertRbacPerRoute } from "./rbac.ts";
import { convertStatefulSession, convertStatefulSessionPerRoute } from "./stateful-session.ts";

/** Undefined if the configuration is of another type. */
export type ReadFilter = (opened: Opened, place: Place) => FilterConfig | undefined;

const inChain: readonly ReadFilter[] = [
  reader(HTTPFaultSchema, convertFault),
  reader(CorsSchema, () => ({ type: "cors" })),
  reader(RBACSchema, convertRbac),
  reader(LocalRateLimitSchema, convertLocalRateLimit),
  reader(StatefulSessionSchema, convertStatefulSession),
  reader(BufferSchema, convertBuffer),
];

const onRoutes: readonly ReadFilter[] = [
  reader(HTTPFaultSchema, convertFault),
  reader(CorsPolicySchema, convertCorsPolicy),
  reader(RBACPerRouteSchema, convertRbacPerRoute),
  reader(LocalRateLimitSchema, convertLocalRateLimitPerRoute),
  reader(StatefulSessionPerRouteSchema, convertStatefulSessionPerRoute),
  reader(BufferPerRouteSchema, convertBufferPerRoute),
];

export const readChainFilter: ReadFilter = (opened, place) => first(inChain, opened, place);

export const readRouteFilter: ReadFilter = (opened, place) => first(onRoutes, opened, place);

/** False for a configuration without effect, which Istio leaves on listeners for its routes to override. */
export function worksOnRequests(config: FilterConfig): boolean {
  switch (config.type) {
    case "fault":
      return config.delay !== undefined || config.abort !== undefined;
    case "rbac":
      return config.rules !== undefined;
    case "local_rate_limit":
      return config.bucket !== undefined;
    case "stateful_session":
      return config.cookie !== undefined;
    case "cors":
    case "disabled":
      return false;
    case "cors_policy":
    case "buffer":
      return true;
    default:
      return config satisfies never;
  }
}

function first(readers: readonly ReadFilter[], opened: Opened, place: Place): FilterConfig | undefined {
  for (const read of readers) {
    const config = read(opened, place);
    if (config !== undefined) return config;
  }
  return undefined;
}

function reader<Desc extends DescMessage>(
  schema: Desc,
  convert: (message: MessageShape<Desc>, place: Place) => FilterConfig,
): ReadFilter {
  return (opened, place) => {
    const message = as(schema, opened);
    if (message === undefined) return undefined;
    inspect(schema, message, place);
    return convert(message, place);
  };
}
