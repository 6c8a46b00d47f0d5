// Resources that set about everything that is read of HTTP: what the hostile tests break comes from here, and from a stock istiod.
import type { ResourceType } from "../../src/model/snapshot.ts";
import { encodeYaml } from "../../src/xds/resource/testdata/decode-yaml.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";

const mutations = `
  request_headers_to_add: [{ header: { key: x-a, value: "a%REQ(x-b?:path):9%%%b" }, append_action: ADD_IF_ABSENT }]
  request_headers_to_remove: [x-c]
  response_headers_to_add: [{ header: { key: x-d, value: "%START_TIME(%s)% %RESP(x)%" }, append: false }]
  response_headers_to_remove: [x-e]`;

const match = `
  safe_regex: { regex: "/(a|b)+[[:digit:]]{1,3}" }
  runtime_fraction: { default_value: { numerator: 5, denominator: MILLION }, runtime_key: k }
  headers:
  - { name: ":method", string_match: { safe_regex: { regex: "G.T" } }, invert_match: true }
  - { name: x, range_match: { start: -3, end: 9 }, treat_missing_header_as_empty: true }
  - { name: y, exact_match: "é" }
  query_parameters: [{ name: q, string_match: { contains: v, ignore_case: true } }, { name: p, present_match: true }]
  cookies: [{ name: c, string_match: { suffix: s } }]
  grpc: {}`;

const retry = `
  retry_on: "5xx,retriable-headers"
  num_retries: 3
  per_try_timeout: 1s
  retry_back_off: { base_interval: 0.1s, max_interval: 1s }
  rate_limited_retry_back_off: { reset_headers: [{ name: retry-after }] }
  retriable_headers: [{ name: x, prefix_match: a }]
  retry_host_predicate: [{ name: envoy.retry_host_predicates.previous_hosts }]`;

const rbac = `
  rules:
    action: DENY
    policies:
      p:
        permissions:
        - { and_rules: { rules: [{ header: { name: x } }, { not_rule: { url_path: { path: { prefix: /a } } } }] } }
        - { destination_port_range: { start: 1, end: 9 } }
        principals: [{ or_ids: { ids: [{ remote_ip: { address_prefix: 10.0.0.0, prefix_len: 8 } }, { any: true }] } }]`;

const fault = `
  delay: { fixed_delay: 1s, percentage: { numerator: 1 } }
  abort: { http_status: 503, percentage: { numerator: 1 } }
  headers: [{ name: x }]`;

const limit = `
  stat_prefix: s
  token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: 1s }
  filter_enabled: { default_value: { numerator: 100 } }
  response_headers_to_add: [{ header: { key: a, value: b } }]`;

const cookieState =
  "session_state: { name: c, typed_config: { '@type': type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState, cookie: { name: id, ttl: 9s, path: / } } }";

