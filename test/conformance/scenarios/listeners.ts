// Which listener and which filter chain takes a connection, limits, and what isn't served.
import { type ChainSpec, cluster, httpManager, type Json, listener, nativeBackend, tcpProxy } from "../mesh.ts";
import { exactly, oneCluster, only, type Place, type Probe, refused, type Scenario, shares } from "../scenario.ts";

const nativePort = nativeBackend.port;
const nativeAt = `${nativeBackend.address}:${nativePort}`;
const request = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

/** Clusters of one endpoint each, by letter, and chains to them. */
function chained(name: string, build: (place: Place, to: (letter: string) => Json) => Chained): Scenario {
  return {
    name,
    build: (place) => {
      const used = new Set<string>();
      const to = (letter: string): Json => {
        used.add(letter);
        return tcpProxy(`${place.id}-${letter}`);
      };
      const { listeners, probes } = build(place, to);
      const clusters = [...used].map((letter) => cluster(`${place.id}-${letter}`, { endpoints: [letter] }));
      return { listeners, clusters, probes };
    },
  };
}

interface Chained {
  readonly listeners: readonly Json[];
  readonly probes: readonly Probe[];
}

/** Every address on the scenario's port. */
function wildcard({ id, port }: Place, chains: readonly ChainSpec[], more: Json = {}): readonly Json[] {
  return [listener(id, `0.0.0.0:${port}`, chains, more)];
}

const chains: readonly Scenario[] = [
  chained("a wildcard listener takes every address", (place, to) => ({
    listeners: wildcard(place, [{ filter: to("a") }]),
    probes: [`127.96.200.1:${place.port}`, `127.96.201.7:${place.port}`].map((at) => ({ at, ...only("a") })),
  })),
  chained("an exact listener goes before a wildcard one", (place, to) => ({
    listeners: [
      ...wildcard(place, [{ filter: to("a") }]),
      listener(`${place.id}-exact`, `${place.vip}:${place.port}`, [{ filter: to("b") }]),
    ],
    probes: [
      { at: `${place.vip}:${place.port}`, ...only("b") },
      { at: `127.96.202.1:${place.port}`, ...only("a") },
    ],
  })),
  chained("the longest prefix wins, whatever the order", (place, to) => ({
    listeners: wildcard(place, [
      { filter: to("a"), prefixes: ["127.96.0.0/16"] },
      { filter: to("c"), prefixes: ["127.96.210.5/32"] },
      { filter: to("b"), prefixes: ["127.96.210.0/24"] },
    ]),
    probes: [
      { at: `127.96.211.5:${place.port}`, ...only("a") },
      { at: `127.96.210.6:${place.port}`, ...only("b") },
      { at: `127.96.210.5:${place.port}`, ...only("c") },
    ],
  })),
  chained("several prefixes of a chain, with bits beyond their length", (place, to) => ({
    listeners: wildcard(place, [{ filter: to("a"), prefixes: ["127.96.220.9/24", "127.96.222.0/23"] }]),
    probes: [
      { at: `127.96.220.77:${place.port}`, ...only("a") },
      { at: `127.96.223.1:${place.port}`, ...only("a") },
      { at: `127.96.221.1:${place.port}`, ...refused },
    ],
  })),
  chained("a chain without conditions is behind every prefix", (place, to) => ({
    listeners: wildcard(place, [{ filter: to("a") }, { filter: to("b"), prefixes: ["127.96.230.0/24"] }]),
    probes: [
      { at: `127.96.231.1:${place.port}`, ...only("a") },
      { at: `127.96.230.1:${place.port}`, ...only("b") },
    ],
  })),
  chained("the default chain takes what no chain takes", (place, to) => ({
    listeners: wildcard(place, [{ filter: to("a"), prefixes: ["127.96.240.0/24"] }], {
      default_filter_chain: { filters: [to("b")] },
    }),
    probes: [
      { at: `127.96.240.1:${place.port}`, ...only("a") },
      { at: `127.96.241.1:${place.port}`, ...only("b") },
    ],
  })),
  chained("the default chain alone", (place, to) => ({
    listeners: wildcard(place, [], { default_filter_chain: { filters: [to("a")] } }),
    probes: [{ at: `127.96.250.1:${place.port}`, ...only("a") }],
  })),
  chained("no chain for the destination", (place, to) => ({
    listeners: wildcard(place, [{ filter: to("a"), prefixes: ["127.96.251.0/24"] }]),
    probes: [{ at: `127.96.252.1:${place.port}`, ...refused }],
  })),
  chained("destination_port goes before prefixes", (place, to) => ({
    listeners: wildcard(place, [
      { filter: to("a"), prefixes: ["127.96.0.0/16"] },
      { filter: to("b"), port: place.port },
      { filter: to("c"), port: 9 },
    ]),
    probes: [{ at: `127.96.253.1:${place.port}`, ...only("b") }],
  })),
  chained(
    "destination_port and a prefix that isn't the destination's: no way back to the other chains",
    (place, to) => ({
      listeners: wildcard(place, [
        { filter: to("a") },
        { filter: to("b"), port: place.port, prefixes: ["127.96.254.0/24"] },
      ]),
      probes: [
        { at: `127.96.254.1:${place.port}`, ...only("b") },
        { at: `127.96.253.1:${place.port}`, ...refused },
      ],
    }),
  ),
  chained("chains of an exact listener", (place, to) => ({
    listeners: [
      listener(place.id, `${place.vip}:80`, [
        { filter: to("a"), prefixes: [`${place.vip}/32`] },
        { filter: to("b"), prefixes: ["127.97.0.0/16"] },
      ]),
    ],
    probes: [{ at: `${place.vip}:80`, ...only("a") }],
  })),
  chained("ports and additional addresses", (place, to) => ({
    listeners: [
      listener(place.id, `${place.vip}:80`, [{ filter: to("a") }]),
      listener(`${place.id}-81`, `${place.vip}:81`, [{ filter: to("b") }], {
        additional_addresses: [{ address: { socket_address: { address: place.vip, port_value: 82 } } }],
      }),
    ],
    probes: [
      { at: `${place.vip}:80`, ...only("a") },
      { at: `${place.vip}:81`, ...only("b") },
      { at: `${place.vip}:82`, ...only("b") },
      { at: nativeAt, ...only("native") },
    ],
  })),
  chained("IPv6", (place, to) => ({
    listeners: [listener(place.id, `[fd96::1]:${place.port}`, [{ filter: to("six") }])],
    probes: [{ at: `[fd96::1]:${place.port}`, ...only("six") }],
  })),
  chained("an IPv6 wildcard is not an IPv4 one", (place, to) => ({
    listeners: [listener(place.id, `[::]:${nativePort}`, [{ filter: to("six") }])],
    probes: [
      { at: `[fd96::1]:${nativePort}`, ...only("six") },
      { at: nativeAt, ...only("native") },
    ],
  })),
  chained("IPv4 endpoints behind an IPv6 destination", (place, to) => ({
    listeners: [
      listener(place.id, `${place.vip}:80`, [{ filter: to("a") }]),
      listener(`${place.id}-v6`, `[fd96::1]:${place.port}`, [{ filter: to("b") }]),
    ],
    probes: [
      { at: `${place.vip}:80`, ...only("a") },
      { at: `[fd96::1]:${place.port}`, ...only("b") },
    ],
  })),
];

