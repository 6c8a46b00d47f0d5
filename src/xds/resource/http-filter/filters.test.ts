import { describe, expect, test } from "bun:test";
import { formatAddress } from "../../../ip.ts";
import { noMutations } from "../../../model/headers.ts";
import type { FilterConfig, FilterOverrides, RbacRule } from "../../../model/http.ts";
import type { Filter } from "../../../model/listener.ts";
import { decodeYaml, modelOf, rejectionsOf } from "../testdata/decode-yaml.ts";
import { configuration, forwarding, host, route, weighted } from "../testdata/route-yaml.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";
const ROUTER = `{ name: r, typed_config: { "@type": ${FILTERS}.http.router.v3.Router } }`;
const unknown = (type: string): string =>
  `{ "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/${type} }`;

const config = (type: string, fields = ""): string => `{ "@type": ${FILTERS}.http.${type}, ${fields} }`;
const inChain = (typedConfig: string, more = ""): string =>
  `name: l\naddress: { socket_address: { address: 127.96.0.1, port_value: 80 } }
filter_chains: [{ filters: [{ name: h, typed_config: { "@type": ${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: s, rds: { route_config_name: r, config_source: { ads: {} } }, http_filters: [{ name: f, typed_config: ${typedConfig}, ${more} }, ${ROUTER}] } }] }]`;
const onRoute = (typedConfig: string): string =>
  configuration(host(route(forwarding(""), "prefix: /", `typed_per_filter_config: { f: ${typedConfig} }`)));

type Manager = Extract<Filter, { type: "http_connection_manager" }>;

function managerOf(yaml: string): Manager | undefined {
  const filter = modelOf("listener", yaml).filterChains[0]?.filter;
  return filter?.type === "http_connection_manager" ? filter : undefined;
}

function overridesOf(yaml: string): FilterOverrides | undefined {
  return modelOf("route", yaml).virtualHosts[0]?.routes[0]?.filters;
}

const fault = {
  type: "fault",
  delay: undefined,
  abort: undefined,
  headers: [],
  upstreamCluster: "",
  downstreamNodes: [],
  maxActive: undefined,
} as const;
const cors = {
  type: "cors_policy",
  allowOrigins: [],
  allowMethods: "",
  allowHeaders: "",
  exposeHeaders: "",
  maxAge: "",
  allowCredentials: undefined,
  forwardNotMatchingPreflights: undefined,
  filterEnabled: undefined,
  shadowEnabled: undefined,
} as const;
const limit = {
  type: "local_rate_limit",
  bucket: undefined,
  enabled: { numerator: 0, denominator: 100 },
  enforced: { numerator: 0, denominator: 100 },
  status: 429,
  responseHeaders: noMutations,
  requestHeaders: noMutations,
  statPrefix: "s",
} as const;

const COOKIE =
  "session_state: { name: c, typed_config: { '@type': type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState, cookie: { name: id, ttl: 90s, path: /a } } }";
const session = {
  type: "stateful_session",
  cookie: { name: "id", ttlSeconds: 90, path: "/a" },
  strict: false,
} as const;
const BUCKET = "token_bucket: { max_tokens: 3, fill_interval: 0.05s }";

