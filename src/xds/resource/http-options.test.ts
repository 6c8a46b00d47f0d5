import { describe, expect, test } from "bun:test";
import { defaultHttpOptions } from "../../model/http.fixture.ts";
import type { HttpOptions } from "../../model/http.ts";
import { modelOf } from "./testdata/decode-yaml.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";

function optionsOf(fields: string): HttpOptions | undefined {
  const manager = `{ name: h, typed_config: { "@type": ${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: s, rds: { route_config_name: r, config_source: { ads: {} } }, http_filters: [{ name: r, typed_config: { "@type": ${FILTERS}.http.router.v3.Router } }], ${fields} } }`;
  const { filterChains } = modelOf(
    "listener",
    `name: l\naddress: { socket_address: { address: 127.96.0.1, port_value: 80 } }\nfilter_chains: [{ filters: [${manager}] }]`,
  );
  const filter = filterChains[0]?.filter;
  return filter?.type === "http_connection_manager" ? filter.options : undefined;
}

const timeouts = (some: Partial<HttpOptions["timeouts"]>): Partial<HttpOptions> => ({
  timeouts: { ...defaultHttpOptions.timeouts, ...some },
});
const common = (fields: string): string => `common_http_protocol_options: { ${fields} }`;

describe("what a connection manager's fields become; the others have Envoy's defaults", () => {
  const cases: readonly [fields: string, expected: Partial<HttpOptions>][] = [
    ["", {}],
    ["stream_idle_timeout: 0s", timeouts({ streamIdleMs: 0 })],
    ["request_timeout: 5s", timeouts({ requestMs: 5000 })],
    ["request_headers_timeout: 0.5s", timeouts({ requestHeadersMs: 500 })],
    [common("idle_timeout: 0s"), timeouts({ connectionIdleMs: 0 })],
    [
      common("max_connection_duration: 2s, max_stream_duration: 3s"),
      timeouts({ maxConnectionMs: 2000, maxStreamMs: 3000 }),
    ],
    [common("max_headers_count: 7, max_requests_per_connection: 9"), { maxHeaders: 7, maxRequestsPerConnection: 9 }],
    [common("headers_with_underscores_action: REJECT_REQUEST"), { underscores: "reject" }],
    [common("headers_with_underscores_action: DROP_HEADER"), { underscores: "drop" }],
    ["max_request_headers_kb: 1", { maxHeadBytes: 1024 }],
    [
      "http_protocol_options: { accept_http_10: true, allow_absolute_url: false, header_key_format: { proper_case_words: {} } }",
      { acceptHttp10: true, allowAbsoluteUrl: false },
    ],
    [
      "upgrade_configs: [{ upgrade_type: WebSocket }, { upgrade_type: CONNECT, enabled: true }, { upgrade_type: x, enabled: false }]",
      { upgrades: ["websocket", "connect"] },
    ],
    ["normalize_path: true, merge_slashes: true", { normalizePath: true, mergeSlashes: true }],
    ["path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT", { escapedSlashes: "unescape_and_redirect" }],
    ["path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD", { escapedSlashes: "unescape_and_forward" }],
    ["path_with_escaped_slashes_action: REJECT_REQUEST", { escapedSlashes: "reject" }],
    ["strip_matching_host_port: true", { stripPort: "matching" }],
    ["strip_any_host_port: true, strip_trailing_host_dot: true", { stripPort: "any", stripTrailingDot: true }],
    ["strip_any_host_port: false", {}],
    [
      "generate_request_id: true, preserve_external_request_id: true, always_set_request_id_in_response: true",
      { generateRequestId: true, preserveExternalRequestId: true, requestIdInResponse: true },
    ],
    [
      "server_name: me, server_header_transformation: APPEND_IF_ABSENT, via: v",
      { serverName: "me", serverHeader: "append_if_absent", via: "v" },
    ],
    ["server_header_transformation: PASS_THROUGH", { serverHeader: "pass_through" }],
    ["use_remote_address: true", { appendForwardedFor: true }],
    ["use_remote_address: true, skip_xff_append: true", {}],
    ["proxy_100_continue: true, add_user_agent: true", { proxy100Continue: true, addUserAgent: true }],
  ];
  test.each([...cases])("%s", (fields, expected) => {
    expect(optionsOf(fields)).toEqual({ ...defaultHttpOptions, ...expected });
  });
});
