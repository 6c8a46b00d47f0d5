import { describe, expect, test } from "bun:test";
import type { Cluster } from "../../model/cluster.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const EDS = "type: EDS\neds_cluster_config: { eds_config: { ads: {} } }";
const TYPE = "type.googleapis.com/envoy.extensions.load_balancing_policies";

const cluster = (yaml: string): string => `name: c\n${yaml}\n`;

describe("what a cluster becomes", () => {
  const cases: readonly [name: string, yaml: string, expected: Partial<Cluster>][] = [
    [
      "static by default",
      "",
      { discovery: { type: "static", assignment: { name: "c", overprovisioningPercent: 140, localities: [] } } },
    ],
    ["EDS by its own name", EDS, { discovery: { type: "eds", serviceName: "c" } }],
    [
      "EDS by service name",
      "type: EDS\neds_cluster_config: { service_name: s, eds_config: { ads: {} } }",
      { discovery: { type: "eds", serviceName: "s" } },
    ],
    [
      "original destination",
      "type: ORIGINAL_DST\nlb_policy: CLUSTER_PROVIDED",
      { discovery: { type: "original_dst" } },
    ],
    ["round robin by default", "", { loadBalancing: { policy: "round_robin" } }],
    ["random", "lb_policy: RANDOM", { loadBalancing: { policy: "random" } }],
    ["least request", "lb_policy: LEAST_REQUEST", { loadBalancing: { policy: "least_request", choiceCount: 2 } }],
    [
      "choices",
      "lb_policy: LEAST_REQUEST\nleast_request_lb_config: { choice_count: 5 }",
      { loadBalancing: { policy: "least_request", choiceCount: 5 } },
    ],
    [
      "ring hash",
      "lb_policy: RING_HASH",
      {
        loadBalancing: {
          policy: "ring_hash",
          minimumRingSize: 1024,
          maximumRingSize: 8388608,
          hashFunction: "xx_hash",
        },
      },
    ],
    [
      "ring sizes",
      "lb_policy: RING_HASH\nring_hash_lb_config: { minimum_ring_size: 7, maximum_ring_size: 9, hash_function: MURMUR_HASH_2 }",
      { loadBalancing: { policy: "ring_hash", minimumRingSize: 7, maximumRingSize: 9, hashFunction: "murmur_hash_2" } },
    ],
    [
      "maglev",
      "lb_policy: MAGLEV\nmaglev_lb_config: { table_size: 251 }",
      { loadBalancing: { policy: "maglev", tableSize: 251 } },
    ],
    [
      "the first supported extension counts",
      `load_balancing_policy: { policies: [
        { typed_extension_config: { name: x, typed_config: { "@type": type.googleapis.com/google.protobuf.Duration, value: 1s } } },
        { typed_extension_config: { name: r, typed_config: { "@type": ${TYPE}.random.v3.Random, locality_lb_config: { locality_weighted_lb_config: {} } } } },
        { typed_extension_config: { name: m, typed_config: { "@type": ${TYPE}.maglev.v3.Maglev } } } ] }`,
      { loadBalancing: { policy: "random" }, localityWeighted: true },
    ],
    [
      "common_lb_config isn't read beside an extension, but for the panic threshold",
      `common_lb_config: { locality_weighted_lb_config: {}, healthy_panic_threshold: { value: 28.9 } }
load_balancing_policy: { policies: [
        { typed_extension_config: { name: h, typed_config: { "@type": ${TYPE}.ring_hash.v3.RingHash, consistent_hashing_lb_config: { use_hostname_for_hashing: true } } } } ] }`,
      { localityWeighted: false, hashByHostname: true, panicThresholdPercent: 28 },
    ],
    ["panic threshold", "common_lb_config: { healthy_panic_threshold: {} }", { panicThresholdPercent: 0 }],
    ["panic threshold by default", "", { panicThresholdPercent: 50 }],
    [
      "fail on panic",
      "common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } }",
      { failTrafficOnPanic: true },
    ],
    ["locality weights", "common_lb_config: { locality_weighted_lb_config: {} }", { localityWeighted: true }],
    ["no thresholds: unlimited", "", { maxConnections: undefined }],
    [
      "thresholds without connections: unlimited",
      "circuit_breakers: { thresholds: [{ max_requests: 3 }] }",
      { maxConnections: undefined },
    ],
    [
      "4294967295 connections: unlimited",
      "circuit_breakers: { thresholds: [{ max_connections: 4294967295 }] }",
      { maxConnections: undefined },
    ],
    ["no connections at all", "circuit_breakers: { thresholds: [{ max_connections: 0 }] }", { maxConnections: 0 }],
    [
      "HIGH isn't DEFAULT",
      "circuit_breakers: { thresholds: [{ priority: HIGH, max_connections: 1 }, { max_connections: 2 }] }",
      { maxConnections: 2 },
    ],
    [
      "subsets without selectors have no effect",
      "lb_subset_config: { fallback_policy: ANY_ENDPOINT }",
      { transportSocket: "raw" },
    ],
    [
      "raw transport socket",
      'transport_socket: { name: x, typed_config: { "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer } }',
      { transportSocket: "raw" },
    ],
    [
      "transport socket matches",
      "transport_socket_matches: [{ name: m, match: { b: 1, a: x }, transport_socket: { name: envoy.transport_sockets.tls } }]",
      { transportSocketMatches: [{ name: "m", match: '{"a":"x","b":1}', socket: "envoy.transport_sockets.tls" }] },
    ],
  ];
  test.each([...cases])("%s", (_, yaml, expected) => {
    expect(modelOf("cluster", cluster(yaml))).toMatchObject(expected);
  });
});