const everywhere: readonly [name: string, fields: string, expected: FilterConfig][] = [
  ["fault.v3.HTTPFault", "", fault],
  [
    "fault.v3.HTTPFault",
    "delay: { fixed_delay: 0.5s, percentage: { numerator: 5 } }, abort: { http_status: 503, percentage: { numerator: 1, denominator: MILLION } }",
    {
      ...fault,
      delay: { by: "fixed", ms: 500, fraction: { numerator: 5, denominator: 100 } },
      abort: { by: "status", status: 503, fraction: { numerator: 1, denominator: 1_000_000 } },
    },
  ],
  [
    "fault.v3.HTTPFault",
    // Without a percentage nothing is delayed or aborted, as in Envoy.
    "delay: { header_delay: {} }, abort: { header_abort: {} }, max_active_faults: 0, upstream_cluster: c, downstream_nodes: [n], headers: [{ name: X }]",
    {
      ...fault,
      delay: { by: "header", fraction: { numerator: 0, denominator: 100 } },
      abort: { by: "header", fraction: { numerator: 0, denominator: 100 } },
      headers: [{ name: "x", condition: { match: "present" }, invert: false, missingIsEmpty: false }],
      upstreamCluster: "c",
      downstreamNodes: ["n"],
      maxActive: 0,
    },
  ],
  [
    "fault.v3.HTTPFault",
    "abort: { grpc_status: 14, percentage: { numerator: 100 } }",
    { ...fault, abort: { by: "grpc", status: 14, fraction: { numerator: 100, denominator: 100 } } },
  ],
  [
    "local_ratelimit.v3.LocalRateLimit",
    `stat_prefix: s, ${BUCKET}, status: { code: OK }, filter_enabled: { default_value: { numerator: 100 } }, response_headers_to_add: [{ header: { key: x, value: "1" } }]`,
    {
      ...limit,
      bucket: { maxTokens: 3, tokensPerFill: 1, fillIntervalMs: 50 },
      enabled: { numerator: 100, denominator: 100 },
      responseHeaders: {
        remove: [],
        add: [{ name: "x", value: [{ type: "text", text: "1" }], action: "append_if_exists_or_add", keepEmpty: false }],
      },
    },
  ],
];

const onlyInChain: readonly [name: string, fields: string, expected: FilterConfig][] = [
  ["cors.v3.Cors", "", { type: "cors" }],
  ["rbac.v3.RBAC", "", { type: "rbac", rules: undefined }],
  ["local_ratelimit.v3.LocalRateLimit", "stat_prefix: s", limit],
  ["stateful_session.v3.StatefulSession", "", { ...session, cookie: undefined }],
  ["stateful_session.v3.StatefulSession", `${COOKIE}, strict: true`, { ...session, strict: true }],
  ["buffer.v3.Buffer", "max_request_bytes: 7", { type: "buffer", maxBytes: 7 }],
];

const onlyOnRoutes: readonly [name: string, fields: string, expected: FilterConfig][] = [
  ["cors.v3.CorsPolicy", "", cors],
  [
    "cors.v3.CorsPolicy",
    "allow_origin_string_match: [{ exact: a }, { safe_regex: { regex: b } }], allow_methods: GET, allow_headers: h, expose_headers: e, max_age: '5', allow_credentials: true, forward_not_matching_preflights: false, filter_enabled: { default_value: { numerator: 10 } }",
    {
      ...cors,
      allowOrigins: [
        { match: "exact", value: "a", ignoreCase: false },
        { match: "regex", pattern: "b" },
      ],
      allowMethods: "GET",
      allowHeaders: "h",
      exposeHeaders: "e",
      maxAge: "5",
      allowCredentials: true,
      forwardNotMatchingPreflights: false,
      filterEnabled: { numerator: 10, denominator: 100 },
    },
  ],
  ["rbac.v3.RBACPerRoute", "", { type: "disabled" }],
  ["rbac.v3.RBACPerRoute", "rbac: {}", { type: "rbac", rules: undefined }],
  ["stateful_session.v3.StatefulSessionPerRoute", "disabled: true", { type: "disabled" }],
  ["stateful_session.v3.StatefulSessionPerRoute", `stateful_session: { ${COOKIE} }`, session],
  ["buffer.v3.BufferPerRoute", "disabled: true", { type: "disabled" }],
  ["buffer.v3.BufferPerRoute", "buffer: { max_request_bytes: 7 }", { type: "buffer", maxBytes: 7 }],
];

describe("filters in the chain", () => {
  test.each([...everywhere, ...onlyInChain])("%s { %s }", (type, fields, expected) => {
    expect(managerOf(inChain(config(type, fields)))?.filters).toEqual([
      { name: "f", disabled: false, config: expected },
    ]);
  });
});

