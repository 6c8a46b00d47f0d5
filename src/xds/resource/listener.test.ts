import { describe, expect, test } from "bun:test";
import { formatAddress, formatSocketAddress } from "../../ip.ts";
import type { Listener } from "../../model/listener.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";
const HCM_TYPE = `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`;
const ROUTER = `{ name: r, typed_config: { "@type": ${FILTERS}.http.router.v3.Router } }`;

const tcp = (config = "cluster: c"): string =>
  `{ name: t, typed_config: { "@type": ${FILTERS}.network.tcp_proxy.v3.TcpProxy, stat_prefix: s, ${config} } }`;
const hcm = (config: string): string =>
  `{ name: h, typed_config: { "@type": ${HCM_TYPE}, stat_prefix: s, ${config} } }`;
const http = (config = "", filters = ROUTER): string =>
  hcm(`rds: { route_config_name: r, config_source: { ads: {} } }, http_filters: [${filters}], ${config}`);
const typed = (type: string, more = ""): string =>
  `{ name: x, typed_config: { "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/${type} }, ${more} }`;

const ADDRESS = "address: { socket_address: { address: 127.96.0.1, port_value: 80 } }";
const listener = (rest: string): string => `name: l\n${ADDRESS}\n${rest}\n`;
const chain = (filters: string, match = ""): string => `{ filter_chain_match: { ${match} }, filters: [${filters}] }`;
const chains = (...all: string[]): string => listener(`filter_chains: [${all.join(", ")}]`);

describe("what a listener becomes", () => {
  const cases: readonly [name: string, yaml: string, expected: Partial<Listener>][] = [
    [
      "tcp_proxy with a cluster",
      chains(chain(tcp())),
      {
        name: "l",
        role: "outbound",
        needs: [],
        filterChains: [
          {
            name: "",
            match: { destinationPort: undefined, prefixes: [], httpOnly: false },
            filter: { type: "tcp_proxy", clusters: [{ cluster: "c", weight: 1 }], hashSourceIp: false },
          },
        ],
      },
    ],
    ["inbound", listener("traffic_direction: INBOUND"), { role: "inbound", filterChains: [] }],
    ["catch-all", listener(`use_original_dst: true\nfilter_chains: [${chain(tcp())}]`), { role: "catch_all" }],
    ["not catch-all", listener(`use_original_dst: false\nfilter_chains: [${chain(tcp())}]`), { role: "outbound" }],
    ["not bound, as Istio's", listener(`bind_to_port: false\nfilter_chains: [${chain(tcp())}]`), { role: "outbound" }],
    ["named by its address", `${ADDRESS}\nfilter_chains: [${chain(tcp())}]`, {}],
  ];
  test.each([...cases])("%s", (_, yaml, expected) => {
    if (!yaml.startsWith("name")) expect(rejectionsOf("listener", yaml)).toEqual(["name: must not be empty"]);
    else expect(modelOf("listener", yaml)).toMatchObject(expected);
  });
});

test("addresses: wildcard, both families, additional ones", () => {
  const model = modelOf(
    "listener",
    `name: l
address: { socket_address: { address: "::", port_value: 80, ipv4_compat: true } }
additional_addresses: [{ address: { socket_address: { address: 0.0.0.0, port_value: 81 } } }]
default_filter_chain: ${chain(tcp())}`,
  );
  const binds = [model, ...model.additionalAddresses];
  expect(binds.map((bind) => `${formatSocketAddress(bind.address)} ${bind.ipv4Compat}`)).toEqual([
    "[::]:80 true",
    "0.0.0.0:81 false",
  ]);
});

test("matches: port and prefixes, host bits cleared", () => {
  const { filterChains } = modelOf(
    "listener",
    chains(
      chain(
        tcp(),
        "destination_port: 9, prefix_ranges: [{ address_prefix: 10.1.2.3, prefix_len: 8 }, { address_prefix: '2001:db8::', prefix_len: 32 }]",
      ),
    ),
  );
  const match = filterChains[0]?.match;
  expect(match?.destinationPort).toBe(9);
  expect(match?.prefixes.map(({ address, length }) => `${formatAddress(address)}/${length}`)).toEqual([
    "10.0.0.0/8",
    "2001:db8::/32",
  ]);
});

