// A route configuration (envoy.config.route.v3.RouteConfiguration): which cluster serves a request, and what is done to it on the
// way. `needs` say what can't be decided or done when a connection is opened: such a listener takes the relay.
import type { Finding } from "./cluster.ts";
import type { HeaderMutations } from "./headers.ts";
import type { FilterOverrides } from "./http.ts";
import type { Fraction, RouteMatch } from "./matcher.ts";
import type { Need } from "./need.ts";

/** One weighted choice; weight 0 is never chosen. */
export interface WeightedCluster {
  readonly cluster: string;
  readonly weight: number;
}

/** A weighted choice of an HTTP route: what it changes on top of the route. */
export interface WeightedDestination extends WeightedCluster {
  /** `cluster` is "" and this header (lower case) names it. */
  readonly clusterHeader: string | undefined;
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  readonly hostRewrite: string | undefined;
  readonly filters: FilterOverrides;
}

export type Destination =
  | { readonly type: "cluster"; readonly cluster: string }
  | {
      readonly type: "weighted_clusters";
      readonly clusters: readonly WeightedDestination[];
      /** header_name (lower case): its value is the random number; undefined: the request's. */
      readonly randomHeader: string | undefined;
      /** The random number is the request's hash by `hashPolicies`, where there is one. */
      readonly useHashPolicy: boolean;
    }
  /** The request's header (lower case) names the cluster; where it is missing or the cluster isn't known: 503. */
  | { readonly type: "cluster_header"; readonly header: string };

/** RegexMatchAndSubstitute: every match in the path (without query) is replaced; `\1` … `\9` are groups, `\0` is the match. */
export interface RegexRewrite {
  readonly pattern: string;
  readonly substitution: string;
}

export type PathRewrite =
  | { readonly type: "prefix"; readonly value: string }
  | { readonly type: "regex"; readonly rewrite: RegexRewrite };

export type HostRewrite =
  | { readonly type: "literal"; readonly value: string }
  /** The value of this request header (lower case), where it is there and not empty. */
  | { readonly type: "header"; readonly header: string }
  | { readonly type: "path_regex"; readonly rewrite: RegexRewrite }
  /** auto_host_rewrite: the endpoint's hostname, where it has one. */
  | { readonly type: "endpoint" };

/** RouteAction.HashPolicy, in order. */
export type HashPolicy = { readonly terminal: boolean } & (
  | { readonly hash: "header"; readonly name: string; readonly rewrite: RegexRewrite | undefined }
  | {
      readonly hash: "cookie";
      readonly name: string;
      /** undefined: the cookie is never made. 0: a session cookie. */
      readonly ttlSeconds: number | undefined;
      readonly path: string;
      readonly attributes: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly hash: "source_ip" }
  | { readonly hash: "query_parameter"; readonly name: string }
);

export interface RetryPolicy {
  /** retry_on and retriable conditions by Envoy's names: 5xx, gateway-error, reset, reset-before-request, connect-failure, … */
  readonly conditions: readonly string[];
  readonly retries: number;
  /** 0 = the route's timeout alone. */
  readonly perTryTimeoutMs: number;
  /** 0 = none. */
  readonly perTryIdleTimeoutMs: number;
  readonly statusCodes: readonly number[];
  readonly retriableHeaders: RouteMatch["headers"];
  readonly retriableRequestHeaders: RouteMatch["headers"];
  /** 25 and 10 × base where unset. */
  readonly backOff: { readonly baseMs: number; readonly maxMs: number };
  /** rate_limited_retry_back_off: reset headers in order. */
  readonly rateLimitedBackOff:
    | {
        readonly maxMs: number;
        readonly headers: readonly { readonly name: string; readonly format: "seconds" | "unix_timestamp" }[];
      }
    | undefined;
  /** retry_host_predicate previous_hosts: an endpoint that was tried is avoided … */
  readonly avoidPreviousHosts: boolean;
  /** … as long as so many new choices (host_selection_retry_max_attempts, 1 where unset) find another. */
  readonly hostSelectionAttempts: number;
}