describe("typed_per_filter_config", () => {
  test.each([...everywhere, ...onlyOnRoutes])("%s { %s }", (type, fields, expected) => {
    expect(overridesOf(onRoute(config(type, fields)))).toEqual({ f: expected });
  });

  const wrapped = (fields: string): string =>
    `{ "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, ${fields} }`;
  const cases: readonly [fields: string, expected: FilterOverrides][] = [
    ["disabled: true", { f: { type: "disabled" } }],
    [`config: ${config("buffer.v3.BufferPerRoute", "disabled: true")}`, { f: { type: "disabled" } }],
    [`config: ${config("fault.v3.HTTPFault")}`, { f: fault }],
    [`config: ${unknown("x.Y")}, is_optional: true`, {}],
  ];
  test.each([...cases])("FilterConfig { %s }", (fields, expected) => {
    expect(overridesOf(onRoute(wrapped(fields)))).toEqual(expected);
  });

  test("stands on every level", () => {
    const own =
      "typed_per_filter_config: { f: { '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";
    const yaml = `${configuration(host(route(weighted(`{ name: c, weight: 1, ${own} }`), "prefix: /", own), `${own},`))}\n${own}`;
    const model = modelOf("route", yaml);
    const [virtualHost] = model.virtualHosts;
    const action = virtualHost?.routes[0]?.action;
    const destination = action?.type === "forward" ? action.destination : undefined;
    const entry = destination?.type === "weighted_clusters" ? destination.clusters[0] : undefined;
    for (const level of [model, virtualHost, virtualHost?.routes[0], entry]) {
      expect(level?.filters).toEqual({ f: { type: "disabled" } });
    }
  });
});

describe("which filters need a per-request engine", () => {
  const rules = "rules: { policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } }";
  const cases: readonly [typedConfig: string, more: string, ...needs: string[]][] = [
    [config("fault.v3.HTTPFault"), ""],
    [config("cors.v3.Cors"), ""],
    [config("rbac.v3.RBAC"), ""],
    [config("rbac.v3.RBAC", rules), "disabled: true"],
    [config("rbac.v3.RBAC", rules), "", "http_filters[0].typed_config"],
    [config("local_ratelimit.v3.LocalRateLimit", `stat_prefix: s, ${BUCKET}`), "", "http_filters[0].typed_config"],
    [config("buffer.v3.Buffer", "max_request_bytes: 1"), "", "http_filters[0].typed_config"],
    [config("stateful_session.v3.StatefulSession"), ""],
    [config("stateful_session.v3.StatefulSession", COOKIE), "", "http_filters[0].typed_config"],
    [
      config("fault.v3.HTTPFault", "delay: { fixed_delay: 1s }, abort: { http_status: 500 }"),
      "",
      "http_filters[0].typed_config.delay",
      "http_filters[0].typed_config.abort",
    ],
    [unknown("x.Y"), "is_optional: true"],
    [unknown("x.Y"), "disabled: true"],
  ];
  test.each([...cases])("%s %s", (typedConfig, more, ...needs) => {
    expect(managerOf(inChain(typedConfig, more))?.needs.map(({ path }) => path)).toEqual(needs);
  });

  const overriding: readonly [typedConfig: string, needs: number][] = [
    [config("rbac.v3.RBACPerRoute"), 0],
    [config("rbac.v3.RBACPerRoute", `rbac: { ${rules} }`), 1],
    [config("cors.v3.CorsPolicy"), 1],
    [config("buffer.v3.BufferPerRoute", "disabled: true"), 0],
    [config("fault.v3.HTTPFault", "delay: { fixed_delay: 1s }, abort: { http_status: 500 }"), 1],
  ];
  test.each([...overriding])("%s on a route: %d", (typedConfig, count) => {
    const needs = modelOf("route", onRoute(typedConfig)).virtualHosts[0]?.routes[0]?.needs;
    expect(needs?.map(({ path }) => path)).toEqual(Array(count).fill('typed_per_filter_config["f"]'));
  });
});

