import { describe, expect, test } from "bun:test";
import { noMutations } from "../../model/headers.ts";
import { forward, toCluster } from "../../model/http.fixture.ts";
import type { Destination, ForwardAction, Route } from "../../model/route.ts";
import { modelOf } from "./testdata/decode-yaml.ts";
import { configuration, forwarding, host, route, routesOf, weighted } from "./testdata/route-yaml.ts";

describe("where a route sends", () => {
  const entry = {
    clusterHeader: undefined,
    requestHeaders: noMutations,
    responseHeaders: noMutations,
    hostRewrite: undefined,
    filters: {},
  };
  const both = [
    { ...entry, cluster: "a", weight: 90 },
    { ...entry, cluster: "b", weight: 0 },
  ];
  const plain = { randomHeader: undefined, useHashPolicy: false };
  const cases: readonly [action: string, expected: Destination][] = [
    ["route: { cluster: c }", toCluster("c")],
    [
      weighted("{ name: a, weight: 90 }, { name: b, weight: 0 }", "total_weight: 100"),
      { type: "weighted_clusters", clusters: both, ...plain },
    ],
    [
      weighted("{ name: a, weight: 90 }, { name: b, weight: 0 }", "header_name: X-Random"),
      { type: "weighted_clusters", clusters: both, ...plain, randomHeader: "x-random" },
    ],
    [
      weighted("{ name: a, weight: 90 }, { name: b, weight: 0 }", "use_hash_policy: true"),
      { type: "weighted_clusters", clusters: both, ...plain, useHashPolicy: true },
    ],
    [
      weighted("{ cluster_header: X-C, weight: 1, host_rewrite_literal: h, response_headers_to_remove: [X-Y] }"),
      {
        type: "weighted_clusters",
        clusters: [
          {
            ...entry,
            cluster: "",
            weight: 1,
            clusterHeader: "x-c",
            hostRewrite: "h",
            responseHeaders: { remove: ["x-y"], add: [] },
          },
        ],
        ...plain,
      },
    ],
    ["route: { cluster_header: X-Cluster }", { type: "cluster_header", header: "x-cluster" }],
  ];
  test.each([...cases])("%s", (action, destination) => {
    expect(routesOf(route(action))[0]?.action).toEqual(forward(destination));
  });
});

describe("what a route does on the way", () => {
  const cases: readonly [fields: string, expected: Partial<ForwardAction>][] = [
    ["cluster_not_found_response_code: NOT_FOUND", { notFoundStatus: 404 }],
    ["cluster_not_found_response_code: INTERNAL_SERVER_ERROR", { notFoundStatus: 500 }],
    ["prefix_rewrite: /x", { pathRewrite: { type: "prefix", value: "/x" } }],
    [
      "regex_rewrite: { pattern: { regex: '^/(.+)$' }, substitution: '/x/\\1\\\\' }",
      { pathRewrite: { type: "regex", rewrite: { pattern: "^/(.+)$", substitution: "/x/\\1\\\\" } } },
    ],
    ["host_rewrite_literal: h", { hostRewrite: { type: "literal", value: "h" } }],
    ["host_rewrite_header: X-H", { hostRewrite: { type: "header", header: "x-h" } }],
    ["auto_host_rewrite: true", { hostRewrite: { type: "endpoint" } }],
    ["auto_host_rewrite: false", {}],
    [
      "host_rewrite_path_regex: { pattern: { regex: '^/([a-z]+)' }, substitution: '\\1.example' }",
      { hostRewrite: { type: "path_regex", rewrite: { pattern: "^/([a-z]+)", substitution: "\\1.example" } } },
    ],
    ["append_x_forwarded_host: true", { appendForwardedHost: true }],
    ["timeout: 0s", { timeoutMs: 0 }],
    ["timeout: 1.5s", { timeoutMs: 1500 }],
    // As Envoy: what is less than a millisecond is cut off.
    ["timeout: 0.0019s", { timeoutMs: 1 }],
    ["idle_timeout: 0s", { idleTimeoutMs: 0 }],
    ["max_stream_duration: { max_stream_duration: 1s }", { maxStreamDurationMs: 1000 }],
    ["max_stream_duration: { grpc_timeout_header_max: 0s }", { grpcTimeoutHeaderMaxMs: 0 }],
    ["max_grpc_timeout: 3s", { grpcTimeoutHeaderMaxMs: 3000 }],
    ["max_grpc_timeout: 3s, max_stream_duration: {}", {}],
    ["priority: HIGH", { priority: "high" }],
    [
      "upgrade_configs: [{ upgrade_type: WebSocket }, { upgrade_type: CONNECT, enabled: false }]",
      { upgrades: { websocket: true, connect: false } },
    ],
    [
      "internal_redirect_policy: { redirect_response_codes: [301, 404, 308], allow_cross_scheme_redirect: true }",
      { internalRedirect: { maxRedirects: 1, statusCodes: [301, 308], allowCrossScheme: true } },
    ],
    [
      "internal_redirect_policy: { max_internal_redirects: 0 }",
      { internalRedirect: { maxRedirects: 0, statusCodes: [302], allowCrossScheme: false } },
    ],
    [
      "internal_redirect_action: HANDLE_INTERNAL_REDIRECT, max_internal_redirects: 3",
      { internalRedirect: { maxRedirects: 3, statusCodes: [302], allowCrossScheme: false } },
    ],
    [
      "request_mirror_policies: [{ cluster: m }, { cluster_header: X-M, runtime_fraction: { default_value: { numerator: 1 } }, disable_shadow_host_suffix_append: true, trace_sampled: true }]",
      {
        mirrors: [
          { cluster: "m", clusterHeader: "", fraction: undefined, keepHost: false },
          { cluster: "", clusterHeader: "x-m", fraction: { numerator: 1, denominator: 100 }, keepHost: true },
        ],
      },
    ],
    [
      "hash_policy: [{ header: { header_name: X-A, regex_rewrite: { pattern: { regex: a }, substitution: b } }, terminal: true }, { connection_properties: { source_ip: true } }, { connection_properties: {} }, { query_parameter: { name: q } }]",
      {
        hashPolicies: [
          { hash: "header", name: "x-a", rewrite: { pattern: "a", substitution: "b" }, terminal: true },
          { hash: "source_ip", terminal: false },
          { hash: "query_parameter", name: "q", terminal: false },
        ],
      },
    ],
    [
      "hash_policy: [{ cookie: { name: a, ttl: 1.9s, path: /, attributes: [{ name: Secure }] } }, { cookie: { name: b, ttl: 0s } }, { cookie: { name: c } }]",
      {
        hashPolicies: [
          {
            hash: "cookie",
            name: "a",
            ttlSeconds: 1,
            path: "/",
            attributes: [{ name: "Secure", value: "" }],
            terminal: false,
          },
          { hash: "cookie", name: "b", ttlSeconds: 0, path: "", attributes: [], terminal: false },
          { hash: "cookie", name: "c", ttlSeconds: undefined, path: "", attributes: [], terminal: false },
        ],
      },
    ],
  ];
  test.each([...cases])("%s", (fields, expected) => {
    expect(routesOf(route(forwarding(fields)))[0]?.action).toEqual(forward(toCluster("c"), expected));
  });
});

