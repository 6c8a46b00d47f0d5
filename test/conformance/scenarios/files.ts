// Bootstraps that are refused: by both, or by kmesh-edge alone where it can't honour what the file asks for.
import type { DifferenceId } from "../differences.ts";
import { bootstrap, cluster, httpManagerWith, type Json, listener, socketAddress, tcpProxy } from "../mesh.ts";

export interface FileCase {
  readonly name: string;
  readonly text: string;
  /** Envoy takes it. */
  readonly difference?: DifferenceId;
}

const at = "127.96.1.1:80";
const lb = "type.googleapis.com/envoy.extensions.load_balancing_policies";

/** One listener and its cluster, with more fields in each. */
function file(more: { readonly cluster?: Json; readonly proxy?: Json; readonly listener?: Json }): string {
  return bootstrap(
    [listener("l", at, [{ filter: tcpProxy("c", more.proxy) }], more.listener)],
    [cluster("c", { endpoints: ["a"], more: more.cluster ?? {} })],
  );
}

function assigned(...endpoints: readonly Json[]): Json {
  return { load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: endpoints }] } };
}

const endpoint = { endpoint: { address: socketAddress("127.0.1.1:8080") } };
const toC = { match: { prefix: "/" }, route: { cluster: "c" } };
const canary = {
  ...{ match: { prefix: "/", headers: [{ name: "x-canary", string_match: { exact: "1" } }] } },
  route: { cluster: "d" },
};

export const acceptedByBoth: readonly FileCase[] = [
  { name: "nothing out of the ordinary", text: file({}) },
  {
    name: "health_checks",
    text: file({
      cluster: {
        health_checks: [
          { timeout: "1s", interval: "9s", unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} },
        ],
      },
    }),
  },
  {
    name: "routes by header",
    text: bootstrap(
      [listener("l", at, [{ filter: httpManagerWith([{ name: "all", domains: ["*"], routes: [canary, toC] }]) }])],
      [cluster("c", { endpoints: ["v"] }), cluster("d", { endpoints: ["w"] })],
    ),
  },
  { name: "a cluster that no listener names", text: bootstrap([], [cluster("c", { endpoints: ["a"] })]) },
  {
    name: "a priority left out",
    text: file({
      cluster: { load_assignment: { cluster_name: "c", endpoints: [{ priority: 2, lb_endpoints: [endpoint] }] } },
    }),
  },
];

export const refusedByBoth: readonly FileCase[] = [
  { name: "an endpoint of weight 0", text: file({ cluster: assigned({ ...endpoint, load_balancing_weight: 0 }) }) },
  {
    name: "a tcp_proxy cluster of weight 0",
    text: file({ proxy: { cluster: undefined, weighted_clusters: { clusters: [{ name: "c", weight: 0 }] } } }),
  },
  {
    name: "weighted clusters without one",
    text: file({ proxy: { cluster: undefined, weighted_clusters: { clusters: [] } } }),
  },
  { name: "an unknown field", text: file({ cluster: { lb_polcy: "RANDOM" } }) },
  { name: "an unknown enum value", text: file({ cluster: { lb_policy: "FASTEST" } }) },
  { name: "a text for a number", text: file({ proxy: { max_connect_attempts: "many" } }) },
  { name: "max_connect_attempts 0", text: file({ proxy: { max_connect_attempts: 0 } }) },
  { name: "a panic threshold over 100 %", text: file({ cluster: panicAt(101) }) },
  { name: "a name for an IP address", text: file({ listener: { address: socketAddress("shop.test:80") } }) },
  { name: "a port over 65535", text: file({ listener: { address: socketAddress("127.96.1.1:65536") } }) },
  { name: "no filter chain", text: file({ listener: { filter_chains: [] } }) },
  { name: "two chains for the same connections", text: file({ listener: twoChains({}) }) },
  {
    name: "two chains for the same prefix, written differently",
    text: file({
      listener: {
        filter_chains: ["127.96.0.1", "127.96.0.2"].map((address_prefix) => ({
          filter_chain_match: { prefix_ranges: [{ address_prefix, prefix_len: 24 }] },
          filters: [tcpProxy("c")],
        })),
      },
    }),
  },
  {
    name: "a prefix longer than an address",
    text: file({
      listener: twoChains({ prefix_ranges: [{ address_prefix: "127.96.0.0", prefix_len: 33 }] }),
    }),
  },
  {
    name: "two clusters of one name",
    text: bootstrap([], [cluster("c", { endpoints: ["a"] }), cluster("c", { endpoints: ["b"] })]),
  },
  {
    name: "two listeners of one address",
    text: bootstrap(
      [listener("l", at, [{ filter: tcpProxy("c") }]), listener("m", at, [{ filter: tcpProxy("c") }])],
      [cluster("c", { endpoints: ["a"] })],
    ),
  },
  {
    name: "a ring larger than its largest",
    text: file({ cluster: ringOf({ minimum_ring_size: 99, maximum_ring_size: 9 }) }),
  },
  {
    name: "a Maglev table that isn't a prime",
    text: file({ cluster: { lb_policy: "MAGLEV", maglev_lb_config: { table_size: 250 } } }),
  },
  {
    name: "choice_count 1",
    text: file({ cluster: { lb_policy: "LEAST_REQUEST", least_request_lb_config: { choice_count: 1 } } }),
  },
  { name: "a cluster without a name", text: bootstrap([], [cluster("", { endpoints: ["a"] })]) },
  { name: "no YAML", text: "static_resources: [" },
];