function indent(text: string, by: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(by)}`);
}

const route = `name: r
most_specific_header_mutations_wins: true
internal_only_headers: [x-i]
request_mirror_policies: [{ cluster: m, runtime_fraction: { default_value: { numerator: 1 } } }]
virtual_hosts:
- name: v
  domains: ["a.example", "*.b.example", "c.*:80"]
  require_tls: EXTERNAL_ONLY
  include_request_attempt_count: true${mutations}
  retry_policy:${indent(retry, 2)}
  typed_per_filter_config:
    fault: { "@type": "${FILTERS}.http.fault.v3.HTTPFault", abort: { grpc_status: 14 } }
    cors: { "@type": "${FILTERS}.http.cors.v3.CorsPolicy", allow_origin_string_match: [{ safe_regex: { regex: ".*" } }] }
    off: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }
  routes:
  - name: forward
    match:${indent(match, 4)}
    route:
      weighted_clusters:
        clusters:
        - { name: a, weight: 3, host_rewrite_literal: h, request_headers_to_remove: [x] }
        - { cluster_header: x-c, weight: 4294967292 }
        header_name: x-random
      regex_rewrite: { pattern: { regex: "^/(.)" }, substitution: "/\\\\1\\\\\\\\" }
      timeout: 3s
      idle_timeout: 1s
      max_stream_duration: { max_stream_duration: 9s, grpc_timeout_header_max: 0s }
      retry_policy:${indent(retry, 6)}
      hash_policy:
      - { header: { header_name: x, regex_rewrite: { pattern: { regex: a }, substitution: b } }, terminal: true }
      - { cookie: { name: c, ttl: 0s, attributes: [{ name: Secure }] } }
      - { connection_properties: { source_ip: true } }
      upgrade_configs: [{ upgrade_type: websocket, enabled: false }]
      internal_redirect_policy: { redirect_response_codes: [302, 307] }
      priority: HIGH
  - match: { path_separated_prefix: /r }
    redirect: { regex_rewrite: { pattern: { regex: "(a)" }, substitution: "\\\\1" }, scheme_redirect: https, port_redirect: 8443 }
  - match: { prefix: / }
    direct_response: { status: 418, body: { inline_bytes: AAEC } }
`;

const listener = `name: l
address: { socket_address: { address: 127.96.0.1, port_value: 80 } }
filter_chains:
- filters:
  - name: h
    typed_config:
      "@type": ${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager
      stat_prefix: s
      route_config:
        ${indent(route, 8).trimEnd()}
      common_http_protocol_options: { idle_timeout: 1s, max_headers_count: 5, headers_with_underscores_action: REJECT_REQUEST }
      http_protocol_options: { accept_http_10: true }
      upgrade_configs: [{ upgrade_type: websocket }]
      server_name: s
      use_remote_address: true
      http_filters:
      - { name: cors, typed_config: { "@type": "${FILTERS}.http.cors.v3.Cors" } }
      - name: fault
        typed_config:
          "@type": ${FILTERS}.http.fault.v3.HTTPFault${indent(fault, 8)}
      - name: rbac
        typed_config:
          "@type": ${FILTERS}.http.rbac.v3.RBAC${indent(rbac, 8)}
      - name: limit
        typed_config:
          "@type": ${FILTERS}.http.local_ratelimit.v3.LocalRateLimit${indent(limit, 8)}
      - name: session
        typed_config: { "@type": "${FILTERS}.http.stateful_session.v3.StatefulSession", ${cookieState} }
      - { name: buffer, typed_config: { "@type": "${FILTERS}.http.buffer.v3.Buffer", max_request_bytes: 9 } }
      - { name: router, typed_config: { "@type": "${FILTERS}.http.router.v3.Router" } }
`;

const cluster = `name: c
connect_timeout: 1s
circuit_breakers: { thresholds: [{ priority: HIGH, max_requests: 1, retry_budget: { budget_percent: { value: 5 } } }] }
outlier_detection: { consecutive_5xx: 1, enforcing_failure_percentage: 5, max_ejection_time: 99s }
health_checks:
- timeout: 1s
  interval: 1s
  unhealthy_threshold: 1
  healthy_threshold: 1
  http_health_check:
    path: /h
    method: HEAD
    expected_statuses: [{ start: 200, end: 300 }]
    request_headers_to_add: [{ header: { key: a, value: b } }]
- timeout: 1s
  interval: 1s
  unhealthy_threshold: 1
  healthy_threshold: 1
  tcp_health_check: { send: { text: "00ff" }, receive: [{ binary: AQID }] }
typed_extension_protocol_options:
  o:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: { http_protocol_options: {} }
    common_http_protocol_options: { max_requests_per_connection: 5, idle_timeout: 1s }
`;

export const httpSeeds: Readonly<Partial<Record<ResourceType, Uint8Array>>> = {
  listener: encodeYaml("listener", listener),
  route: encodeYaml("route", route),
  cluster: encodeYaml("cluster", cluster),
};