describe("what is refused, and where", () => {
  const cases: readonly [yaml: string, ...problems: string[]][] = [
    ["type: STRICT_DNS", "type: names aren't resolved: use STATIC or EDS with IP addresses"],
    ["type: LOGICAL_DNS", "type: names aren't resolved: use STATIC or EDS with IP addresses"],
    ["type: EDS", "eds_cluster_config.eds_config: must be set for an EDS cluster"],
    ["eds_cluster_config: { eds_config: { ads: {} } }", "eds_cluster_config: is for EDS clusters only"],
    ["type: ORIGINAL_DST", "lb_policy: must be CLUSTER_PROVIDED for an ORIGINAL_DST cluster"],
    ["lb_policy: CLUSTER_PROVIDED", "lb_policy: CLUSTER_PROVIDED is for ORIGINAL_DST clusters"],
    ["lb_policy: MAGLEV\nmaglev_lb_config: { table_size: 252 }", "maglev_lb_config.table_size: must be a prime number"],
    [
      "lb_policy: RING_HASH\nring_hash_lb_config: { minimum_ring_size: 9, maximum_ring_size: 8 }",
      "ring_hash_lb_config.minimum_ring_size: must not be greater than maximum_ring_size (9 > 8)",
    ],
    ["least_request_lb_config: { choice_count: 1 }", "least_request_lb_config.choice_count: must be at least 2"],
    [
      "lb_policy: LEAST_REQUEST\nleast_request_lb_config: { active_request_bias: { default_value: 2, runtime_key: k } }",
      "least_request_lb_config.active_request_bias.default_value: must be 1: weights aren't divided by another power",
    ],
    ["connect_timeout: 0s", "connect_timeout: must be greater than 0s"],
    [
      "round_robin_lb_config: { slow_start_config: { slow_start_window: 1s } }",
      "round_robin_lb_config.slow_start_config: slow start isn't done: weights would be wrong",
    ],
    [
      "common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 120 } }",
      "common_lb_config.consistent_hashing_lb_config.hash_balance_factor: bounded loads aren't balanced: set it to 0",
    ],
    [
      "lb_subset_config: { subset_selectors: [{ keys: [a] }] }",
      "lb_subset_config.subset_selectors: endpoints aren't chosen by metadata: use one cluster per subset",
    ],
    [
      `${EDS}\nfilters: [{ name: f, typed_config: { "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/x.Y } }]`,
      "filters[0].typed_config: x.Y isn't supported",
    ],
    [
      "load_balancing_policy: { policies: [] }",
      "load_balancing_policy.policies: none of nothing is supported: use round_robin, random, least_request, ring_hash or maglev",
    ],
    // All problems are named, not only the first.
    [
      "type: STRICT_DNS\nconnect_timeout: 0s\nmaglev_lb_config: { table_size: 5000012 }\nlb_policy: MAGLEV",
      "connect_timeout: must be greater than 0s",
      "maglev_lb_config.table_size: must be at most 5000011",
      "type: names aren't resolved: use STATIC or EDS with IP addresses",
      "maglev_lb_config.table_size: must be a prime number",
    ],
  ];
  test.each([...cases])("%s", (yaml, ...problems) => {
    expect(rejectionsOf("cluster", cluster(yaml))).toEqual(problems);
  });
});

test("resilience that isn't given is a finding, one for equal ones", () => {
  const { findings } = modelOf(
    "cluster",
    cluster(
      "outlier_detection: {}\ncircuit_breakers: { per_host_thresholds: [{ max_connections: 1 }], thresholds: [{ max_requests: 5, max_retries: 4294967295 }] }",
    ),
  );
  expect(findings.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
    "degraded circuit_breakers.per_host_thresholds",
    "degraded circuit_breakers.thresholds[0].max_requests",
    "degraded outlier_detection",
  ]);
});