describe("RBAC rules", () => {
  const rbac = (permission: string, principal: string): string =>
    inChain(
      config(
        "rbac.v3.RBAC",
        `rules: { policies: { p: { permissions: [${permission}], principals: [${principal}] } } }`,
      ),
    );
  const policyOf = (permission: string, principal: string) => {
    const filter = managerOf(rbac(permission, principal))?.filters[0]?.config;
    return filter?.type === "rbac" ? filter.rules?.policies[0] : undefined;
  };
  const any: RbacRule = { rule: "any" };
  const header = "header: { name: X, string_match: { exact: v } }";
  const headerRule: RbacRule = {
    rule: "header",
    header: {
      name: "x",
      condition: { match: "exact", value: "v", ignoreCase: false },
      invert: false,
      missingIsEmpty: false,
    },
  };
  const path = "url_path: { path: { prefix: /a } }";
  const pathRule: RbacRule = { rule: "path", path: { match: "prefix", value: "/a", ignoreCase: false } };

  const permissions: readonly [yaml: string, expected: RbacRule][] = [
    ["{ any: true }", any],
    ["{ any: true }, { any: true }", { rule: "or", rules: [any, any] }],
    [`{ and_rules: { rules: [{ ${header} }, { ${path} }] } }`, { rule: "and", rules: [headerRule, pathRule] }],
    ["{ or_rules: { rules: [{ any: true }] } }", { rule: "or", rules: [any] }],
    ["{ not_rule: { any: true } }", { rule: "not", of: any }],
    ["{ destination_port: 80 }", { rule: "destination_port", start: 80, end: 81 }],
    ["{ destination_port_range: { start: 0, end: 65536 } }", { rule: "destination_port", start: 0, end: 65_536 }],
  ];
  test.each([...permissions])("permission %s", (yaml, expected) => {
    expect(policyOf(yaml, "{ any: true }")).toEqual({ name: "p", permission: expected, principal: any });
  });

  const principals: readonly [yaml: string, expected: RbacRule][] = [
    [
      `{ and_ids: { ids: [{ ${header} }, { not_id: { ${path} } }] } }`,
      { rule: "and", rules: [headerRule, { rule: "not", of: pathRule }] },
    ],
    ["{ or_ids: { ids: [{ any: true }] } }", { rule: "or", rules: [any] }],
  ];
  test.each([...principals])("principal %s", (yaml, expected) => {
    expect(policyOf("{ any: true }", yaml)).toEqual({ name: "p", permission: any, principal: expected });
  });

  const ranges = ["source_ip", "direct_remote_ip", "remote_ip"];
  test.each(ranges)("%s is the client's address", (field) => {
    const principal = policyOf("{ any: true }", `{ ${field}: { address_prefix: 10.1.2.3, prefix_len: 8 } }`)?.principal;
    expect(principal?.rule === "source_ip" ? formatAddress(principal.prefix.address) : "").toBe("10.0.0.0");
  });

  test("destination_ip", () => {
    const permission = policyOf(
      "{ destination_ip: { address_prefix: '2001:db8::', prefix_len: 32 } }",
      "{ any: true }",
    )?.permission;
    expect(permission?.rule === "destination_ip" ? permission.prefix.length : 0).toBe(32);
  });

  test("policies are in the order of their names", () => {
    const policy = "{ permissions: [{ any: true }], principals: [{ any: true }] }";
    const filter = managerOf(
      inChain(config("rbac.v3.RBAC", `rules: { action: DENY, policies: { b: ${policy}, a: ${policy} } }`)),
    )?.filters[0]?.config;
    const rules = filter?.type === "rbac" ? filter.rules : undefined;
    expect([rules?.action, ...(rules?.policies.map(({ name }) => name) ?? [])]).toEqual(["deny", "a", "b"]);
  });

  test("dry runs are a finding", () => {
    const decoded = decodeYaml("listener", inChain(config("rbac.v3.RBAC", "shadow_rules: {}")));
    expect("findings" in decoded ? decoded.findings : []).toEqual([
      {
        severity: "ignored",
        path: "filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.shadow_rules",
        reason: "dry runs aren't evaluated",
      },
    ]);
  });
});