const limits: readonly Scenario[] = [
  oneCluster(
    "max_connections: what is over it is refused",
    { endpoints: ["a"], more: { circuit_breakers: { thresholds: [{ max_connections: 3 }] } } },
    { count: 5, hold: true, expect: { kind: "counts", counts: { a: 3, refused: 2 } } },
    { count: 3, hold: true, isEventual: true, expect: { kind: "counts", counts: { a: 3 } } },
  ),
  oneCluster(
    "max_connections counts over endpoints",
    { endpoints: ["a", "b"], more: { circuit_breakers: { thresholds: [{ max_connections: 4 }] } } },
    { count: 6, hold: true, expect: { kind: "counts", counts: { a: 2, b: 2, refused: 2 } } },
  ),
  oneCluster(
    "max_connections 0",
    { endpoints: ["a"], more: { circuit_breakers: { thresholds: [{ max_connections: 0 }] } } },
    refused,
  ),
  oneCluster(
    "max_connections of HIGH priority isn't TCP's",
    { endpoints: ["a"], more: { circuit_breakers: { thresholds: [{ priority: "HIGH", max_connections: 1 }] } } },
    { count: 4, hold: true, expect: { kind: "counts", counts: { a: 4 } } },
  ),
  oneCluster(
    "max_connections unset",
    { endpoints: ["a"] },
    {
      ...{ count: 1030, hold: true, concurrency: 8 },
      expect: { kind: "counts", counts: { a: 1024, refused: 6 } },
      difference: { id: "unset-max-connections", ours: { kind: "counts", counts: { a: 1030 } } },
    },
  ),
  oneCluster("a cluster without endpoints", {}, refused),
  oneCluster("an endpoint that nobody listens on", { endpoints: ["gone"] }, refused),
  oneCluster(
    "an endpoint that nobody listens on, among others",
    { endpoints: ["gone", "a"] },
    exactly({ refused: 5, a: 5 }),
  ),
  oneCluster(
    "max_connect_attempts",
    { endpoints: ["gone", "a"], proxy: { max_connect_attempts: 3 } },
    {
      ...{ count: 10 },
      expect: { kind: "counts", counts: { a: 10 } },
      difference: { id: "one-attempt", ours: { kind: "counts", counts: { a: 5, refused: 5 } } },
    },
  ),
];

/** HTTP listeners where every request goes unchanged to one place. */
const http: readonly Scenario[] = [
  {
    name: "an HTTP listener of one cluster",
    build: ({ vip, id }) => ({
      listeners: [listener(id, `${vip}:80`, [{ filter: httpManager(id) }])],
      clusters: [cluster(id, { endpoints: ["v", "w"] })],
      probes: [{ at: `${vip}:80`, send: request, ...exactly({ v: 6, w: 6 }) }],
    }),
  },
  {
    name: "an HTTP listener of weighted clusters, one of weight 0",
    build: ({ vip, id }) => ({
      listeners: [
        listener(id, `${vip}:80`, [{ filter: httpManager({ [`${id}-v`]: 3, [`${id}-w`]: 1, [`${id}-x`]: 0 }) }]),
      ],
      clusters: ["v", "w", "x"].map((name) => cluster(`${id}-${name}`, { endpoints: [name] })),
      probes: [{ at: `${vip}:80`, send: request, ...shares({ v: 3, w: 1, x: 0 }) }],
    }),
  },
];

export const listeners: readonly Scenario[] = [...chains, ...limits, ...http];