export interface MirrorPolicy {
  readonly cluster: string;
  /** "" or the request header (lower case) that names the cluster. */
  readonly clusterHeader: string;
  readonly fraction: Fraction | undefined;
  /** disable_shadow_host_suffix_append. */
  readonly keepHost: boolean;
}

export interface InternalRedirectPolicy {
  readonly maxRedirects: number;
  readonly statusCodes: readonly number[];
  readonly allowCrossScheme: boolean;
}

export interface ForwardAction {
  readonly type: "forward";
  readonly destination: Destination;
  /** cluster_not_found_response_code. */
  readonly notFoundStatus: 404 | 500 | 503;
  readonly pathRewrite: PathRewrite | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  readonly appendForwardedHost: boolean;
  /** 15,000 where unset; 0 = none. */
  readonly timeoutMs: number;
  /** undefined = the connection manager's stream_idle_timeout; 0 = none. */
  readonly idleTimeoutMs: number | undefined;
  /** undefined = the connection manager's; 0 = none. */
  readonly maxStreamDurationMs: number | undefined;
  /** grpc_timeout_header_max: undefined = the header isn't obeyed; 0 = as the client says. */
  readonly grpcTimeoutHeaderMaxMs: number | undefined;
  /** The route's, else the virtual host's. */
  readonly retry: RetryPolicy | undefined;
  readonly hashPolicies: readonly HashPolicy[];
  /** The route's, else the virtual host's, else the configuration's. */
  readonly mirrors: readonly MirrorPolicy[];
  readonly priority: "default" | "high";
  /** upgrade_configs by lower-case type: true enables, false disables, absent = as the connection manager says. */
  readonly upgrades: Readonly<Record<string, boolean>>;
  readonly internalRedirect: InternalRedirectPolicy | undefined;
  /** The route's, else the virtual host's; undefined = the listener's. */
  readonly bodyLimit: BodyLimit | undefined;
}

/** What may be kept of a request's body for retries and mirrors. */
export interface BodyLimit {
  readonly bytes: number;
  /** per_request_buffer_limit_bytes counts within the listener's limit, request_body_buffer_limit in its place. */
  readonly isWithinListeners: boolean;
}

export interface RedirectAction {
  readonly type: "redirect";
  /** 301, 302, 303, 307 or 308. */
  readonly status: number;
  /** "" = as requested. */
  readonly host: string;
  readonly port: number | undefined;
  readonly scheme: "http" | "https" | undefined;
  readonly path:
    | { readonly type: "literal"; readonly value: string }
    | { readonly type: "prefix"; readonly value: string }
    | { readonly type: "regex"; readonly rewrite: RegexRewrite }
    | undefined;
  readonly stripQuery: boolean;
}

export interface DirectResponseAction {
  readonly type: "direct_response";
  readonly status: number;
  readonly body: Uint8Array;
}

export type RouteAction = ForwardAction | RedirectAction | DirectResponseAction;

export interface Route {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  readonly filters: FilterOverrides;
  /** Field paths (relative to the route) of what needs a decision or change per request, with the reason; conditions of `match` apart. */
  readonly needs: readonly Need[];
}

export interface VirtualHost {
  readonly name: string;
  /** As written: exact names, `*.suffix`, `prefix.*`, `*`, with or without `:port`. */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  /** require_tls; every request is plaintext. */
  readonly requireTls: "none" | "external_only" | "all";
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  /** include_request_attempt_count, include_attempt_count_in_response: x-envoy-attempt-count. */
  readonly attemptCount: { readonly inRequest: boolean; readonly inResponse: boolean };
  readonly filters: FilterOverrides;
  readonly needs: readonly Need[];
}

export interface RouteConfiguration {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  /** Mutations are applied route, virtual host, configuration; true: the other way round. */
  readonly mostSpecificHeadersWin: boolean;
  readonly ignorePortInHost: boolean;
  /** internal_only_headers, lower case: removed from requests. */
  readonly internalOnlyHeaders: readonly string[];
  readonly filters: FilterOverrides;
  readonly needs: readonly Need[];
  readonly findings: readonly Finding[];
}
