// The action of a route as Envoy's JSON (envoy.config.route.v3.RouteAction, RedirectAction, DirectResponseAction). Fields at their
// defaults are left out; what a virtual host or the configuration passed on stands with each route that has it.
import type { Need } from "../../model/need.ts";
import type {
  Destination,
  ForwardAction,
  HashPolicy,
  HostRewrite,
  MirrorPolicy,
  PathRewrite,
  RedirectAction,
  RegexRewrite,
  RetryPolicy,
  RouteAction,
  WeightedCluster,
} from "../../model/route.ts";
import { any, type JsonObject } from "./address.ts";
import { renderMutations } from "./headers.ts";
import { readable, renderFraction, renderHeader } from "./route-match.ts";

const DEFAULT_TIMEOUT_MS = 15_000;

/** `needs` are the route's: they tell a timeout that was written from Envoy's default. */
export function renderAction(action: RouteAction, needs: readonly Need[]): JsonObject {
  switch (action.type) {
    case "forward": {
      const isImplicit = action.timeoutMs === DEFAULT_TIMEOUT_MS && !needs.some(({ path }) => path === "route.timeout");
      return { route: { ...renderForward(action), ...(isImplicit ? {} : { timeout: seconds(action.timeoutMs) }) } };
    }
    case "redirect":
      return { redirect: renderRedirect(action) };
    case "direct_response":
      return {
        direct_response: { status: action.status, body: { inline_bytes: Buffer.from(action.body).toString("base64") } },
      };
    default:
      return action satisfies never;
  }
}

export function renderWeighted(clusters: readonly WeightedCluster[]): JsonObject {
  return { clusters: clusters.map(({ cluster, weight }) => ({ name: cluster, weight })) };
}

function renderForward(action: ForwardAction): JsonObject {
  const { mirrors, hashPolicies, retry } = action;
  return {
    ...renderDestination(action.destination),
    ...(action.notFoundStatus === 503 ? {} : { cluster_not_found_response_code: notFoundCodes[action.notFoundStatus] }),
    ...(action.pathRewrite === undefined ? {} : renderPathRewrite(action.pathRewrite)),
    ...(action.hostRewrite === undefined ? {} : renderHostRewrite(action.hostRewrite)),
    ...(action.appendForwardedHost ? { append_x_forwarded_host: true } : {}),
    ...(action.idleTimeoutMs === undefined ? {} : { idle_timeout: seconds(action.idleTimeoutMs) }),
    ...renderMaxStreamDuration(action),
    ...(retry === undefined ? {} : { retry_policy: renderRetry(retry) }),
    ...(hashPolicies.length === 0 ? {} : { hash_policy: hashPolicies.map(renderHashPolicy) }),
    ...(mirrors.length === 0 ? {} : { request_mirror_policies: mirrors.map(renderMirror) }),
    ...(action.priority === "high" ? { priority: "HIGH" } : {}),
    ...renderUpgrades(action.upgrades),
    ...renderInternalRedirect(action),
  };
}

const notFoundCodes = { 404: "NOT_FOUND", 500: "INTERNAL_SERVER_ERROR", 503: "SERVICE_UNAVAILABLE" } as const;

function renderDestination(destination: Destination): JsonObject {
  switch (destination.type) {
    case "cluster":
      return { cluster: destination.cluster };
    case "cluster_header":
      return { cluster_header: destination.header };
    case "weighted_clusters": {
      const { clusters, randomHeader, useHashPolicy } = destination;
      return {
        weighted_clusters: {
          clusters: clusters.map((choice) => ({
            ...(choice.clusterHeader === undefined
              ? { name: choice.cluster }
              : { cluster_header: choice.clusterHeader }),
            weight: choice.weight,
            ...renderMutations(choice),
            ...(choice.hostRewrite === undefined ? {} : { host_rewrite_literal: readable(choice.hostRewrite) }),
          })),
          ...(randomHeader === undefined ? {} : { header_name: randomHeader }),
          ...(useHashPolicy ? { use_hash_policy: true } : {}),
        },
      };
    }
    default:
      return destination satisfies never;
  }
}

function renderPathRewrite(rewrite: PathRewrite): JsonObject {
  if (rewrite.type === "prefix") return { prefix_rewrite: readable(rewrite.value) };
  return { regex_rewrite: renderRegexRewrite(rewrite.rewrite) };
}

function renderRegexRewrite({ pattern, substitution }: RegexRewrite): JsonObject {
  return { pattern: { regex: pattern }, substitution: readable(substitution) };
}

function renderHostRewrite(rewrite: HostRewrite): JsonObject {
  switch (rewrite.type) {
    case "literal":
      return { host_rewrite_literal: readable(rewrite.value) };
    case "header":
      return { host_rewrite_header: rewrite.header };
    case "path_regex":
      return { host_rewrite_path_regex: renderRegexRewrite(rewrite.rewrite) };
    case "endpoint":
      return { auto_host_rewrite: true };
    default:
      return rewrite satisfies never;
  }
}

function renderMaxStreamDuration({ maxStreamDurationMs, grpcTimeoutHeaderMaxMs }: ForwardAction): JsonObject {
  if (maxStreamDurationMs === undefined && grpcTimeoutHeaderMaxMs === undefined) return {};
  return {
    max_stream_duration: {
      ...(maxStreamDurationMs === undefined ? {} : { max_stream_duration: seconds(maxStreamDurationMs) }),
      ...(grpcTimeoutHeaderMaxMs === undefined ? {} : { grpc_timeout_header_max: seconds(grpcTimeoutHeaderMaxMs) }),
    },
  };
}

