import { expect, test } from "bun:test";
import type { SocketAddress } from "../ip.ts";
import { type Cluster, unknownCluster } from "./cluster.ts";
import type { EndpointAssignment } from "./endpoint.ts";
import { connectionManager, routeConfiguration, routeTo, virtualHost } from "./http.fixture.ts";
import type { Filter, Listener } from "./listener.ts";
import { type GivenUp, nothingGivenUp, type Ready, ready } from "./ready.ts";
import type { RouteConfiguration } from "./route.ts";
import type { Snapshot } from "./snapshot.ts";

const address: SocketAddress = { address: { family: 4, bytes: new Uint8Array(16) }, port: 80 };

function cluster(name: string, serviceName: string | undefined = name): Cluster {
  return { ...unknownCluster(name), discovery: { type: "eds", serviceName } };
}

function fixed(name: string): Cluster {
  return { ...cluster(name), discovery: { type: "static", assignment: assignment(name) } };
}

function assignment(name: string): EndpointAssignment {
  return { name, overprovisioningPercent: 140, localities: [] };
}

function listener(name: string, ...filters: readonly Filter[]): Listener {
  return {
    name,
    address,
    ipv4Compat: false,
    additionalAddresses: [],
    role: "outbound",
    filterChains: filters.map((filter) => ({
      name: "",
      match: { destinationPort: undefined, prefixes: [], httpOnly: false },
      filter,
      needs: [],
    })),
    defaultFilterChain: undefined,
    findings: [],
    needs: [],
  };
}

function tcp(weights: Readonly<Record<string, number>>): Filter {
  const clusters = Object.entries(weights).map(([name, weight]) => ({ cluster: name, weight }));
  return { type: "tcp_proxy", clusters, hashSourceIp: false };
}

function rds(name: string): Filter {
  return connectionManager({ source: "rds", name });
}

function inline(configuration: RouteConfiguration): Filter {
  return connectionManager({ source: "inline", configuration });
}

function route(name: string, ...clusters: readonly string[]): RouteConfiguration {
  const routes = clusters.map((cluster) => routeTo(cluster));
  return routeConfiguration(name, [virtualHost("all", ["*"], routes)]);
}

interface Parts {
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly EndpointAssignment[];
  readonly listeners?: readonly Listener[];
  readonly routes?: readonly RouteConfiguration[];
}

function snapshot({ clusters = [], endpoints = [], listeners = [], routes = [] }: Parts): Snapshot {
  const byName = <M extends { readonly name: string }>(models: readonly M[]): Map<string, M> =>
    new Map(models.map((model) => [model.name, model]));
  return {
    cluster: byName(clusters),
    endpoint: byName(endpoints),
    listener: byName(listeners),
    route: byName(routes),
  };
}

function names({ snapshot: { cluster, endpoint, listener, route } }: Ready): string {
  const all = [cluster, endpoint, listener, route].map((it) => [...it.keys()].join(" "));
  return all.join(" | ");
}

function waits({ waiting }: Ready): string[] {
  return waiting.map((it) => {
    const references = it.for.map(({ type, name }) => `${type} ${name}`).join(", ");
    return `${it.type} ${it.name} for ${references}${it.hasPrevious ? " (previous in effect)" : ""}`;
  });
}

function givenUp(part: { cluster?: string[]; endpoint?: string[] }): GivenUp {
  return { cluster: new Set(part.cluster), endpoint: new Set(part.endpoint) };
}

