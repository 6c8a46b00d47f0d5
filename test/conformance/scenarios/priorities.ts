// Health, priorities, failover, overprovisioning, panic, and localities by weight.
import { type ClusterSpec, cluster, type EndpointSpec, listener, tcpProxy } from "../mesh.ts";
import { exactly, oneCluster, only, refused, type Scenario, shares } from "../scenario.ts";

const sick = (name: string): EndpointSpec => ({ name, health: "UNHEALTHY" });
const degraded = (name: string): EndpointSpec => ({ name, health: "DEGRADED" });
const panic = (percent: number, more: object = {}) => ({
  common_lb_config: { healthy_panic_threshold: { value: percent }, ...more },
});
const noPanic = panic(0);
const byLocality = { common_lb_config: { locality_weighted_lb_config: {} } };
const failOnPanic = { common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } } };

const health: readonly Scenario[] = [
  ...(["UNHEALTHY", "DRAINING", "TIMEOUT"] as const).map((state) =>
    oneCluster(
      `an endpoint that is ${state} isn't chosen`,
      { endpoints: ["a", "b", { name: "c", health: state }] },
      exactly({ a: 10, b: 10 }),
    ),
  ),
  oneCluster(
    "UNKNOWN is healthy",
    { endpoints: ["a", { name: "b", health: "UNKNOWN" }, { name: "c", health: "HEALTHY" }] },
    exactly({ a: 10, b: 10, c: 10 }),
  ),
  oneCluster(
    "degraded endpoints get what the healthy can't carry",
    { endpoints: ["a", degraded("b"), degraded("c"), degraded("d")] },
    // 140 % of one in four is 35 %; the rest is the degraded ones'.
    shares({ a: 35 * 3, b: 65, c: 65, d: 65 }),
  ),
  oneCluster("degraded endpoints alone", { endpoints: [degraded("a"), degraded("b")] }, exactly({ a: 10, b: 10 })),
  oneCluster(
    "degraded endpoints of a healthy cluster",
    { endpoints: ["a", "b", "c", degraded("d")] },
    exactly({ a: 9, b: 9, c: 9 }),
  ),
];

const panicking: readonly Scenario[] = [
  oneCluster(
    "below the panic threshold every endpoint is chosen",
    { endpoints: ["a", sick("b"), sick("c")] },
    exactly({ a: 10, b: 10, c: 10 }),
  ),
  oneCluster("at the panic threshold only the healthy ones", { endpoints: ["a", sick("b")] }, only("a")),
  oneCluster(
    "a panic threshold of its own",
    { endpoints: ["a", "b", sick("c"), sick("d")], more: panic(60) },
    exactly({ a: 5, b: 5, c: 5, d: 5 }),
  ),
  oneCluster(
    "no panic: the last healthy one has everything",
    { endpoints: ["a", sick("b"), sick("c")], more: noPanic },
    only("a"),
  ),
  oneCluster("no panic and nobody healthy", { endpoints: [sick("a"), sick("b")], more: noPanic }, refused),
  oneCluster("nobody healthy", { endpoints: [sick("a"), sick("b")] }, exactly({ a: 5, b: 5 })),
  oneCluster("fail_traffic_on_panic", { endpoints: ["a", sick("b"), sick("c")], more: failOnPanic }, refused),
  oneCluster(
    "fail_traffic_on_panic without panic",
    { endpoints: ["a", "b", sick("c")], more: failOnPanic },
    exactly({ a: 6, b: 6 }),
  ),
];

function tiers(...names: readonly (readonly (string | EndpointSpec)[])[]): Pick<ClusterSpec, "localities"> {
  return { localities: names.map((endpoints, priority) => ({ endpoints, priority })) };
}

