// Policies, endpoint weights and weighted clusters.
import { cluster, listener, tcpProxy } from "../mesh.ts";
import { exactly, oneCluster, only, type Scenario, shares } from "../scenario.ts";

export const balancing: readonly Scenario[] = [
  oneCluster("ROUND_ROBIN takes turns", { endpoints: ["a", "b", "c"] }, exactly({ a: 20, b: 20, c: 20 })),
  oneCluster("ROUND_ROBIN of one", { endpoints: ["a"] }, only("a")),
  oneCluster(
    "ROUND_ROBIN goes by endpoint weights",
    {
      endpoints: [
        { name: "a", weight: 1 },
        { name: "b", weight: 2 },
        { name: "c", weight: 5 },
      ],
    },
    exactly({ a: 10, b: 20, c: 50 }),
  ),
  oneCluster(
    "ROUND_ROBIN with an endpoint that weighs a hundred times as much",
    {
      endpoints: [
        { name: "a", weight: 100 },
        { name: "b", weight: 1 },
      ],
    },
    exactly({ a: 200, b: 2 }),
  ),
  oneCluster(
    "ROUND_ROBIN with weights of a common factor",
    {
      endpoints: [
        { name: "a", weight: 30 },
        { name: "b", weight: 10 },
      ],
    },
    exactly({ a: 30, b: 10 }),
  ),
  oneCluster(
    "ROUND_ROBIN over a long period",
    {
      endpoints: [
        { name: "a", weight: 3000 },
        { name: "b", weight: 2999 },
      ],
    },
    {
      count: 300,
      expect: { kind: "alternates", atLeast: 95, atMost: 100 },
      difference: { id: "long-period", ours: { kind: "alternates", atLeast: 25, atMost: 75 } },
    },
    shares({ a: 3000, b: 2999 }),
  ),
  oneCluster("RANDOM", { policy: "RANDOM", endpoints: ["a", "b", "c", "d"] }, shares({ a: 1, b: 1, c: 1, d: 1 })),
  oneCluster(
    "RANDOM doesn't look at endpoint weights",
    {
      policy: "RANDOM",
      endpoints: [
        { name: "a", weight: 1 },
        { name: "b", weight: 9 },
      ],
    },
    shares({ a: 1, b: 1 }),
  ),
  oneCluster(
    "LEAST_REQUEST without load",
    { policy: "LEAST_REQUEST", endpoints: ["a", "b", "c"] },
    shares({ a: 1, b: 1, c: 1 }),
  ),
  oneCluster(
    "LEAST_REQUEST goes by endpoint weights",
    {
      policy: "LEAST_REQUEST",
      endpoints: [
        { name: "a", weight: 1 },
        { name: "b", weight: 3 },
      ],
    },
    { ...shares({ a: 1, b: 3 }), concurrency: 1 },
  ),
  oneCluster(
    "LEAST_REQUEST evens out open connections",
    { policy: "LEAST_REQUEST", endpoints: ["a", "b", "c"] },
    { count: 90, hold: true, expect: { kind: "within", bounds: { a: [25, 35], b: [25, 35], c: [25, 35] } } },
  ),
  oneCluster(
    "LEAST_REQUEST of more choices than two",
    {
      policy: "LEAST_REQUEST",
      endpoints: ["a", "b", "c", "d"],
      more: { least_request_lb_config: { choice_count: 5 } },
    },
    {
      ...{ count: 80, hold: true },
      expect: { kind: "within", bounds: { a: [16, 24], b: [16, 24], c: [16, 24], d: [16, 24] } },
    },
  ),
  oneCluster(
    "the policy as load_balancing_policy",
    {
      endpoints: ["a", "b"],
      more: {
        load_balancing_policy: {
          policies: [
            {
              typed_extension_config: {
                name: "envoy.load_balancing_policies.round_robin",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
                },
              },
            },
          ],
        },
      },
    },
    exactly({ a: 10, b: 10 }),
  ),
  oneCluster("the same address twice counts twice", { endpoints: ["a", "a", "b"] }, exactly({ a: 20, b: 10 })),
  weighted("weighted clusters", { a: 75, b: 25 }),
  weighted("weighted clusters whose weights don't add up to 100", { a: 1, b: 2, c: 4 }),
  weighted("weighted clusters of large weights", { a: 1_000_000, b: 3_000_000 }),
  weighted("a weighted cluster that gets nearly nothing", { a: 49, b: 1 }, 1500),
  weighted("one weighted cluster", { a: 7 }),
  {
    name: "a weighted cluster without endpoints takes its share of refusals",
    build: ({ vip, id }) => ({
      listeners: [listener(id, `${vip}:80`, [{ filter: tcpProxy({ [`${id}-a`]: 3, [`${id}-none`]: 1 }) }])],
      clusters: [cluster(`${id}-a`, { endpoints: ["a"] }), cluster(`${id}-none`, {})],
      probes: [{ at: `${vip}:80`, ...shares({ a: 3, refused: 1 }) }],
    }),
  },
];

/** A cluster of one endpoint for each name. */
function weighted(name: string, weights: Readonly<Record<string, number>>, count?: number): Scenario {
  const names = Object.keys(weights);
  return {
    name,
    build: ({ vip, id }) => {
      const target = Object.fromEntries(names.map((one) => [`${id}-${one}`, weights[one] ?? 0]));
      return {
        listeners: [listener(id, `${vip}:80`, [{ filter: tcpProxy(target) }])],
        clusters: names.map((one) => cluster(`${id}-${one}`, { endpoints: [one] })),
        probes: [{ at: `${vip}:80`, ...shares(weights, count) }],
      };
    },
  };
}