function renderRetry(retry: RetryPolicy): JsonObject {
  const { retriableHeaders, retriableRequestHeaders, backOff } = retry;
  const isDefaultBackOff = backOff.baseMs === 25 && backOff.maxMs === 250;
  return {
    retry_on: retry.conditions.join(","),
    num_retries: retry.retries,
    ...(retry.perTryTimeoutMs === 0 ? {} : { per_try_timeout: seconds(retry.perTryTimeoutMs) }),
    ...(retry.perTryIdleTimeoutMs === 0 ? {} : { per_try_idle_timeout: seconds(retry.perTryIdleTimeoutMs) }),
    ...(retry.statusCodes.length === 0 ? {} : { retriable_status_codes: [...retry.statusCodes] }),
    ...(retriableHeaders.length === 0 ? {} : { retriable_headers: retriableHeaders.map(renderHeader) }),
    ...(retriableRequestHeaders.length === 0
      ? {}
      : { retriable_request_headers: retriableRequestHeaders.map(renderHeader) }),
    ...(isDefaultBackOff
      ? {}
      : { retry_back_off: { base_interval: seconds(backOff.baseMs), max_interval: seconds(backOff.maxMs) } }),
    ...renderRateLimitedBackOff(retry),
    ...renderPreviousHosts(retry),
  };
}

function renderRateLimitedBackOff({ rateLimitedBackOff }: RetryPolicy): JsonObject {
  if (rateLimitedBackOff === undefined) return {};
  const { maxMs, headers } = rateLimitedBackOff;
  return {
    rate_limited_retry_back_off: {
      reset_headers: headers.map(({ name, format }) => ({ name, format: format.toUpperCase() })),
      max_interval: seconds(maxMs),
    },
  };
}

const PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";

function renderPreviousHosts({ avoidPreviousHosts, hostSelectionAttempts }: RetryPolicy): JsonObject {
  const name = "envoy.retry_host_predicates.previous_hosts";
  return {
    ...(avoidPreviousHosts ? { retry_host_predicate: [{ name, typed_config: any(PREVIOUS_HOSTS, {}) }] } : {}),
    ...(hostSelectionAttempts === 1 ? {} : { host_selection_retry_max_attempts: String(hostSelectionAttempts) }),
  };
}

function renderHashPolicy(policy: HashPolicy): JsonObject {
  return { ...renderHashed(policy), ...(policy.terminal ? { terminal: true } : {}) };
}

function renderHashed(policy: HashPolicy): JsonObject {
  switch (policy.hash) {
    case "header":
      return { header: { header_name: policy.name } };
    case "cookie":
      return {
        cookie: {
          name: policy.name,
          ...(policy.ttlSeconds === undefined ? {} : { ttl: `${policy.ttlSeconds}s` }),
          ...(policy.path === "" ? {} : { path: policy.path }),
        },
      };
    case "source_ip":
      return { connection_properties: { source_ip: true } };
    case "query_parameter":
      return { query_parameter: { name: policy.name } };
    default:
      return policy satisfies never;
  }
}

function renderMirror({ cluster, clusterHeader, fraction, keepHost }: MirrorPolicy): JsonObject {
  return {
    ...(cluster === "" ? { cluster_header: clusterHeader } : { cluster }),
    ...(fraction === undefined ? {} : { runtime_fraction: { default_value: renderFraction(fraction) } }),
    ...(keepHost ? { disable_shadow_host_suffix_append: true } : {}),
  };
}

function renderUpgrades(upgrades: ForwardAction["upgrades"]): JsonObject {
  const types = Object.entries(upgrades);
  return types.length === 0
    ? {}
    : { upgrade_configs: types.map(([type, enabled]) => ({ upgrade_type: type, enabled })) };
}

function renderInternalRedirect({ internalRedirect }: ForwardAction): JsonObject {
  if (internalRedirect === undefined) return {};
  const { maxRedirects, statusCodes, allowCrossScheme } = internalRedirect;
  return {
    internal_redirect_policy: {
      max_internal_redirects: maxRedirects,
      redirect_response_codes: [...statusCodes],
      ...(allowCrossScheme ? { allow_cross_scheme_redirect: true } : {}),
    },
  };
}

const redirectCodes: Readonly<Record<number, string>> = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};

function renderRedirect({ status, host, port, scheme, path, stripQuery }: RedirectAction): JsonObject {
  return {
    ...(status === 301 ? {} : { response_code: redirectCodes[status] }),
    ...(host === "" ? {} : { host_redirect: readable(host) }),
    ...(port === undefined ? {} : { port_redirect: port }),
    ...(scheme === undefined ? {} : { scheme_redirect: scheme }),
    ...renderRedirectPath(path),
    ...(stripQuery ? { strip_query: true } : {}),
  };
}

function renderRedirectPath(path: RedirectAction["path"]): JsonObject {
  if (path === undefined) return {};
  if (path.type === "regex") return { regex_rewrite: renderRegexRewrite(path.rewrite) };
  return { [path.type === "literal" ? "path_redirect" : "prefix_rewrite"]: readable(path.value) };
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}
