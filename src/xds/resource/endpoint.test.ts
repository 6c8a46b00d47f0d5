import { describe, expect, test } from "bun:test";
import { formatSocketAddress } from "../../ip.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const address = (ip: string, port = 80): string =>
  `address: { socket_address: { address: "${ip}", port_value: ${port} } }`;
const assignment = (endpoint: string, group = ""): string =>
  `cluster_name: a\nendpoints: [{ ${group} lb_endpoints: [{ ${endpoint} }] }]`;
const endpointOf = (yaml: string): Endpoint | undefined => modelOf("endpoint", yaml).localities[0]?.endpoints[0];

describe("what an endpoint becomes", () => {
  const cases: readonly [yaml: string, expected: Partial<Endpoint>][] = [
    [
      `endpoint: { ${address("10.0.0.1")} }`,
      { weight: 1, health: "healthy", hostname: "", hashKey: "", transportSocketMatch: "" },
    ],
    [
      `metadata: { filter_metadata: { envoy.lb: { hash_key: blue } } }, endpoint: { ${address("10.0.0.1")} }`,
      { hashKey: "blue" },
    ],
    [
      `load_balancing_weight: 4294967295, endpoint: { ${address("10.0.0.1")}, hostname: h }`,
      { weight: 4294967295, hostname: "h" },
    ],
    [`health_status: HEALTHY, endpoint: { ${address("10.0.0.1")} }`, { health: "healthy" }],
    [`health_status: UNHEALTHY, endpoint: { ${address("10.0.0.1")} }`, { health: "unhealthy" }],
    [`health_status: DRAINING, endpoint: { ${address("10.0.0.1")} }`, { health: "unhealthy" }],
    [`health_status: TIMEOUT, endpoint: { ${address("10.0.0.1")} }`, { health: "unhealthy" }],
    [`health_status: DEGRADED, endpoint: { ${address("10.0.0.1")} }`, { health: "degraded" }],
    [
      `metadata: { filter_metadata: { envoy.transport_socket_match: { tlsMode: istio, a: 1 }, other: {} } }, endpoint: { ${address("10.0.0.1")} }`,
      { transportSocketMatch: '{"a":1,"tlsMode":"istio"}' },
    ],
  ];
  test.each([...cases])("%s", (yaml, expected) => {
    expect(endpointOf(assignment(yaml))).toMatchObject(expected);
  });
});

test("addresses of both families", () => {
  const { localities } = modelOf(
    "endpoint",
    `cluster_name: a
endpoints:
- locality: { region: r, zone: z }
  load_balancing_weight: 7
  priority: 128
  lb_endpoints: [{ endpoint: { ${address("10.0.0.1", 65535)} } }, { endpoint: { ${address("2001:db8::1")} } }]`,
  );
  expect(localities.map(({ locality, priority, weight }) => ({ locality, priority, weight }))).toEqual([
    { locality: "r/z", priority: 128, weight: 7 },
  ]);
  expect(localities[0]?.endpoints.map((endpoint) => formatSocketAddress(endpoint.address))).toEqual([
    "10.0.0.1:65535",
    "[2001:db8::1]:80",
  ]);
});

test("a weight without a locality doesn't count, as in Envoy; with an empty one it does", () => {
  const weightOf = (group: string): number | undefined =>
    modelOf("endpoint", assignment(`endpoint: { ${address("10.0.0.1")} }`, `${group} load_balancing_weight: 3,`))
      .localities[0]?.weight;
  expect([weightOf(""), weightOf("locality: {},")]).toEqual([0, 3]);
});

test("of equal addresses the first one stays, and it is said", () => {
  const yaml = `cluster_name: a\nendpoints: [{ lb_endpoints: [{ endpoint: { ${address("10.0.0.1")} }, load_balancing_weight: 5 }, { endpoint: { ${address("10.0.0.1")} } }] }]`;
  expect(modelOf("endpoint", yaml).localities[0]?.endpoints.map(({ weight }) => weight)).toEqual([5]);
});

describe("what is refused, and where", () => {
  const where = "endpoints[0].lb_endpoints[0]";
  const cases: readonly [yaml: string, ...problems: string[]][] = [
    ["cluster_name: ''", "cluster_name: must not be empty"],
    [assignment("health_status: HEALTHY"), `${where}.endpoint: must be set`],
    [assignment("endpoint: {}"), `${where}.endpoint.address: must be set`],
    [assignment("endpoint: { address: {} }"), `${where}.endpoint.address.address: one of its fields must be set`],
    [
      assignment("endpoint: { address: { pipe: { path: /x } } }"),
      `${where}.endpoint.address.pipe: must be a socket_address`,
    ],
    [assignment("endpoint_name: e"), `${where}.endpoint_name: must be an endpoint with an address`],
    [
      assignment(`endpoint: { ${address("example.com")} }`),
      `${where}.endpoint.address.socket_address.address: "example.com" is not an IP address`,
    ],
    [
      assignment(`endpoint: { ${address("10.0.0.1", 0)} }`),
      `${where}.endpoint.address.socket_address.port_value: must be 1 to 65535`,
    ],
    [
      assignment(`endpoint: { ${address("10.0.0.1", 65536)} }`),
      `${where}.endpoint.address.socket_address.port_value: must be at most 65535`,
    ],
    [
      assignment("endpoint: { address: { socket_address: { protocol: UDP, address: 10.0.0.1, port_value: 80 } } }"),
      `${where}.endpoint.address.socket_address.protocol: only TCP is governed`,
    ],
    [
      assignment(`load_balancing_weight: 0, endpoint: { ${address("10.0.0.1")} }`),
      `${where}.load_balancing_weight: must be at least 1`,
    ],
    [assignment(`health_status: 77, endpoint: { ${address("10.0.0.1")} }`)],
    [
      assignment(`endpoint: { ${address("10.0.0.1")} }`, "priority: 129,"),
      "endpoints[0].priority: must be at most 128",
    ],
    [
      `cluster_name: a\npolicy: { drop_overloads: [{ category: c }], overprovisioning_factor: 0 }`,
      "policy.drop_overloads: connections aren't dropped at random",
      "policy.overprovisioning_factor: must be greater than 0",
    ],
    [
      `cluster_name: a\nendpoints: [{ lb_endpoints: [{ load_balancing_weight: 4294967295, endpoint: { ${address("10.0.0.1")} } }, { endpoint: { ${address("10.0.0.2")} } }] }]`,
      "endpoints[0].lb_endpoints: the sum of the weights must be less than 2^32",
    ],
  ];
  test.each([...cases])("%s", (yaml, ...problems) => {
    expect(rejectionsOf("endpoint", yaml)).toEqual(problems);
  });
});