// clusters | endpoints | listeners | routes
const first: readonly [string, Parts, GivenUp, string, string[]][] = [
  [
    "everything is there",
    { clusters: [cluster("a")], endpoints: [assignment("a")] },
    nothingGivenUp,
    "a | a |  | ",
    [],
  ],
  ["a static cluster needs nothing", { clusters: [fixed("a")] }, nothingGivenUp, "a |  |  | ", []],
  [
    "endpoints are late",
    { clusters: [cluster("a"), fixed("b")] },
    nothingGivenUp,
    "b |  |  | ",
    ["cluster a for endpoint a"],
  ],
  [
    "endpoints go by the service name",
    { clusters: [cluster("a", "svc")], endpoints: [assignment("svc")] },
    nothingGivenUp,
    "a | svc |  | ",
    [],
  ],
  ["endpoints were given up", { clusters: [cluster("a")] }, givenUp({ endpoint: ["a"] }), "a |  |  | ", []],
  [
    "a listener waits for a cluster that waits for endpoints",
    { clusters: [cluster("a"), fixed("b")], listeners: [listener("l", tcp({ a: 1, b: 1 }))] },
    nothingGivenUp,
    "b |  |  | ",
    ["cluster a for endpoint a", "listener l for cluster a"],
  ],
  [
    "a listener waits for every weighted cluster, but not for weight 0",
    { clusters: [fixed("a")], listeners: [listener("l", tcp({ a: 1, b: 1, zero: 0 }))] },
    nothingGivenUp,
    "a |  |  | ",
    ["listener l for cluster b"],
  ],
  [
    "a cluster that doesn't come was given up",
    { clusters: [fixed("a")], listeners: [listener("l", tcp({ a: 1, b: 1 }))] },
    givenUp({ cluster: ["b"] }),
    "a |  | l | ",
    [],
  ],
  [
    "a listener waits for its routes",
    { listeners: [listener("l", rds("80"))] },
    nothingGivenUp,
    " |  |  | ",
    ["listener l for route 80"],
  ],
  [
    "a listener waits for its routes' clusters",
    { listeners: [listener("l", rds("80"))], routes: [route("80", "a", "b")], clusters: [fixed("b")] },
    nothingGivenUp,
    "b |  |  | ",
    ["route 80 for cluster a", "listener l for route 80"],
  ],
  [
    "inline routes' clusters, too",
    { listeners: [listener("l", inline(route("80", "a")))] },
    nothingGivenUp,
    " |  |  | ",
    ["listener l for cluster a"],
  ],
  [
    "all of it",
    {
      listeners: [listener("l", rds("80"), tcp({ b: 1 }))],
      routes: [route("80", "a")],
      clusters: [cluster("a"), fixed("b")],
      endpoints: [assignment("a")],
    },
    nothingGivenUp,
    "a b | a | l | 80",
    [],
  ],
  [
    "listeners that aren't governed wait for nothing",
    {
      listeners: [
        { ...listener("in", tcp({ a: 1 })), role: "inbound" },
        { ...listener("out", rds("x")), role: "catch_all" },
      ],
    },
    nothingGivenUp,
    " |  | in out | ",
    [],
  ],
];

test.each(first)("ready: %s", (_, parts, absent, expected, waiting) => {
  const result = ready(snapshot(parts), undefined, absent);
  expect(names(result)).toBe(expected);
  expect(waits(result)).toEqual(waiting);
});

test("ready: the resources are the very same ones", () => {
  const parts = { clusters: [cluster("a")], endpoints: [assignment("a")], listeners: [listener("l", tcp({ a: 1 }))] };
  const result = ready(snapshot(parts), undefined, nothingGivenUp).snapshot;
  expect(result.cluster.get("a")).toBe(parts.clusters[0] as Cluster);
  expect(result.endpoint.get("a")).toBe(parts.endpoints[0] as EndpointAssignment);
  expect(result.listener.get("l")).toBe(parts.listeners[0] as Listener);
});

test("ready: a changed listener stays in its previous version until its new cluster is there", () => {
  const a = fixed("a");
  const v1 = listener("l", tcp({ a: 1 }));
  const v2 = listener("l", tcp({ b: 1 }));
  const one = ready(snapshot({ clusters: [a], listeners: [v1] }), undefined, nothingGivenUp);
  const two = ready(snapshot({ clusters: [a], listeners: [v2] }), one, nothingGivenUp);
  expect(two.snapshot.listener.get("l")).toBe(v1);
  expect(waits(two)).toEqual(["listener l for cluster b (previous in effect)"]);
  const three = ready(snapshot({ clusters: [a, fixed("b")], listeners: [v2] }), two, nothingGivenUp);
  expect(three.snapshot.listener.get("l")).toBe(v2);
  expect(three.waiting).toEqual([]);
});