describe("what is refused, and where", () => {
  const filter = "filter_chains[0].filters[0].typed_config.http_filters[0].typed_config";
  const policy = (permission: string, principal = "{ any: true }"): string =>
    `rules: { policies: { p: { permissions: [${permission}], principals: [${principal}] } } }`;
  const chained: readonly [type: string, fields: string, problem: string][] = [
    [
      "fault.v3.HTTPFault",
      "response_rate_limit: { fixed_limit: { limit_kbps: 1 } }",
      "response_rate_limit: the rate of a response isn't limited",
    ],
    ["fault.v3.HTTPFault", "abort: { http_status: 199 }", "abort.http_status: must be at least 200"],
    ["fault.v3.HTTPFault", "delay: {}", "delay.fault_delay_secifier: one of its fields must be set"],
    [
      "rbac.v3.RBAC",
      policy("{ requested_server_name: { exact: a } }"),
      'rules.policies["p"].permissions[0].requested_server_name: plaintext connections name no server',
    ],
    [
      "rbac.v3.RBAC",
      policy("{ not_rule: { metadata: { filter: f, path: [{ key: k }], value: { present_match: true } } } }"),
      'rules.policies["p"].permissions[0].not_rule.metadata: requests carry no metadata and no filter state that could be matched',
    ],
    [
      "rbac.v3.RBAC",
      policy("{ any: true }", "{ and_ids: { ids: [{ authenticated: {} }] } }"),
      `rules.policies["p"].principals[0].and_ids.ids[0].authenticated: clients aren't authenticated: their connections are plaintext`,
    ],
    ["rbac.v3.RBAC", policy("{ any: false }"), 'rules.policies["p"].permissions[0].any: must be true'],
    [
      "rbac.v3.RBAC",
      policy("{ destination_port_range: { start: 5, end: 5 } }"),
      'rules.policies["p"].permissions[0].destination_port_range: must be start to end (exclusive) within 0 to 65536',
    ],
    [
      "rbac.v3.RBAC",
      policy("{ destination_ip: { address_prefix: a } }"),
      'rules.policies["p"].permissions[0].destination_ip.address_prefix: "a" is not an IP address',
    ],
    [
      "rbac.v3.RBAC",
      "rules: { policies: { p: { principals: [{ any: true }] } } }",
      'rules.policies["p"].permissions: must not be empty',
    ],
    [
      "local_ratelimit.v3.LocalRateLimit",
      "stat_prefix: s, token_bucket: { max_tokens: 1, fill_interval: 0.049s }",
      "token_bucket.fill_interval: must be at least 50 ms",
    ],
    [
      "local_ratelimit.v3.LocalRateLimit",
      `stat_prefix: s, ${BUCKET}, local_rate_limit_per_downstream_connection: true`,
      "local_rate_limit_per_downstream_connection: one bucket is for all connections",
    ],
    [
      "local_ratelimit.v3.LocalRateLimit",
      `stat_prefix: s, ${BUCKET}, descriptors: [{ entries: [{ key: k, value: v }], ${BUCKET} }]`,
      "descriptors: requests are limited by one bucket: use token_bucket",
    ],
    [
      "stateful_session.v3.StatefulSession",
      "session_state: { name: x, typed_config: { '@type': type.googleapis.com/google.protobuf.Duration, value: 1s } }",
      "session_state.typed_config: google.protobuf.Duration isn't supported: sessions are kept in cookies",
    ],
    ["buffer.v3.Buffer", "max_request_bytes: 0", "max_request_bytes: must be greater than 0"],
  ];
  test.each([...chained])("%s { %s }", (type, fields, problem) => {
    expect(rejectionsOf("listener", inChain(config(type, fields)))).toEqual([`${filter}.${problem}`]);
  });

  const override = 'virtual_hosts[0].routes[0].typed_per_filter_config["f"]';
  const overriding: readonly [typedConfig: string, problem: string][] = [
    [unknown("x.Y"), ": x.Y isn't supported"],
    [config("local_ratelimit.v3.LocalRateLimit", "stat_prefix: s"), ".token_bucket: must be set"],
    [config("buffer.v3.BufferPerRoute"), ".override: one of its fields must be set"],
    [
      config("cors.v3.CorsPolicy", "allow_private_network_access: true"),
      ".allow_private_network_access: access to private networks isn't answered",
    ],
    ["{ '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig }", ".config: must be set"],
    [
      `{ '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, config: ${unknown("x.Y")} }`,
      ".config: x.Y isn't supported",
    ],
    // A chain's configuration is none of a route.
    [config("rbac.v3.RBAC"), ": envoy.extensions.filters.http.rbac.v3.RBAC isn't supported"],
  ];
  test.each([...overriding])("%s", (typedConfig, problem) => {
    expect(rejectionsOf("route", onRoute(typedConfig))).toEqual([`${override}${problem}`]);
  });
});