const failover: readonly Scenario[] = [
  oneCluster("the first priority has everything while it can", tiers(["a", "b"], ["c"]), exactly({ a: 5, b: 5 })),
  oneCluster(
    "overprovisioning carries the loss of a quarter",
    tiers(["a", "b", "c", sick("d")], ["e"]),
    exactly({ a: 5, b: 5, c: 5 }),
  ),
  oneCluster("half of a priority lost", tiers(["a", sick("b")], ["c"]), shares({ a: 70, c: 30 })),
  oneCluster(
    "half of a priority lost, without overprovisioning",
    { ...tiers(["a", sick("b")], ["c"]), overprovisioning: 100 },
    shares({ a: 50, c: 50 }),
  ),
  oneCluster("a priority lost", tiers([sick("a"), sick("b")], ["c", "d"]), exactly({ c: 5, d: 5 })),
  oneCluster("the third priority", tiers([sick("a")], [sick("b")], ["c"]), only("c")),
  oneCluster(
    "three priorities share",
    tiers(["a", sick("e"), sick("f"), sick("g")], ["b", sick("h")], ["c"]),
    // 35 %, then 70 % of what it could, but only 65 % are left.
    shares({ a: 35, b: 65 }),
  ),
  oneCluster(
    "no priority can carry the load: all in panic by their sizes",
    tiers(["a", sick("b"), sick("c"), sick("d")], ["e", sick("f"), sick("g"), sick("h")]),
    shares({ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1 }),
  ),
  oneCluster(
    "one of two priorities in panic",
    tiers(["a", sick("b"), sick("c"), sick("d"), sick("g")], ["e", sick("f")]),
    // 28 % and 70 % make 98: 29 % (with the rounding's rest) and 71 %, the first over all of its endpoints.
    shares({ a: 29, b: 29, c: 29, d: 29, g: 29, e: 71 * 5 }),
  ),
  oneCluster("an empty first priority", tiers([], ["a", "b"]), exactly({ a: 5, b: 5 })),
  oneCluster(
    "degraded endpoints before the next priority's",
    tiers(["a", degraded("b")], ["c"]),
    shares({ a: 70, c: 30 }),
  ),
];

const localities: readonly Scenario[] = [
  oneCluster(
    "locality weights",
    {
      localities: [
        { zone: "x", weight: 3, endpoints: ["a", "b"] },
        { zone: "y", weight: 1, endpoints: ["c"] },
      ],
      more: byLocality,
    },
    shares({ a: 3, b: 3, c: 2 }),
  ),
  oneCluster(
    "locality weights are ignored unless asked for",
    {
      localities: [
        { zone: "x", weight: 3, endpoints: ["a", "b"] },
        { zone: "y", weight: 1, endpoints: ["c"] },
      ],
    },
    exactly({ a: 10, b: 10, c: 10 }),
  ),
  oneCluster(
    "a locality without weight gets nothing",
    {
      localities: [
        { zone: "x", weight: 1, endpoints: ["a"] },
        { zone: "y", endpoints: ["b"] },
      ],
      more: byLocality,
    },
    only("a"),
  ),
  oneCluster(
    "a locality that has lost half of its endpoints gets less",
    {
      localities: [
        { zone: "x", weight: 1, endpoints: ["a", sick("b")] },
        { zone: "y", weight: 1, endpoints: ["c", "d"] },
      ],
      more: byLocality,
    },
    shares({ a: 7, c: 5, d: 5 }),
  ),
  oneCluster(
    "locality weights and endpoint weights",
    {
      localities: [
        {
          ...{ zone: "x", weight: 2 },
          endpoints: [
            { name: "a", weight: 1 },
            { name: "b", weight: 3 },
          ],
        },
        { zone: "y", weight: 1, endpoints: ["c"] },
      ],
      more: byLocality,
    },
    shares({ a: 2, b: 6, c: 4 }),
  ),
  {
    name: "a cluster whose localities are empty",
    build: ({ vip, id }) => ({
      listeners: [listener(id, `${vip}:80`, [{ filter: tcpProxy(id) }])],
      clusters: [cluster(id, { localities: [{ zone: "x", weight: 1, endpoints: [] }], more: byLocality })],
      probes: [{ at: `${vip}:80`, ...refused }],
    }),
  },
];

export const priorities: readonly Scenario[] = [...health, ...panicking, ...failover, ...localities];
