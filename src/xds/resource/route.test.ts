import { describe, expect, test } from "bun:test";
import type { RouteConfiguration } from "../../model/route.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";
import { configuration, forwarding, host, route, routesOf, weighted } from "./testdata/route-yaml.ts";

const needsOf = (yaml: string): string[] => routesOf(yaml)[0]?.needs.map(({ path }) => path) ?? [];

const PREVIOUS_HOSTS =
  'retry_host_predicate: [{ name: p, typed_config: { "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate } }]';
const implicitRetry = (more = "num_retries: 2"): string =>
  `retry_policy: { retry_on: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", retriable_status_codes: [503], host_selection_retry_max_attempts: 5, ${PREVIOUS_HOSTS}, ${more} }`;
const fault = (more: string): string =>
  `typed_per_filter_config: { f: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, ${more} } }`;

describe("what a route needs a per-request engine for", () => {
  const cases: readonly [name: string, route: string, ...needs: string[]][] = [
    ["nothing", route(forwarding(""))],
    ["no timeout", route(forwarding("timeout: 0s"))],
    ["a timeout", route(forwarding("timeout: 3s")), "route.timeout"],
    ["an idle timeout", route(forwarding("idle_timeout: 3s")), "route.idle_timeout"],
    [
      "a stream duration",
      route(forwarding("max_stream_duration: { max_stream_duration: 1s }")),
      "route.max_stream_duration.max_stream_duration",
    ],
    ["Istio's implicit retries", route(forwarding(implicitRetry()))],
    ["no retries", route(forwarding("retry_policy: { retry_on: 5xx, num_retries: 0 }"))],
    [
      "other conditions",
      route(forwarding("retry_policy: { retry_on: 5xx, num_retries: 2 }")),
      "route.retry_policy.retry_on",
    ],
    ["another number", route(forwarding(implicitRetry("num_retries: 3"))), "route.retry_policy.num_retries"],
    [
      "a timeout per try",
      route(forwarding(implicitRetry("num_retries: 2, per_try_timeout: 1s"))),
      "route.retry_policy.per_try_timeout",
    ],
    ["prefix rewrite", route(forwarding("prefix_rewrite: /x")), "route.prefix_rewrite"],
    ["host rewrite", route(forwarding("host_rewrite_literal: x")), "route.host_rewrite_literal"],
    ["automatic host rewrite", route(forwarding("auto_host_rewrite: true")), "route.auto_host_rewrite"],
    ["no automatic host rewrite", route(forwarding("auto_host_rewrite: false"))],
    ["mirror", route(forwarding("request_mirror_policies: [{ cluster: m }]")), "route.request_mirror_policies"],
    ["hash", route(forwarding("hash_policy: [{ header: { header_name: x } }]")), "route.hash_policy"],
    [
      "a refused upgrade",
      route(forwarding("upgrade_configs: [{ upgrade_type: websocket, enabled: false }]")),
      "route.upgrade_configs[0].enabled",
    ],
    ["an upgrade", route(forwarding("upgrade_configs: [{ upgrade_type: websocket }]"))],
    ["an internal redirect", route(forwarding("internal_redirect_policy: {}")), "route.internal_redirect_policy"],
    ["priority", route(forwarding("priority: HIGH")), "route.priority"],
    ["a cluster by header", route("route: { cluster_header: x }"), "route.cluster_header"],
    [
      "a back-off",
      route(forwarding(implicitRetry("num_retries: 2, retry_back_off: { base_interval: 1s }"))),
      "route.retry_policy.retry_back_off",
    ],
    ["redirect", route("redirect: {}"), "redirect"],
    ["direct response", route("direct_response: { status: 200 }"), "direct_response"],
    ["conditions of the match", route(forwarding(""), "path: /a, headers: [{ name: x }]")],
    [
      "header mutation",
      route(forwarding(""), "prefix: /", "request_headers_to_remove: [x]"),
      "request_headers_to_remove",
    ],
    [
      "a fault",
      route(forwarding(""), "prefix: /", fault("abort: { http_status: 500, percentage: { numerator: 1 } }")),
      'typed_per_filter_config["f"]',
    ],
    ["an empty fault", route(forwarding(""), "prefix: /", fault(""))],
    [
      "header mutation of one weighted cluster",
      route("route: { weighted_clusters: { clusters: [{ name: a, weight: 1, request_headers_to_remove: [x] }] } }"),
      "route.weighted_clusters.clusters[0].request_headers_to_remove",
    ],
  ];
  test.each([...cases])("%s", (_, yaml, ...needs) => {
    expect(needsOf(yaml)).toEqual(needs);
  });
});

