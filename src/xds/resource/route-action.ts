// The action of a route: which cluster or clusters, what is changed on the way, and what is done when it fails.
import type {
  RouteAction as ActionModel,
  Destination,
  ForwardAction,
  InternalRedirectPolicy,
  MirrorPolicy,
  RetryPolicy,
} from "../../model/route.ts";
import { RoutingPriority } from "../gen/envoy/config/core/v3/base_pb.ts";
import {
  type Route,
  type RouteAction,
  RouteAction_ClusterNotFoundResponseCode,
  RouteAction_InternalRedirectAction,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { type BodyLimits, convertBodyLimit } from "./body-limit.ts";
import { milliseconds } from "./duration.ts";
import { convertHashPolicies } from "./hash-policy.ts";
import { inside, type Place } from "./inspect.ts";
import { convertDirectResponse, convertRedirect } from "./local-answer.ts";
import { convertMirrors } from "./mirror-policy.ts";
import { at } from "./report.ts";
import { convertRetryPolicy } from "./retry-policy.ts";
import { convertHostRewrite, convertPathRewrite } from "./rewrite.ts";
import { convertWeighted } from "./weighted.ts";

/** What a route takes from its virtual host and configuration where it says nothing itself. */
export interface Inherited {
  readonly retry: RetryPolicy | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly maxDirectBody: number;
  readonly bodyLimits: BodyLimits;
}

// Envoy's defaults (route_components.proto).
const DEFAULT_TIMEOUT_MS = 15_000;
const DEFAULT_REDIRECTS = 1;
const REDIRECT_CODES = new Set([301, 302, 303, 307, 308]);

/** Stands where an action was refused. */
const NO_ACTION: ActionModel = { type: "direct_response", status: 500, body: new Uint8Array() };
const NOWHERE: Destination = { type: "cluster", cluster: "" };

/** `place` is the route's, which was inspected. */
export function convertAction(route: Route, inherited: Inherited, place: Place): ActionModel {
  switch (route.action.case) {
    case "route":
      return {
        ...convertForward(route.action.value, inherited, inside(place, "route")),
        bodyLimit: convertBodyLimit(route, inherited.bodyLimits),
      };
    case "redirect":
      return convertRedirect(route.action.value, inside(place, "redirect"));
    case "directResponse":
      return convertDirectResponse(route.action.value, inherited.maxDirectBody, inside(place, "direct_response"));
    case "filterAction":
    case "nonForwardingAction":
    case undefined:
      return NO_ACTION; // refused by inspection
    default:
      return route.action satisfies never;
  }
}

function convertForward(action: RouteAction, inherited: Inherited, place: Place): Omit<ForwardAction, "bodyLimit"> {
  return {
    type: "forward",
    destination: convertDestination(action, place),
    notFoundStatus: notFoundStatusOf(action),
    pathRewrite: convertPathRewrite(action, place),
    hostRewrite: convertHostRewrite(action, place),
    appendForwardedHost: action.appendXForwardedHost,
    ...convertTimeouts(action, place),
    retry:
      action.retryPolicy === undefined
        ? inherited.retry
        : convertRetryPolicy(action.retryPolicy, inside(place, "retry_policy")),
    hashPolicies: convertHashPolicies(action.hashPolicy, place),
    mirrors:
      action.requestMirrorPolicies.length === 0
        ? inherited.mirrors
        : convertMirrors(action.requestMirrorPolicies, place.path, place.report),
    priority: action.priority === RoutingPriority.HIGH ? "high" : "default",
    upgrades: convertUpgrades(action, place),
    internalRedirect: convertInternalRedirect(action),
  };
}

function convertDestination(action: RouteAction, place: Place): Destination {
  const specifier = action.clusterSpecifier;
  switch (specifier.case) {
    case "cluster":
      return { type: "cluster", cluster: specifier.value };
    case "weightedClusters":
      return convertWeighted(specifier.value, inside(place, "weighted_clusters"));
    case "clusterHeader":
      return { type: "cluster_header", header: specifier.value.toLowerCase() };
    case "clusterSpecifierPlugin":
    case "inlineClusterSpecifierPlugin":
    case undefined:
      return NOWHERE; // refused by inspection
    default:
      return specifier satisfies never;
  }
}

function notFoundStatusOf({ clusterNotFoundResponseCode: code }: RouteAction): ForwardAction["notFoundStatus"] {
  if (code === RouteAction_ClusterNotFoundResponseCode.NOT_FOUND) return 404;
  return code === RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR ? 500 : 503;
}

type Timeouts = Pick<ForwardAction, "timeoutMs" | "idleTimeoutMs" | "maxStreamDurationMs" | "grpcTimeoutHeaderMaxMs">;

function convertTimeouts(action: RouteAction, place: Place): Timeouts {
  const timeoutMs = milliseconds(action.timeout, "timeout", place);
  if (timeoutMs === undefined) {
    const reason = "is unset: Envoy's implicit 15 s apply only where requests are relayed";
    place.report.note("ignored", at(place.path, "timeout"), reason);
  }
  const stream = inside(place, "max_stream_duration");
  const streamMs = milliseconds(action.maxStreamDuration?.maxStreamDuration, "max_stream_duration", stream);
  const grpcMs = milliseconds(action.maxStreamDuration?.grpcTimeoutHeaderMax, "grpc_timeout_header_max", stream);
  const idleTimeoutMs = milliseconds(action.idleTimeout, "idle_timeout", place);
  needWherePositive(place, {
    timeout: timeoutMs,
    idle_timeout: idleTimeoutMs,
    "max_stream_duration.max_stream_duration": streamMs,
    "max_stream_duration.grpc_timeout_header_max": grpcMs,
  });
  return {
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    idleTimeoutMs,
    maxStreamDurationMs: streamMs,
    // The deprecated max_grpc_timeout counts where max_stream_duration is unset (router.cc, usingNewTimeouts).
    grpcTimeoutHeaderMaxMs:
      action.maxStreamDuration === undefined ? milliseconds(action.maxGrpcTimeout, "max_grpc_timeout", place) : grpcMs,
  };
}

/** A timeout of 0 switches something off, which is what a connection without a proxy has. */
export function needWherePositive(place: Place, limits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, ms] of Object.entries(limits)) {
    if (ms !== undefined && ms > 0)
      place.needs.push({ path: at(place.needPath, name), reason: "asks for a timeout of its own" });
  }
}

