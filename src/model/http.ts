// What an HTTP connection manager does apart from routing: its limits, its own headers, and the HTTP filters in front of the router.

import type { Prefix } from "../ip.ts";
import type { HeaderMutations } from "./headers.ts";
import type { Fraction, HeaderMatcher, StringMatcher } from "./matcher.ts";

/** All in milliseconds; 0 = none. Defaults are Envoy's. */
export interface HttpTimeouts {
  /** stream_idle_timeout, 300,000 where unset: 408 before the response has begun, a reset after. */
  readonly streamIdleMs: number;
  /** request_timeout: the whole request must have arrived. */
  readonly requestMs: number;
  /** request_headers_timeout. */
  readonly requestHeadersMs: number;
  /** common_http_protocol_options.idle_timeout, 3,600,000 where unset: a connection without requests. */
  readonly connectionIdleMs: number;
  readonly maxConnectionMs: number;
  readonly maxStreamMs: number;
}

export interface HttpOptions {
  readonly timeouts: HttpTimeouts;
  /** max_request_headers_kb × 1,024; 61,440 where unset. */
  readonly maxHeadBytes: number;
  /**
   * The listener's per_connection_buffer_limit_bytes, 1,048,576 where unset, Infinity for 0: what may be kept of a request's body for
   * retries and mirrors, where its route doesn't say otherwise.
   */
  readonly bufferLimitBytes: number;
  /** common_http_protocol_options.max_headers_count; 100 where unset. */
  readonly maxHeaders: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly acceptHttp10: boolean;
  /** http_protocol_options.allow_absolute_url: true where unset. */
  readonly allowAbsoluteUrl: boolean;
  /** Lower-case types of upgrade_configs (`websocket`, `connect`) that are enabled. */
  readonly upgrades: readonly string[];
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: "keep" | "reject" | "unescape_and_redirect" | "unescape_and_forward";
  readonly stripPort: "no" | "matching" | "any";
  readonly stripTrailingDot: boolean;
  readonly underscores: "allow" | "reject" | "drop";
  /** generate_request_id: true only where it is written; x-request-id is added where it is absent. */
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly requestIdInResponse: boolean;
  /** server_name: "" = the upstream's server header passes as it is (unlike Envoy, which writes its own name). */
  readonly serverName: string;
  readonly serverHeader: "overwrite" | "append_if_absent" | "pass_through";
  readonly via: string;
  /** use_remote_address where it is written: append the client's address to x-forwarded-for. */
  readonly appendForwardedFor: boolean;
  readonly proxy100Continue: boolean;
  readonly addUserAgent: boolean;
  readonly statPrefix: string;
}

/** envoy.extensions.filters.http.fault.v3.HTTPFault */
export interface FaultConfig {
  readonly type: "fault";
  readonly delay:
    | { readonly by: "fixed"; readonly ms: number; readonly fraction: Fraction }
    /** x-envoy-fault-delay-request (ms), x-envoy-fault-delay-request-percentage */
    | { readonly by: "header"; readonly fraction: Fraction }
    | undefined;
  readonly abort:
    | { readonly by: "status"; readonly status: number; readonly fraction: Fraction }
    | { readonly by: "grpc"; readonly status: number; readonly fraction: Fraction }
    /** x-envoy-fault-abort-request, …-percentage */
    | { readonly by: "header"; readonly fraction: Fraction }
    | undefined;
  readonly headers: readonly HeaderMatcher[];
  /** Only requests to this cluster; "" = all. */
  readonly upstreamCluster: string;
  readonly downstreamNodes: readonly string[];
  readonly maxActive: number | undefined;
}

/** envoy.extensions.filters.http.cors.v3.CorsPolicy. What a route's leaves open ("", undefined, no origins), the virtual host's says. */
export interface CorsConfig {
  readonly type: "cors_policy";
  readonly allowOrigins: readonly StringMatcher[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  /** false where nobody says it. */
  readonly allowCredentials: boolean | undefined;
  /** true where nobody says it. */
  readonly forwardNotMatchingPreflights: boolean | undefined;
  readonly filterEnabled: Fraction | undefined;
  readonly shadowEnabled: Fraction | undefined;
}

/** The attributes of envoy.config.rbac.v3 that exist at the client's side. */
export type RbacRule =
  | { readonly rule: "any" }
  | { readonly rule: "and" | "or"; readonly rules: readonly RbacRule[] }
  | { readonly rule: "not"; readonly of: RbacRule }
  | { readonly rule: "header"; readonly header: HeaderMatcher }
  /** The path without query. */
  | { readonly rule: "path"; readonly path: StringMatcher }
  | { readonly rule: "destination_ip" | "source_ip"; readonly prefix: Prefix }
  | { readonly rule: "destination_port"; readonly start: number /** Exclusive. */; readonly end: number };

export interface RbacConfig {
  readonly type: "rbac";
  /** undefined: the filter does nothing. */
  readonly rules:
    | {
        readonly action: "allow" | "deny" | "log";
        /** By name, in the order of their names. One policy matches where its permissions and its principals do. */
        readonly policies: readonly {
          readonly name: string;
          readonly permission: RbacRule;
          readonly principal: RbacRule;
        }[];
      }
    | undefined;
}

/** envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit: one bucket for all connections and workers. */
export interface LocalRateLimitConfig {
  readonly type: "local_rate_limit";
  readonly bucket:
    | { readonly maxTokens: number; readonly tokensPerFill: number; readonly fillIntervalMs: number }
    | undefined;
  readonly enabled: Fraction;
  readonly enforced: Fraction;
  /** 429 where unset. */
  readonly status: number;
  readonly responseHeaders: HeaderMutations;
  /** request_headers_to_add_when_not_enforced */
  readonly requestHeaders: HeaderMutations;
  readonly statPrefix: string;
}

/** stateful_session with cookie-based session state: the endpoint's address, base64 in the cookie. */
export interface StatefulSessionConfig {
  readonly type: "stateful_session";
  readonly cookie: { readonly name: string; readonly ttlSeconds: number; readonly path: string } | undefined;
  readonly strict: boolean;
}

/** envoy.extensions.filters.http.buffer.v3.Buffer: the whole request is read first; 413 above the limit. */
export interface BufferConfig {
  readonly type: "buffer";
  readonly maxBytes: number;
}

export type FilterConfig =
  | FaultConfig
  /** The filter in the chain has no settings: policies stand on virtual hosts and routes. */
  | { readonly type: "cors" }
  | CorsConfig
  | RbacConfig
  | LocalRateLimitConfig
  | StatefulSessionConfig
  | BufferConfig
  | { readonly type: "disabled" };

/** typed_per_filter_config by the filter's name. The most specific level wins: weighted cluster, route, virtual host, configuration. */
export type FilterOverrides = Readonly<Record<string, FilterConfig>>;

/** The chain in front of the router, in order. */
export interface HttpFilter {
  readonly name: string;
  /** Runs only where an override enables it. */
  readonly disabled: boolean;
  readonly config: FilterConfig;
}