describe("needs of virtual hosts and of the whole configuration stay with them", () => {
  const cases: readonly [yaml: string, expected: Partial<RouteConfiguration>][] = [
    [
      configuration(host(route(forwarding("")), "require_tls: ALL,")),
      { needs: [], virtualHosts: [{ needs: [{ path: "require_tls" }] }] as never },
    ],
    [
      configuration(host(route(forwarding("")), "include_request_attempt_count: true,")),
      { virtualHosts: [{ needs: [] }] as never },
    ],
    [
      `${configuration(host(route(forwarding(""))))}\nresponse_headers_to_remove: [x]`,
      { needs: [{ path: "response_headers_to_remove", reason: "changes headers" }] },
    ],
  ];
  test.each([...cases])("%s", (yaml, expected) => {
    expect(modelOf("route", yaml)).toMatchObject(expected);
  });
});

test("retries to other priorities are retries all the same, and a finding", () => {
  const policy = "retry_policy: { retry_on: 5xx, retry_priority: { name: p } }";
  const { findings } = modelOf("route", configuration(host(route(forwarding(policy)))));
  expect(findings).toContainEqual({
    severity: "degraded",
    path: "virtual_hosts[0].routes[0].route.retry_policy.retry_priority",
    reason: "retries choose by the same priorities as requests",
  });
});

test("what is implicit is one finding, however many routes there are", () => {
  const { findings } = modelOf("route", configuration(host([1, 2, 3].map(() => route(forwarding(""))).join(", "))));
  expect(findings).toEqual([
    {
      severity: "ignored",
      path: "virtual_hosts[0].routes[0].route.timeout",
      reason: "is unset: Envoy's implicit 15 s apply only where requests are relayed (and at 2 more places)",
    },
  ]);
});

const refusedActions: readonly [action: string, path: string, reason: string][] = [
  ["filter_action: {}", "filter_action", "no filter answers in the place of an upstream"],
  ["redirect: { scheme_redirect: ftp }", "redirect.scheme_redirect", "must be http or https"],
  ["redirect: { port_redirect: 65536 }", "redirect.port_redirect", "must be at most 65535"],
  ["redirect: { response_code: 9 }", "redirect.response_code", "9 is no RedirectResponseCode"],
  ["direct_response: { status: 199 }", "direct_response.status", "must be at least 200"],
  ["direct_response: { status: 600 }", "direct_response.status", "must be less than 600"],
  [
    "direct_response: { status: 200, body: { filename: /x } }",
    "direct_response.body.filename",
    "files aren't read: use inline_string or inline_bytes",
  ],
  [
    weighted("{ name: a, cluster_header: b, weight: 1 }"),
    "route.weighted_clusters.clusters[0]",
    "must have either name or cluster_header",
  ],
  [
    "route: { cluster_specifier_plugin: p }",
    "route.cluster_specifier_plugin",
    "clusters aren't chosen by extensions: use cluster, weighted_clusters or cluster_header",
  ],
];

const refusedFields: readonly [field: string, problem: string][] = [
  [
    "prefix_rewrite: /a, regex_rewrite: { pattern: { regex: a } }",
    "regex_rewrite: must not be set beside prefix_rewrite",
  ],
  [
    "regex_rewrite: { pattern: { regex: a }, substitution: '\\1' }",
    "regex_rewrite.substitution: \\1 is no group: the pattern has 0",
  ],
  [
    "regex_rewrite: { pattern: { regex: a }, substitution: 'x\\' }",
    "regex_rewrite.substitution: must have a digit or a backslash after each backslash",
  ],
  ["hedge_policy: {}", "hedge_policy: requests aren't hedged"],
  ["timeout: -1s", "timeout: must not be negative, and less than 285,000 years"],
  [
    "rate_limits: [{ actions: [{ remote_address: {} }] }]",
    "rate_limits: no rate limit service is asked: use the local_ratelimit filter",
  ],
  [
    "cors: {}",
    "cors: is deprecated: use typed_per_filter_config with envoy.extensions.filters.http.cors.v3.CorsPolicy",
  ],
  [
    "request_mirror_policies: [{ cluster: a, cluster_header: b }]",
    "request_mirror_policies[0]: must have either cluster or cluster_header",
  ],
  ["request_mirror_policies: [{}]", "request_mirror_policies[0].cluster: must be set"],
  ["upgrade_configs: [{ upgrade_type: a }, { upgrade_type: A }]", "upgrade_configs[1]: has the type of another one"],
  [
    "upgrade_configs: [{ upgrade_type: CONNECT, connect_config: {} }]",
    "upgrade_configs[0].connect_config: CONNECT is passed to the upstream, not ended here",
  ],
  [
    "hash_policy: [{ filter_state: { key: k } }]",
    "hash_policy[0].filter_state: requests carry no metadata and no filter state that could be matched",
  ],
  [
    "retry_policy: { retry_host_predicate: [{ name: envoy.retry_host_predicates.omit_canary_hosts }] }",
    "retry_policy.retry_host_predicate[0]: isn't supported: only previous_hosts is",
  ],
  [
    "retry_policy: { retry_back_off: { base_interval: 2s, max_interval: 1s } }",
    "retry_policy.retry_back_off.max_interval: must not be less than base_interval",
  ],
  [
    "retry_policy: { retriable_headers: [{ name: a, safe_regex_match: { regex: '[' } }] }",
    "retry_policy.retriable_headers[0].safe_regex_match.regex: is no RE2 regular expression: error parsing regexp: missing closing ]: `[`",
  ],
  [
    "internal_redirect_policy: { predicates: [{ name: x, typed_config: { '@type': type.googleapis.com/google.protobuf.Duration, value: 1s } }] }",
    "internal_redirect_policy.predicates: redirects aren't judged by extensions",
  ],
];