export const refusedByUs: readonly FileCase[] = [
  {
    name: "a chain without filters",
    difference: "no-filters",
    text: file({ listener: { filter_chains: [{ filters: [] }] } }),
  },
  {
    name: "an unknown cluster",
    difference: "unknown-cluster",
    text: bootstrap([listener("l", at, [{ filter: tcpProxy("nowhere") }])], []),
  },
  {
    name: "STRICT_DNS",
    difference: "dns-clusters",
    text: file({
      cluster: {
        type: "STRICT_DNS",
        ...assigned({ endpoint: { address: socketAddress("localhost:8080") } }),
      },
    }),
  },
  {
    name: "subset selectors",
    difference: "subset-selectors",
    text: file({ cluster: { lb_subset_config: { subset_selectors: [{ keys: ["version"] }] } } }),
  },
  {
    name: "slow start",
    difference: "slow-start",
    text: file({
      cluster: {
        load_balancing_policy: {
          policies: [
            {
              typed_extension_config: {
                name: "rr",
                typed_config: {
                  "@type": `${lb}.round_robin.v3.RoundRobin`,
                  slow_start_config: { slow_start_window: "60s" },
                },
              },
            },
          ],
        },
      },
    }),
  },
  {
    name: "bounded loads",
    difference: "bounded-loads",
    text: file({
      cluster: {
        lb_policy: "RING_HASH",
        common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 150 } },
      },
    }),
  },
  {
    name: "drop_overloads",
    difference: "drop-overload",
    text: file({
      cluster: {
        load_assignment: {
          cluster_name: "c",
          endpoints: [{ lb_endpoints: [endpoint] }],
          policy: { drop_overloads: [{ category: "lottery", drop_percentage: { numerator: 10 } }] },
        },
      },
    }),
  },
  {
    name: "chains by source address",
    difference: "source-match",
    text: file({
      listener: {
        filter_chains: [
          {
            filter_chain_match: { source_prefix_ranges: [{ address_prefix: "127.0.2.0", prefix_len: 24 }] },
            filters: [tcpProxy("c")],
          },
        ],
      },
    }),
  },
];

function panicAt(value: number): Json {
  return { common_lb_config: { healthy_panic_threshold: { value } } };
}

function ringOf(config: Json): Json {
  return { lb_policy: "RING_HASH", ring_hash_lb_config: config };
}

function twoChains(match: Json): Json {
  return {
    filter_chains: ["one", "two"].map((name) => ({ name, filter_chain_match: match, filters: [tcpProxy("c")] })),
  };
}
