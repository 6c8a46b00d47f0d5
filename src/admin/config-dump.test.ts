import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Snapshot } from "../model/snapshot.ts";
import { readMeshFile } from "../source/mesh-file.ts";
import { createApp } from "./app.ts";
import { controlPlane, fixtureView, status } from "./view.fixture.ts";
import type { AgentStatus, AgentView } from "./view.ts";

type Json = Readonly<Record<string, unknown>>;

async function dump(view: AgentView, query = ""): Promise<readonly Json[]> {
  const response = await createApp(view, "full").request(`/config_dump${query}`);
  return ((await response.json()) as { configs: readonly Json[] }).configs;
}

function entries(configs: readonly Json[], field: string): readonly Json[] {
  return configs.flatMap((config) => (config[field] as readonly Json[] | undefined) ?? []);
}

function dynamic(fields: Partial<AgentStatus["snapshot"]> = {}): AgentView {
  const snapshot = { ...status.snapshot, ...fields };
  return fixtureView({ isStatic: () => false, status: () => ({ ...status, controlPlane, snapshot }) });
}

const types = (configs: readonly Json[]) => configs.map((config) => String(config["@type"]).replace(/.*v3\./, ""));

describe("the lists", () => {
  test("in Envoy's order; endpoints where they are asked for", async () => {
    const always = ["ClustersConfigDump", "ListenersConfigDump", "RoutesConfigDump"];
    expect(types(await dump(fixtureView()))).toEqual(always);
    expect(types(await dump(fixtureView(), "?include_eds"))).toEqual([
      always[0],
      "EndpointsConfigDump",
      ...always.slice(1),
    ] as string[]);
  });

  test("from a control plane", async () => {
    const configs = await dump(dynamic(), "?include_eds");
    const [cluster] = entries(configs, "dynamic_active_clusters");
    expect(cluster).toMatchObject({ version_info: "v7", cluster: { name: "shop", type: "EDS" } });
    const [listener] = entries(configs, "dynamic_listeners");
    expect(listener).toMatchObject({
      name: "plain",
      active_state: { version_info: "v7", listener: { name: "plain" } },
    });
    expect(entries(configs, "dynamic_endpoint_configs")).toHaveLength(1);
    expect(entries(configs, "static_clusters")).toEqual([]);
  });

  test("what was refused stands beside what is in effect, or alone", async () => {
    const rejections = [
      { type: "cluster", name: "shop", path: "lb_policy", reason: "unknown" },
      { type: "cluster", name: "shop", path: "type", reason: "too" },
      { type: "listener", name: "broken", path: "", reason: "no address" },
    ] as const;
    const configs = await dump(dynamic({ rejections }));
    expect(entries(configs, "dynamic_active_clusters")[0]).toMatchObject({
      cluster: { name: "shop", type: "EDS" },
      error_state: { details: "lb_policy: unknown; type: too" },
    });
    expect(entries(configs, "dynamic_listeners").at(-1)).toEqual({
      name: "broken",
      error_state: { details: "no address" },
    });
  });

  test.each([
    ["?resource=static_clusters", ["shop", "canary", "passthrough"]],
    ["?resource=static_clusters&name_regex=sh.*", ["shop"]],
    ["?resource=static_clusters&name_regex=ho", []],
    ["?resource=dynamic_active_clusters", []],
  ])("%s", async (query, names) => {
    const configs = await dump(fixtureView(), query);
    expect(configs.map(({ cluster }) => (cluster as Json)["name"])).toEqual(names);
  });

  test("maps are read back, but not for a part of the dump", async () => {
    const ask = async (query: string) =>
      (await (await createApp(fixtureView(), "full").request(`/config_dump${query}`)).json()) as Json;
    const key = { address: "127.96.0.1", family: 4, portBe: 80 };
    expect((await ask("")).kmesh_edge).toEqual({ maps: { listeners: [{ key, value: { total: "3" } }] } });
    expect(await ask("?name_regex=shop")).not.toHaveProperty("kmesh_edge");
  });
});