describe("what is refused, and where", () => {
  const first = "virtual_hosts[0].routes[0]";
  const cases: readonly [yaml: string, ...problems: string[]][] = [
    [configuration(host("{ match: { prefix: / } }")), `${first}.action: one of its fields must be set`],
    [configuration(host("{ route: { cluster: c } }")), `${first}.match: must be set`],
    [configuration(host(route("route: {}"))), `${first}.route.cluster_specifier: one of its fields must be set`],
    [
      configuration(host(route("route: { weighted_clusters: { clusters: [{ name: a, weight: 0 }] } }"))),
      `${first}.route.weighted_clusters.clusters: the sum of the weights must be greater than 0`,
    ],
    [
      configuration(host(route("route: { weighted_clusters: { clusters: [{ name: a }] } }"))),
      `${first}.route.weighted_clusters.clusters[0].weight: must be set`,
      `${first}.route.weighted_clusters.clusters: the sum of the weights must be greater than 0`,
    ],
    [
      configuration("{ name: a, domains: [x, A] }, { name: b, domains: [a, X] }"),
      'virtual_hosts[1].domains[0]: "a" is taken by virtual_hosts[0].domains[1]',
      'virtual_hosts[1].domains[1]: "X" is taken by virtual_hosts[0].domains[0]',
    ],
    [configuration("{ name: a }"), "virtual_hosts[0].domains: must not be empty"],
    ...refusedActions.map(([action, path, reason]): [string, string] => [
      configuration(host(route(action))),
      `${first}.${path}: ${reason}`,
    ]),
    ...refusedFields.map(([field, reason]): [string, string] => [
      configuration(host(route(forwarding(field)))),
      `${first}.route.${reason}`,
    ]),
    [
      configuration(
        host(
          route(
            forwarding(""),
            "prefix: /",
            "request_headers_to_add: [{ header: { key: Host, value: x } }, { header: { key: a, value: '%NOPE%' } }]",
          ),
        ),
      ),
      `${first}.request_headers_to_add[0].header.key: pseudo-headers and host can't be added or changed: use a rewrite`,
      `${first}.request_headers_to_add[1].header.value: "%NOPE%" isn't supported`,
    ],
    [
      configuration(host(route(forwarding(""), "prefix: /", "response_headers_to_remove: [':status']"))),
      `${first}.response_headers_to_remove[0]: pseudo-headers and host can't be removed`,
    ],
    [
      configuration(
        host(
          route(
            forwarding(""),
            "prefix: /",
            "request_headers_to_add: [{ header: { key: a, value: b }, append: true, append_action: ADD_IF_ABSENT }]",
          ),
        ),
      ),
      `${first}.request_headers_to_add[0].append: must not be set beside append_action`,
    ],
    [
      configuration(host(route(`direct_response: { status: 200, body: { inline_string: ${"x".repeat(4097)} } }`))),
      `${first}.direct_response.body: has 4097 bytes: more than max_direct_response_body_size_bytes of the route configuration (4096)`,
    ],
    [
      configuration(host(route("non_forwarding_action: {}"))),
      `${first}.non_forwarding_action: is for servers, not for a mesh of clients`,
    ],
  ];
  test.each([...cases])("%s", (yaml, ...problems) => {
    expect(rejectionsOf("route", yaml)).toEqual(problems);
  });
});
