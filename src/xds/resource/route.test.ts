import { describe, expect, test } from "bun:test";
import type { Route, RouteConfiguration } from "../../model/route.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const configuration = (hosts: string): string => `name: r\nvirtual_hosts: [${hosts}]`;
const host = (routes: string, more = ""): string => `{ name: v, domains: ['*'], ${more} routes: [${routes}] }`;
const route = (action: string, match = "prefix: /", more = ""): string => `{ match: { ${match} }, ${action}, ${more} }`;
const forward = (more: string): string => `route: { cluster: c, ${more} }`;

const routesOf = (yaml: string): readonly Route[] =>
  modelOf("route", configuration(host(yaml))).virtualHosts[0]?.routes ?? [];
const needsOf = (yaml: string): string[] => routesOf(yaml)[0]?.needs.map(({ path }) => path) ?? [];

describe("which matches take everything", () => {
  const cases: readonly [match: string, expected: boolean][] = [
    ["prefix: /", true],
    ["prefix: ''", true],
    ["prefix: /, case_sensitive: false", true],
    ["prefix: /a", false],
    ["path: /", false],
    ["safe_regex: { regex: '.*' }", false],
    ["connect_matcher: {}", false],
    ["path_separated_prefix: /a", false],
    ["prefix: /, headers: [{ name: x }]", false],
    ["prefix: /, query_parameters: [{ name: x }]", false],
    ["prefix: /, grpc: {}", false],
    ["prefix: /, runtime_fraction: { default_value: { numerator: 50 } }", false],
    ["prefix: /, tls_context: {}", false],
  ];
  test.each([...cases])("%s: %p", (match, expected) => {
    expect(routesOf(route(forward(""), match))[0]?.matchesEverything).toBe(expected);
  });
});

describe("what an action becomes", () => {
  const cases: readonly [action: string, expected: Route["action"]][] = [
    ["route: { cluster: c }", { type: "cluster", cluster: "c" }],
    [
      "route: { weighted_clusters: { clusters: [{ name: a, weight: 90 }, { name: b, weight: 0 }], total_weight: 100 } }",
      {
        type: "weighted_clusters",
        clusters: [
          { cluster: "a", weight: 90 },
          { cluster: "b", weight: 0 },
        ],
      },
    ],
    ["route: { cluster_header: x }", { type: "other", what: "cluster_header" }],
    ["redirect: { path_redirect: /x }", { type: "other", what: "redirect" }],
    ["direct_response: { status: 200 }", { type: "other", what: "direct_response" }],
  ];
  test.each([...cases])("%s", (action, expected) => {
    expect(routesOf(route(action))[0]?.action).toEqual(expected);
  });
});

const PREVIOUS_HOSTS =
  'retry_host_predicate: [{ name: p, typed_config: { "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate } }]';
const implicitRetry = (more = "num_retries: 2"): string =>
  `retry_policy: { retry_on: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", retriable_status_codes: [503], host_selection_retry_max_attempts: 5, ${PREVIOUS_HOSTS}, ${more} }`;
const fault = (more: string): string =>
  `typed_per_filter_config: { f: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, ${more} } }`;

describe("what a route needs a per-request engine for", () => {
  const cases: readonly [name: string, route: string, ...needs: string[]][] = [
    ["nothing", route(forward(""))],
    ["no timeout", route(forward("timeout: 0s"))],
    ["a timeout", route(forward("timeout: 3s")), "route.timeout"],
    ["an idle timeout", route(forward("idle_timeout: 3s")), "route.idle_timeout"],
    [
      "a stream duration",
      route(forward("max_stream_duration: { max_stream_duration: 1s }")),
      "route.max_stream_duration.max_stream_duration",
    ],
    ["Istio's implicit retries", route(forward(implicitRetry()))],
    ["no retries", route(forward("retry_policy: { retry_on: 5xx, num_retries: 0 }"))],
    [
      "other conditions",
      route(forward("retry_policy: { retry_on: 5xx, num_retries: 2 }")),
      "route.retry_policy.retry_on",
    ],
    ["another number", route(forward(implicitRetry("num_retries: 3"))), "route.retry_policy.num_retries"],
    [
      "a timeout per try",
      route(forward(implicitRetry("num_retries: 2, per_try_timeout: 1s"))),
      "route.retry_policy.per_try_timeout",
    ],
    ["prefix rewrite", route(forward("prefix_rewrite: /x")), "route.prefix_rewrite"],
    ["host rewrite", route(forward("host_rewrite_literal: x")), "route.host_rewrite_literal"],
    ["automatic host rewrite", route(forward("auto_host_rewrite: true")), "route.auto_host_rewrite"],
    ["no automatic host rewrite", route(forward("auto_host_rewrite: false"))],
    ["mirror", route(forward("request_mirror_policies: [{ cluster: m }]")), "route.request_mirror_policies"],
    ["hash", route(forward("hash_policy: [{ header: { header_name: x } }]")), "route.hash_policy"],
    ["redirect", route("redirect: {}"), "redirect"],
    ["header mutation", route(forward(""), "prefix: /", "request_headers_to_remove: [x]"), "request_headers_to_remove"],
    [
      "a fault",
      route(forward(""), "prefix: /", fault("abort: { http_status: 500, percentage: { numerator: 1 } }")),
      'typed_per_filter_config["f"]',
    ],
    ["an empty fault", route(forward(""), "prefix: /", fault(""))],
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
      configuration(host(route(forward("")), "require_tls: ALL,")),
      { needs: [], virtualHosts: [{ needs: [{ path: "require_tls" }] }] as never },
    ],
    [
      configuration(host(route(forward("")), "include_request_attempt_count: true,")),
      { virtualHosts: [{ needs: [] }] as never },
    ],
    [
      `${configuration(host(route(forward(""))))}\nresponse_headers_to_remove: [x]`,
      { needs: [{ path: "response_headers_to_remove", reason: "changes headers" }] },
    ],
  ];
  test.each([...cases])("%s", (yaml, expected) => {
    expect(modelOf("route", yaml)).toMatchObject(expected);
  });
});

test("what is implicit is one finding, however many routes there are", () => {
  const { findings } = modelOf("route", configuration(host([1, 2, 3].map(() => route(forward(""))).join(", "))));
  expect(findings).toEqual([
    {
      severity: "ignored",
      path: "virtual_hosts[0].routes[0].route.timeout",
      reason: "is unset: Envoy's implicit 15 s don't apply (and at 2 more places)",
    },
  ]);
});

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
    [
      configuration(host(route("non_forwarding_action: {}"))),
      `${first}.non_forwarding_action: is for servers, not for a mesh of clients`,
    ],
  ];
  test.each([...cases])("%s", (yaml, ...problems) => {
    expect(rejectionsOf("route", yaml)).toEqual(problems);
  });
});