test("weighted clusters and the source hash", () => {
  const weighted =
    "weighted_clusters: { clusters: [{ name: a, weight: 1 }, { name: b, weight: 4294967294 }] }, hash_policy: [{ source_ip: {} }]";
  expect(modelOf("listener", chains(chain(tcp(weighted)))).filterChains[0]?.filter).toEqual({
    type: "tcp_proxy",
    clusters: [
      { cluster: "a", weight: 1 },
      { cluster: "b", weight: 4294967294 },
    ],
    hashSourceIp: true,
  });
});

describe("what can't be decided at connect time is a need of the listener", () => {
  const cases: readonly [match: string, ...needs: string[]][] = [
    ["", ...[]],
    ["transport_protocol: raw_buffer", ...[]],
    ["application_protocols: [http/1.1, h2c]", ...[]],
    ["transport_protocol: tls", "filter_chains[0].filter_chain_match.transport_protocol"],
    ["server_names: [a.example]", "filter_chains[0].filter_chain_match.server_names"],
    ["application_protocols: [istio]", "filter_chains[0].filter_chain_match.application_protocols"],
    ["source_ports: [1]", "filter_chains[0].filter_chain_match.source_ports"],
    ["source_type: EXTERNAL", "filter_chains[0].filter_chain_match.source_type"],
    [
      "source_prefix_ranges: [{ address_prefix: 10.0.0.0 }]",
      "filter_chains[0].filter_chain_match.source_prefix_ranges",
    ],
  ];
  test.each([...cases])("%s", (match, ...needs) => {
    expect(modelOf("listener", chains(chain(tcp(), match))).needs.map(({ path }) => path)).toEqual(needs);
  });
});

test("a chain for sniffed plaintext HTTP says so", () => {
  const yaml = chains(chain(http(), "transport_protocol: raw_buffer, application_protocols: [http/1.1, h2c]"));
  expect(modelOf("listener", yaml).filterChains[0]?.match.httpOnly).toBe(true);
});

describe("what an HTTP filter chain needs", () => {
  const cases: readonly [name: string, filter: string, ...needs: string[]][] = [
    ["nothing", http()],
    [
      "Istio's settings",
      http(
        "normalize_path: true, stream_idle_timeout: 0s, upgrade_configs: [{ upgrade_type: websocket }], use_remote_address: false",
      ),
    ],
    ["every request is given an id", http("generate_request_id: true"), "generate_request_id"],
    ["no ids", http("generate_request_id: false")],
    ["every port stripped", http("strip_any_host_port: true"), "strip_any_host_port"],
    ["no port stripped", http("strip_any_host_port: false")],
    ["forwarded for", http("use_remote_address: true"), "use_remote_address"],
    ["forwarded for, not appended", http("use_remote_address: true, skip_xff_append: true")],
    ["escaped slashes kept", http("path_with_escaped_slashes_action: KEEP_UNCHANGED")],
    [
      "escaped slashes refused",
      http("path_with_escaped_slashes_action: REJECT_REQUEST"),
      "path_with_escaped_slashes_action",
    ],
    ["a server name that isn't written", http("server_name: s, server_header_transformation: PASS_THROUGH")],
    [
      "underscores",
      http("common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }"),
      "common_http_protocol_options.headers_with_underscores_action",
    ],
    [
      "limits without a timeout",
      http("common_http_protocol_options: { max_headers_count: 5, max_requests_per_connection: 3, idle_timeout: 0s }"),
    ],
    [
      "an idle timeout",
      http("common_http_protocol_options: { idle_timeout: 5s }"),
      "common_http_protocol_options.idle_timeout",
    ],
    ["a timeout", http("request_timeout: 5s"), "request_timeout"],
    ["a server name", http("server_name: s"), "server_name"],
    ["port stripping", http("strip_matching_host_port: true"), "strip_matching_host_port"],
    ["a disabled one", http("", `${typed("envoy.extensions.filters.http.lua.v3.Lua", "disabled: true")}, ${ROUTER}`)],
    ["an optional unknown one", http("", `${typed("x.Y", "is_optional: true")}, ${ROUTER}`)],
    [
      "Istio's own",
      http("", `${typed("io.istio.http.peer_metadata.Config")}, ${typed("stats.PluginConfig")}, ${ROUTER}`),
    ],
    ["no fault", http("", `{ name: f, typed_config: { "@type": ${FILTERS}.http.fault.v3.HTTPFault } }, ${ROUTER}`)],
    [
      "a fault",
      http(
        "",
        `{ name: f, typed_config: { "@type": ${FILTERS}.http.fault.v3.HTTPFault, abort: { http_status: 503, percentage: { numerator: 1 } } } }, ${ROUTER}`,
      ),
      "http_filters[0].typed_config.abort",
    ],
  ];
  test.each([...cases])("%s", (_, filter, ...needs) => {
    const model = modelOf("listener", chains(chain(filter))).filterChains[0]?.filter;
    expect(model).toMatchObject({ type: "http_connection_manager", routes: { source: "rds", name: "r" } });
    expect(model?.type === "http_connection_manager" ? model.needs.map(({ path }) => path) : []).toEqual(needs);
  });
});