describe("answers without an upstream", () => {
  const redirect = {
    type: "redirect",
    status: 301,
    host: "",
    port: undefined,
    scheme: undefined,
    path: undefined,
    stripQuery: false,
  } as const;
  const cases: readonly [action: string, expected: Route["action"]][] = [
    ["redirect: {}", redirect],
    ["redirect: { https_redirect: true, response_code: FOUND }", { ...redirect, scheme: "https", status: 302 }],
    ["redirect: { https_redirect: false, response_code: SEE_OTHER }", { ...redirect, status: 303 }],
    [
      "redirect: { scheme_redirect: http, host_redirect: h, port_redirect: 8080, response_code: TEMPORARY_REDIRECT }",
      { ...redirect, scheme: "http", host: "h", port: 8080, status: 307 },
    ],
    [
      "redirect: { path_redirect: '/a?b', strip_query: true, response_code: PERMANENT_REDIRECT }",
      { ...redirect, path: { type: "literal", value: "/a?b" }, stripQuery: true, status: 308 },
    ],
    ["redirect: { path_redirect: '' }", redirect],
    ["redirect: { prefix_rewrite: /a }", { ...redirect, path: { type: "prefix", value: "/a" } }],
    [
      "redirect: { regex_rewrite: { pattern: { regex: a }, substitution: b } }",
      { ...redirect, path: { type: "regex", rewrite: { pattern: "a", substitution: "b" } } },
    ],
    ["direct_response: { status: 204 }", { type: "direct_response", status: 204, body: new Uint8Array() }],
    [
      "direct_response: { status: 200, body: { inline_string: é } }",
      { type: "direct_response", status: 200, body: new Uint8Array([0xc3, 0xa9]) },
    ],
    [
      "direct_response: { status: 200, body: { inline_bytes: AP8= } }",
      { type: "direct_response", status: 200, body: new Uint8Array([0, 255]) },
    ],
  ];
  test.each([...cases])("%s", (action, expected) => {
    expect(routesOf(route(action))[0]?.action).toEqual(expected);
  });
});

test("mirrors come from the route, else the virtual host, else the configuration", () => {
  const mirror = (cluster: string): string => `request_mirror_policies: [{ cluster: ${cluster} }]`;
  const yaml = `${configuration(
    `${host(`${route(forwarding(""))}, ${route(forwarding(mirror("route")))}`, `${mirror("host")},`)}, { name: w, domains: [w], routes: [${route(forwarding(""))}] }`,
  )}\n${mirror("configuration")}`;
  const routes = modelOf("route", yaml).virtualHosts.flatMap((it) => it.routes);
  const mirrors = routes.map(({ action }) => (action.type === "forward" ? action.mirrors[0]?.cluster : undefined));
  expect(mirrors).toEqual(["host", "route", "configuration"]);
});
