// Mesh files with HTTP settings that Envoy takes and kmesh-edge refuses, because it couldn't do what they ask for: each with the
// field that must be named.
import { bootstrap, type Json } from "../mesh.ts";
import { httpFilter, type Placed, resourcesOf } from "./config.ts";
import type { HttpDifferenceId } from "./differences.ts";
import type { Setting } from "./scenario.ts";

export interface RefusedFile {
  readonly name: string;
  readonly difference: HttpDifferenceId;
  readonly text: string;
  /** The field's path ends with this. */
  readonly field: string;
}

const typeBase = "type.googleapis.com/envoy";
const toA: Json = { match: { prefix: "/" }, route: { cluster: "@a" } };

type Rest = Omit<Setting, "name" | "cases">;

function file(name: string, difference: HttpDifferenceId, field: string, rest: Rest): RefusedFile {
  const setting: Setting = { name, cases: [], ...(rest.routes || rest.hosts ? {} : { routes: [toA] }), ...rest };
  const placed: Placed = { id: "f", vip: "127.96.1.1", prefix: "127.1.1.", setting, cases: [] };
  const { listeners, clusters } = resourcesOf(placed);
  return { name, difference, field, text: bootstrap(listeners, clusters) };
}

const routed = (route: Json, match: Json = { prefix: "/" }): Rest => ({
  routes: [{ match, route: { cluster: "@a", ...route } }],
});
const adding = (value: string): Rest => ({
  routes: [{ ...toA, request_headers_to_add: [{ header: { key: "x-a", value } }] }],
});

export const refusedFiles: readonly RefusedFile[] = [
  file("a filter that asks a service", "filters-with-services", "http_filters[0]", {
    filters: [
      httpFilter("ext_authz", "ext_authz.v3.ExtAuthz", {
        http_service: { server_uri: { uri: "http://127.0.0.1", cluster: "@a", timeout: "1s" } },
      }),
    ],
  }),
  file("a filter with code", "filters-with-services", "http_filters[0]", {
    filters: [httpFilter("lua", "lua.v3.Lua", { default_source_code: { inline_string: "" } })],
  }),
  file("a filter that changes bodies", "filters-with-services", "http_filters[0]", {
    filters: [
      httpFilter("compressor", "compressor.v3.Compressor", {
        compressor_library: {
          name: "gzip",
          typed_config: { "@type": `${typeBase}.extensions.compression.gzip.compressor.v3.Gzip` },
        },
      }),
    ],
  }),
  file(
    "rate limits of a service",
    "filters-with-services",
    "rate_limits",
    routed({ rate_limits: [{ actions: [{ remote_address: {} }] }] }),
  ),
  file("rate limit descriptors", "rate-limit-descriptors", "descriptors", {
    filters: [
      httpFilter("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", {
        stat_prefix: "l",
        token_bucket: { max_tokens: 10, tokens_per_fill: 10, fill_interval: "60s" },
        descriptors: [
          {
            entries: [{ key: "k", value: "v" }],
            token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "60s" },
          },
        ],
      }),
    ],
  }),
  file("routes by metadata", "request-metadata", "dynamic_metadata", {
    routes: [
      {
        match: {
          prefix: "/",
          dynamic_metadata: [{ filter: "f", path: [{ key: "k" }], value: { string_match: { exact: "v" } } }],
        },
        route: { cluster: "@a" },
      },
    ],
  }),
  file(
    "a hash of filter state",
    "request-metadata",
    "filter_state",
    routed({ hash_policy: [{ filter_state: { key: "k" } }] }),
  ),
  file("a header of metadata", "request-metadata", "value", adding("%DYNAMIC_METADATA(f:k)%")),
  file("a header of the certificate", "request-metadata", "value", adding("%DOWNSTREAM_PEER_SUBJECT%")),
  file("rbac by certificate", "request-metadata", "authenticated", {
    filters: [
      httpFilter("rbac", "rbac.v3.RBAC", {
        rules: {
          action: "ALLOW",
          policies: { p: { permissions: [{ any: true }], principals: [{ authenticated: {} }] } },
        },
      }),
    ],
  }),
  file("hedging", "hedging", "hedge_policy", routed({ hedge_policy: { hedge_on_per_try_timeout: true } })),
  file("answers of one's own wording", "local-replies", "local_reply_config", {
    manager: { local_reply_config: { body_format: { text_format_source: { inline_string: "no" } } } },
  }),
  file("the end of a CONNECT tunnel", "connect-termination", "connect_config", {
    ...routed({ upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: {} }] }, { connect_matcher: {} }),
  }),
  file("a host for HTTP/1.0", "default-host", "default_host_for_http_10", {
    manager: { http_protocol_options: { accept_http_10: true, default_host_for_http_10: "h" } },
  }),
];