test("inline routes", () => {
  const routes =
    "route_config: { name: in, virtual_hosts: [{ name: v, domains: ['*'], routes: [{ match: { prefix: / }, route: { cluster: c } }] }] }";
  expect(
    modelOf("listener", chains(chain(hcm(`${routes}, http_filters: [${ROUTER}]`)))).filterChains[0]?.filter,
  ).toMatchObject({
    routes: { source: "inline", configuration: { name: "in", virtualHosts: [{ name: "v" }] } },
  });
});

describe("what is refused, and where", () => {
  const filter = "filter_chains[0].filters[0].typed_config";
  const cases: readonly [yaml: string, ...problems: string[]][] = [
    [`name: l\nfilter_chains: [${chain(tcp())}]`, "address: must be set"],
    [
      chains(
        chain(
          tcp(),
          "prefix_ranges: [{ address_prefix: 10.1.0.0, prefix_len: 8 }, { address_prefix: 10.2.0.0, prefix_len: 8 }]",
        ),
      ),
      "filter_chains[0].filter_chain_match: matches the same connections as filter_chains[0]",
    ],
    [listener(""), "filter_chains: must not be empty without a default_filter_chain"],
    [listener("filter_chains: [{}]"), "filter_chains[0].filters: must end with tcp_proxy or http_connection_manager"],
    [chains(chain(tcp(""))), `${filter}.cluster_specifier: one of its fields must be set`],
    [chains(chain("{ name: n }")), `${filter}: must be set: filters are found by its type`],
    [chains(chain(typed("x.Y"))), `${filter}: x.Y isn't supported`],
    [
      chains(chain(`${typed("envoy.extensions.filters.network.rbac.v3.RBAC")}, ${tcp()}`)),
      `${filter}: envoy.extensions.filters.network.rbac.v3.RBAC isn't supported`,
    ],
    [
      chains(chain(`${tcp()}, ${tcp()}`)),
      `${filter}: envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy must be the last filter`,
    ],
    [
      chains(chain(typed("stats.PluginConfig"))),
      `${filter}: the last filter must be tcp_proxy or http_connection_manager`,
    ],
    [
      chains(chain(tcp("cluster: c, tunneling_config: { hostname: h }"))),
      `${filter}.tunneling_config: connections aren't tunnelled through HTTP`,
    ],
    [
      chains(chain(tcp("weighted_clusters: { clusters: [{ name: a, weight: 0 }] }"))),
      `${filter}.weighted_clusters.clusters[0].weight: must be at least 1`,
      `${filter}.weighted_clusters.clusters: the sum of the weights must be greater than 0`,
    ],
    [
      chains(chain(tcp("weighted_clusters: { clusters: [{ name: a, weight: 4294967295 }, { name: b, weight: 1 }] }"))),
      `${filter}.weighted_clusters.clusters: the sum of the weights must be less than 2^32`,
    ],
    [chains(chain(http("", ""))), `${filter}.http_filters: the last filter must be the router`],
    [chains(chain(http("", `${ROUTER}, ${ROUTER}`))), `${filter}.http_filters: only the last filter may be the router`],
    [
      chains(chain(http("", `${typed("x.Y")}, ${ROUTER}`))),
      `${filter}.http_filters[0].typed_config: x.Y isn't supported`,
    ],
    [
      chains(chain(http("", `${typed("envoy.extensions.filters.http.lua.v3.Lua")}, ${ROUTER}`))),
      `${filter}.http_filters[0].typed_config: envoy.extensions.filters.http.lua.v3.Lua isn't supported`,
    ],
    [
      chains(chain(http("", `${typed("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb")}, ${ROUTER}`))),
      `${filter}.http_filters[0].typed_config: envoy.extensions.filters.http.grpc_web.v3.GrpcWeb isn't supported`,
    ],
    [chains(chain(http("codec_type: HTTP2"))), `${filter}.codec_type: only HTTP/1 is governed: use AUTO or HTTP1`],
    [
      chains(chain(http("local_reply_config: {}"))),
      `${filter}.local_reply_config: the relay's own answers can't be changed`,
    ],
    [
      chains(chain(http("upgrade_configs: [{ upgrade_type: a }, { upgrade_type: A }]"))),
      `${filter}.upgrade_configs[1]: has the type of another one`,
    ],
    [
      chains(chain(http(`upgrade_configs: [{ upgrade_type: a, filters: [${ROUTER}] }]`))),
      `${filter}.upgrade_configs[0].filters: upgrades pass through http_filters`,
    ],
    [
      chains(chain(http("http_protocol_options: { allow_chunked_length: true }"))),
      `${filter}.http_protocol_options.allow_chunked_length: messages with both Content-Length and Transfer-Encoding are always refused`,
    ],
    [
      chains(chain(http("request_timeout: -1s"))),
      `${filter}.request_timeout: must not be negative, and less than 285,000 years`,
    ],
    [
      chains(chain(tcp(), "destination_port: 1"), chain(tcp(), "destination_port: 1")),
      "filter_chains[1].filter_chain_match: matches the same connections as filter_chains[0]",
    ],
    [
      chains(
        chain(
          tcp(),
          "prefix_ranges: [{ address_prefix: 10.0.0.0, prefix_len: 8 }, { address_prefix: 11.0.0.0, prefix_len: 8 }]",
        ),
        chain(tcp(), "prefix_ranges: [{ address_prefix: 11.9.0.0, prefix_len: 8 }]"),
      ),
      "filter_chains[1].filter_chain_match: matches the same connections as filter_chains[0]",
    ],
    [
      chains(chain(tcp(), "prefix_ranges: [{ address_prefix: 10.0.0.0, prefix_len: 33 }]")),
      "filter_chains[0].filter_chain_match.prefix_ranges[0].prefix_len: is longer than the address",
    ],
    [
      chains(chain(tcp(), "suffix_len: 1")),
      "filter_chains[0].filter_chain_match.suffix_len: is not implemented, in Envoy neither",
    ],
    [listener(`udp_listener_config: {}\nfilter_chains: [${chain(tcp())}]`), "udp_listener_config: UDP isn't governed"],
    [
      listener(
        `listener_filters: [${typed("envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol")}]\nfilter_chains: [${chain(tcp())}]`,
      ),
      "listener_filters[0].typed_config: envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol isn't supported",
    ],
  ];
  test.each([...cases])("%s", (yaml, ...problems) => {
    expect(rejectionsOf("listener", yaml)).toEqual(problems);
  });
});

test("what an ungoverned listener holds doesn't make it refused", () => {
  const yaml = listener(`traffic_direction: INBOUND\nfilter_chains: [${chain(typed("x.Y"))}, ${chain(tcp())}]`);
  expect(modelOf("listener", yaml)).toMatchObject({
    role: "inbound",
    filterChains: [{ filter: { type: "tcp_proxy" } }],
  });
});

test.each([
  ["", 1_048_576],
  ["per_connection_buffer_limit_bytes: 4096", 4096],
  ["per_connection_buffer_limit_bytes: 0", Number.POSITIVE_INFINITY],
])("the buffer limit of its HTTP chains: %s", (limit, expected) => {
  const chained = `filter_chains: [${chain(http())}]\ndefault_filter_chain: ${chain(http())}\n${limit}`;
  const { filterChains, defaultFilterChain } = modelOf("listener", listener(chained));
  const limits = [...filterChains, defaultFilterChain].map(
    (it) => it?.filter.type === "http_connection_manager" && it.filter.options.bufferLimitBytes,
  );
  expect(limits).toEqual([expected, expected]);
});