describe("what was dumped can be read again", () => {
  const text = (value: Json) => ({ name: "x", string_match: value });
  const conditionalRoutes = [
    {
      name: "conditions",
      match: {
        path: "/É",
        case_sensitive: false,
        headers: [
          text({ exact: "é", ignore_case: true }),
          text({ safe_regex: { regex: "é+" } }),
          { name: "x", range_match: { start: -3, end: "9007199254740993" }, invert_match: true },
          { name: "x", present_match: true, treat_missing_header_as_empty: true },
        ],
        query_parameters: [text({ contains: "b" }), { name: "q", present_match: true }],
        cookies: [{ ...text({ prefix: "c" }), invert_match: true }],
        grpc: {},
        runtime_fraction: { default_value: { numerator: 5, denominator: "TEN_THOUSAND" } },
      },
      route: {
        weighted_clusters: {
          clusters: [
            { name: "weighted", weight: 1, request_headers_to_remove: ["x-c"] },
            { cluster_header: "x-d", weight: 2, host_rewrite_literal: "é.example" },
          ],
          header_name: "x-random",
        },
        regex_rewrite: { pattern: { regex: "/(.)" }, substitution: "/é\\1" },
        host_rewrite_header: "x-host",
        append_x_forwarded_host: true,
        retry_policy: {
          retry_on: "5xx,retriable-status-codes",
          num_retries: 3,
          per_try_timeout: "0.25s",
          retriable_status_codes: [409],
          retriable_headers: [text({ exact: "again" })],
          retry_back_off: { base_interval: "0.1s", max_interval: "2s" },
          rate_limited_retry_back_off: { reset_headers: [{ name: "retry-after", format: "SECONDS" }] },
          host_selection_retry_max_attempts: 3,
        },
        timeout: "15s",
        idle_timeout: "0.5s",
        request_mirror_policies: [
          { cluster: "weighted", runtime_fraction: { default_value: { numerator: 1, denominator: "MILLION" } } },
        ],
        priority: "HIGH",
        cluster_not_found_response_code: "NOT_FOUND",
        upgrade_configs: [{ upgrade_type: "websocket", enabled: false }],
        internal_redirect_policy: { max_internal_redirects: 2, redirect_response_codes: [302] },
        hash_policy: [
          { header: { header_name: "x-e" }, terminal: true },
          { cookie: { name: "c", ttl: "5s", path: "/" } },
          { connection_properties: { source_ip: true } },
          { query_parameter: { name: "q" } },
        ],
      },
      response_headers_to_add: [{ header: { key: "x-f", value: "1" }, append_action: "OVERWRITE_IF_EXISTS" }],
    },
    { match: { path_separated_prefix: "/a" }, route: { cluster_header: "x-g", prefix_rewrite: "/" } },
    {
      match: { safe_regex: { regex: "/b.*" } },
      redirect: { host_redirect: "new.example", port_redirect: 8443, path_redirect: "/é", response_code: "FOUND" },
    },
    { match: { prefix: "/c" }, redirect: { https_redirect: true, prefix_rewrite: "/d", strip_query: true } },
    { match: { prefix: "/d" }, direct_response: { status: 503, body: { inline_string: "gone é" } } },
    { match: { connect_matcher: {} }, route: { cluster: "weighted", timeout: "0s" } },
  ];
  const routes = {
    name: "inline",
    virtual_hosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [...conditionalRoutes, { match: { prefix: "/" }, route: { cluster: "weighted" } }],
        request_headers_to_add: [{ header: { key: "x-a", value: "100%% %REQ(:path?x)% é" } }],
        response_headers_to_remove: ["x-b"],
      },
    ],
  };
  const filter = (name: string, type: string, fields: Json) => ({
    name: `envoy.filters.network.${name}`,
    typed_config: {
      "@type": `type.googleapis.com/envoy.extensions.filters.network.${type}`,
      stat_prefix: "x",
      ...fields,
    },
  });
  const proxy = (fields: Json) => ({ filters: [filter("tcp_proxy", "tcp_proxy.v3.TcpProxy", fields)] });
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
  };
  const manager = filter("http_connection_manager", "http_connection_manager.v3.HttpConnectionManager", {
    route_config: routes,
    http_filters: [router],
  });
  const bind = (address: string, port_value: number, fields: Json = {}) => ({
    address: { socket_address: { address, port_value, ...fields } },
  });
  const listeners = [
    {
      name: "chains",
      ...bind("0.0.0.0", 80),
      filter_chains: [
        {
          name: "ten",
          filter_chain_match: { prefix_ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] },
          ...proxy({ cluster: "ring" }),
        },
        {
          filter_chain_match: { destination_port: 80 },
          ...proxy({ cluster: "maglev", hash_policy: [{ source_ip: {} }] }),
        },
      ],
      default_filter_chain: proxy({
        weighted_clusters: {
          clusters: [
            { name: "ring", weight: 3 },
            { name: "weighted", weight: 1 },
          ],
        },
      }),
    },
    { name: "both", ...bind("::", 81, { ipv4_compat: true }), filter_chains: [proxy({ cluster: "plain" })] },
    {
      name: "more",
      ...bind("127.96.0.1", 82),
      additional_addresses: [bind("2001:db8::1", 82)],
      filter_chains: [{ filters: [manager] }],
    },
  ];
  const host = (address: string, fields: Json = {}) => ({ endpoint: bind(address, 9000), ...fields });
  const cluster = (
    name: string,
    fields: Json,
    endpoints: readonly Json[] = [{ lb_endpoints: [host("127.0.0.1")] }],
  ) => ({
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints },
    ...fields,
  });
  const clusters = [
    cluster("plain", {}),
    cluster("ring", { lb_policy: "RING_HASH", ring_hash_lb_config: { minimum_ring_size: 64 } }),
    cluster("maglev", {
      lb_policy: "MAGLEV",
      maglev_lb_config: { table_size: 251 },
      common_lb_config: { healthy_panic_threshold: { value: 12.5 } },
    }),
    cluster(
      "weighted",
      {
        lb_policy: "LEAST_REQUEST",
        least_request_lb_config: { choice_count: 3 },
        common_lb_config: { locality_weighted_lb_config: {} },
        circuit_breakers: { thresholds: [{ max_connections: 0 }] },
      },
      [
        {
          locality: { region: "eu", zone: "eu-1" },
          load_balancing_weight: 2,
          lb_endpoints: [host("127.0.0.1", { health_status: "DEGRADED" })],
        },
        {
          locality: { region: "us" },
          load_balancing_weight: 1,
          priority: 1,
          lb_endpoints: [host("::1", { load_balancing_weight: 7 })],
        },
      ],
    ),
    { name: "through", type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED" },
  ];

  function read(resources: Json): Snapshot {
    const directory = mkdtempSync(join(tmpdir(), "kmesh-edge-dump-"));
    try {
      const path = join(directory, "mesh.json");
      writeFileSync(path, JSON.stringify({ static_resources: resources }));
      const { rejections, snapshot } = readMeshFile(path);
      expect(rejections).toEqual([]);
      return snapshot;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Static resources of a bootstrap are messages, not Any: without their type. */
  function untyped(entry: unknown): Json {
    const { "@type": _, ...fields } = entry as Json;
    return fields;
  }

  test("and is the same", async () => {
    const before = read({ listeners, clusters });
    const configs = await dump(fixtureView({ snapshot: () => before }));
    const after = read({
      listeners: entries(configs, "static_listeners").map(({ listener }) => untyped(listener)),
      clusters: entries(configs, "static_clusters").map((one) => untyped(one.cluster)),
    });
    expect([...after.cluster.values()]).toEqual([...before.cluster.values()]);
    expect([...after.listener.values()]).toEqual([...before.listener.values()]);
  });
});