/** On a connection without a proxy every upgrade is possible, so only a refused one needs more. */
function convertUpgrades(action: RouteAction, place: Place): ForwardAction["upgrades"] {
  const upgrades = new Map<string, boolean>();
  for (const [i, { upgradeType, enabled = true }] of action.upgradeConfigs.entries()) {
    const type = upgradeType.toLowerCase();
    if (upgrades.has(type)) place.report.reject(at(place.path, `upgrade_configs[${i}]`), "has the type of another one");
    upgrades.set(type, enabled);
    if (!enabled)
      place.needs.push({ path: at(place.needPath, `upgrade_configs[${i}].enabled`), reason: "refuses upgrades" });
  }
  return Object.fromEntries(upgrades);
}

function convertInternalRedirect(action: RouteAction): InternalRedirectPolicy | undefined {
  const policy = action.internalRedirectPolicy;
  if (policy !== undefined) {
    const codes = policy.redirectResponseCodes;
    return {
      maxRedirects: policy.maxInternalRedirects ?? DEFAULT_REDIRECTS,
      // Envoy drops what is no redirect (config_impl.cc, buildRedirectResponseCodes).
      statusCodes: codes.length === 0 ? [302] : codes.filter((code) => REDIRECT_CODES.has(code)),
      allowCrossScheme: policy.allowCrossSchemeRedirect,
    };
  }
  if (action.internalRedirectAction !== RouteAction_InternalRedirectAction.HANDLE_INTERNAL_REDIRECT) return undefined;
  return {
    maxRedirects: action.maxInternalRedirects ?? DEFAULT_REDIRECTS,
    statusCodes: [302],
    allowCrossScheme: false,
  };
}