test("ready: a changed cluster stays in its previous version, with its previous endpoints, until the new ones are there", () => {
  const v1 = cluster("a", "blue");
  const v2 = cluster("a", "green");
  const blue = assignment("blue");
  const one = ready(snapshot({ clusters: [v1], endpoints: [blue] }), undefined, nothingGivenUp);
  const two = ready(snapshot({ clusters: [v2] }), one, nothingGivenUp);
  expect(two.snapshot.cluster.get("a")).toBe(v1);
  expect(two.snapshot.endpoint.get("blue")).toBe(blue);
  const three = ready(snapshot({ clusters: [v2], endpoints: [assignment("green")] }), two, nothingGivenUp);
  expect(names(three)).toBe("a | green |  | ");
});

test("ready: a changed listener keeps its previous routes; changed routes stay until their clusters are there", () => {
  const a = fixed("a");
  const one = ready(
    snapshot({ clusters: [a], listeners: [listener("l", rds("80"))], routes: [route("80", "a")] }),
    undefined,
    nothingGivenUp,
  );
  const moved = ready(snapshot({ clusters: [a], listeners: [listener("l", rds("81"))] }), one, nothingGivenUp);
  expect(names(moved)).toBe("a |  | l | 80");
  const arrived = ready(
    snapshot({ clusters: [a], listeners: [...moved.source.listener.values()], routes: [route("81", "a")] }),
    moved,
    nothingGivenUp,
  );
  expect(names(arrived)).toBe("a |  | l | 81");
  const changed = ready(
    snapshot({ clusters: [a], listeners: [...moved.source.listener.values()], routes: [route("81", "new")] }),
    arrived,
    nothingGivenUp,
  );
  expect(changed.snapshot.route.get("81")).toBe(arrived.snapshot.route.get("81") as RouteConfiguration);
  expect(waits(changed)).toEqual(["route 81 for cluster new (previous in effect)"]);
});

const all = snapshot({
  clusters: [cluster("a"), fixed("b")],
  endpoints: [assignment("a")],
  listeners: [listener("l", rds("80")), listener("t", tcp({ b: 1 }))],
  routes: [route("80", "a")],
});

const later: readonly [string, Snapshot, string][] = [
  ["a listener that is gone goes at once", { ...all, listener: new Map() }, "a b | a |  | 80"],
  [
    "a cluster that is gone goes at once, though a listener still names it",
    { ...all, cluster: new Map() },
    " | a | l t | 80",
  ],
  [
    "endpoints that are gone are gone: none of them is used again",
    { ...all, endpoint: new Map() },
    "a b |  | l t | 80",
  ],
  ["routes that are gone stay as long as a listener has them", { ...all, route: new Map() }, "a b | a | l t | 80"],
  ["and no longer", { ...all, route: new Map(), listener: new Map() }, "a b | a |  | "],
];

test.each(later)("ready: %s", (_, next, expected) => {
  const before = ready(all, undefined, nothingGivenUp);
  expect(names(before)).toBe("a b | a | l t | 80");
  const result = ready(next, before, nothingGivenUp);
  expect(names(result)).toBe(expected);
  expect(result.waiting).toEqual([]);
});

test("ready: unchanged types keep their map, so that nothing is looked at twice", () => {
  const before = ready(all, undefined, nothingGivenUp);
  const next = ready({ ...all, endpoint: new Map([["a", assignment("a")]]) }, before, nothingGivenUp);
  expect(next.snapshot.cluster).toBe(before.snapshot.cluster);
  expect(next.snapshot.listener).toBe(before.snapshot.listener);
  expect(next.snapshot.route).toBe(before.snapshot.route);
  expect(next.danglingClusters).toBe(before.danglingClusters);
});

test("ready: names the clusters that don't exist, for as long as somebody refers to them", () => {
  const parts = {
    listeners: [listener("l", rds("80"), tcp({ x: 1 }))],
    routes: [route("80", "y", "a")],
    clusters: [fixed("a")],
  };
  const one = ready(snapshot(parts), undefined, nothingGivenUp);
  expect([...one.danglingClusters].sort()).toEqual(["x", "y"]);
  const two = ready(snapshot(parts), one, givenUp({ cluster: ["x", "y"] }));
  expect(names(two)).toBe("a |  | l | 80");
  expect([...two.danglingClusters].sort()).toEqual(["x", "y"]);
  const three = ready(snapshot({ ...parts, clusters: [fixed("a"), fixed("x")] }), two, nothingGivenUp);
  expect([...three.danglingClusters]).toEqual(["y"]);
});
