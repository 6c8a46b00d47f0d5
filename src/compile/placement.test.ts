import { describe, expect, test } from "bun:test";
import {
  chain,
  http,
  listener,
  prefix,
  route,
  routes,
  snapshot,
  tcpListener,
  tcpProxy,
  virtualHost,
} from "../../test/bpf/model.ts";
import { formatAddress } from "../ip.ts";
import { everyRequest } from "../model/http.fixture.ts";
import type { Filter, Listener } from "../model/listener.ts";
import type { RedirectAction, RouteConfiguration, VirtualHost } from "../model/route.ts";
import type { Disposition } from "./disposition.ts";
import { type Placement, type PlacementInput, placements } from "./placement.ts";

const dispositions: Record<string, Disposition> = {
  original: { type: "native", needs: [] },
  ejecting: { type: "balanced", needs: [{ path: "outlier_detection", reason: "judges" }] },
  tls: { type: "unsupported", reason: "endpoint 127.0.0.1:1 wants transport socket tls" },
};

function place(it: Listener, fields: Partial<PlacementInput> = {}): Placement[] {
  return placements({
    listener: it,
    routes: new Map(),
    disposition: (name) => dispositions[name] ?? { type: "balanced", needs: [] },
    trustVip: true,
    isRelayed: true,
    ...fields,
  });
}

/** `address/length:port` (exact ones without the length) → where to, with weights where there are several. */
function table(placed: readonly Placement[]): Record<string, string> {
  const rows = placed.map(({ isExact, prefix: { address, length }, port, target }) => {
    const key = `${formatAddress(address)}${isExact ? "" : `/${length}`}:${port}`;
    if (target.type !== "clusters") return [key, target.type];
    const [only, ...others] = target.clusters;
    const names =
      others.length === 0 ? only?.cluster : target.clusters.map((one) => `${one.cluster}=${one.weight}`).join();
    return [key, names ?? ""];
  });
  expect(new Set(rows.map(([key]) => key)).size).toBe(rows.length);
  return Object.fromEntries(rows);
}

const redirect: RedirectAction = {
  type: "redirect",
  status: 301,
  host: "",
  port: undefined,
  scheme: "https",
  path: undefined,
  stripQuery: false,
};

const needsOf = (placed: readonly Placement[]) =>
  placed.flatMap(({ target }) =>
    target.type === "ungoverned" || target.type === "relay" ? target.needs.map(({ path }) => path) : [],
  );

describe("addresses", () => {
  const cases: readonly [string, Listener, Record<string, string>][] = [
    ["exact", tcpListener("l", "10.0.0.1:80", "a"), { "10.0.0.1:80": "a" }],
    ["exact IPv6", tcpListener("l", "[2001:db8::1]:80", "a"), { "2001:db8::1:80": "a" }],
    ["any IPv4", tcpListener("l", "0.0.0.0:80", "a"), { "0.0.0.0/0:80": "a" }],
    ["any IPv6", tcpListener("l", "[::]:80", "a"), { "::/0:80": "a" }],
    ["both families", tcpListener("l", "[::]:80", "a", { ipv4Compat: true }), { "0.0.0.0/0:80": "a", "::/0:80": "a" }],
    [
      "additional addresses, one of them listed twice",
      tcpListener("l", "10.0.0.1:80", "a", {
        additionalAddresses: ["10.0.0.2:81", "0.0.0.0:82", "10.0.0.1:80"].map((text) => ({
          address: tcpListener("", text, "").address,
          ipv4Compat: false,
        })),
      }),
      { "10.0.0.1:80": "a", "10.0.0.2:81": "a", "0.0.0.0/0:82": "a" },
    ],
    ["an inbound listener has none", tcpListener("l", "10.0.0.1:80", "a", { role: "inbound" }), {}],
    ["a catch-all has none", tcpListener("l", "0.0.0.0:15001", "a", { role: "catch_all" }), {}],
  ];
  test.each(cases)("%s", (_name, it, expected) => expect(table(place(it))).toEqual(expected));
});

describe("the filter chain, in Envoy's order", () => {
  const a = chain(tcpProxy("a"), { prefixes: [prefix("10.0.0.0/8")] }, "a");
  const b = chain(tcpProxy("b"), { prefixes: [prefix("10.1.0.0/16"), prefix("10.2.0.0/16")] }, "b");
  const all = chain(tcpProxy("all"), {}, "all");
  const port = chain(tcpProxy("port"), { destinationPort: 80 }, "port");
  const portPrefix = chain(tcpProxy("portPrefix"), { destinationPort: 80, prefixes: [prefix("10.1.0.0/16")] });
  const fallback = chain(tcpProxy("fallback"), {}, "");

  const cases: readonly [string, Listener, Record<string, string>][] = [
    ["longest prefix of an exact address", listener("l", "10.1.2.3:80", [a, b, all]), { "10.1.2.3:80": "b" }],
    ["whatever the order", listener("l", "10.1.2.3:80", [all, b, a]), { "10.1.2.3:80": "b" }],
    [
      "a shorter one where the longer doesn't hold it",
      listener("l", "10.3.0.1:80", [all, b, a]),
      { "10.3.0.1:80": "a" },
    ],
    ["no prefix at all holds everything", listener("l", "192.0.2.1:80", [a, b, all]), { "192.0.2.1:80": "all" }],
    ["the exact port before the longest prefix", listener("l", "10.1.2.3:80", [b, port]), { "10.1.2.3:80": "port" }],
    [
      "a chain of the port that doesn't hold the address: not those without a port",
      listener("l", "10.3.0.1:80", [a, portPrefix], { defaultFilterChain: fallback }),
      { "10.3.0.1:80": "fallback" },
    ],
    ["the port of others doesn't count", listener("l", "10.1.2.3:81", [a, port]), { "10.1.2.3:81": "a" }],
    [
      "the default chain",
      listener("l", "192.0.2.1:80", [a], { defaultFilterChain: fallback }),
      { "192.0.2.1:80": "fallback" },
    ],
    ["none: refused", listener("l", "192.0.2.1:80", [a]), { "192.0.2.1:80": "refuse" }],
    ["no chains: refused", listener("l", "192.0.2.1:80", []), { "192.0.2.1:80": "refuse" }],
    [
      "a wildcard has a row for each prefix",
      listener("l", "0.0.0.0:80", [a, b]),
      { "0.0.0.0/0:80": "refuse", "10.0.0.0/8:80": "a", "10.1.0.0/16:80": "b", "10.2.0.0/16:80": "b" },
    ],
    [
      "a wildcard's rows are of its own family",
      listener("l", "[::]:80", [a, chain(tcpProxy("six"), { prefixes: [prefix("2001:db8::/32")] })], {
        defaultFilterChain: fallback,
      }),
      { "::/0:80": "fallback", "2001:db8::/32:80": "six" },
    ],
  ];
  test.each(cases)("%s", (_name, it, expected) => expect(table(place(it))).toEqual(expected));

  test("chains are named by their name, their index or as the default", () => {
    const named = (it: Listener) => place(it).map((one) => one.chain);
    expect(named(listener("l", "10.1.2.3:80", [a]))).toEqual(["a"]);
    expect(named(listener("l", "10.1.2.3:80", [b, chain(tcpProxy("x"), { destinationPort: 80 })]))).toEqual([
      "filter_chains[1]",
    ]);
    expect(named(listener("l", "192.0.2.1:80", [a], { defaultFilterChain: fallback }))).toEqual(["default"]);
    expect(named(listener("l", "192.0.2.1:80", [a]))).toEqual([""]);
  });
});

describe("tcp_proxy", () => {
  const cases: readonly [string, Filter, string][] = [
    ["one cluster", tcpProxy("a"), "a"],
    ["weights", tcpProxy({ a: 1, b: 3 }), "a=1,b=3"],
    ["weight 0 isn't there", tcpProxy({ a: 0, b: 3 }), "b"],
    ["no weight at all", tcpProxy({ a: 0, b: 0 }), ""],
    ["ORIGINAL_DST is native", tcpProxy("original"), "native"],
    ["ORIGINAL_DST without weight", tcpProxy({ a: 1, original: 0 }), "a"],
    ["ORIGINAL_DST among others", tcpProxy({ a: 1, original: 1 }), "ungoverned"],
    ["TLS endpoints", tcpProxy("tls"), "ungoverned"],
    ["TLS endpoints without weight", tcpProxy({ a: 1, tls: 0 }), "a"],
  ];
  test.each(cases)("%s", (_name, filter, expected) => {
    expect(table(place(listener("l", "10.0.0.1:80", [chain(filter)])))).toEqual({ "10.0.0.1:80": expected });
  });

  test("hash_policy source_ip is carried along", () => {
    const [placed] = place(listener("l", "10.0.0.1:80", [chain(tcpProxy("a", true))]));
    expect(placed?.target).toMatchObject({ hashSource: true });
  });

  test("TLS is named in the reason", () => {
    const [placed] = place(tcpListener("l", "10.0.0.1:80", "tls"));
    expect(placed?.reason).toContain("cluster tls: endpoint 127.0.0.1:1 wants transport socket tls");
  });

  test("what the listener needs leaves it ungoverned", () => {
    const placed = place(
      tcpListener("l", "10.0.0.1:80", "a", { needs: [{ path: "listener_filters[0]", reason: "TLS" }] }),
    );
    expect(needsOf(placed)).toEqual(["listener_filters[0]"]);
  });
});

describe("HTTP that goes to one place", () => {
  const one = (host: VirtualHost, fields: Partial<RouteConfiguration> = {}) => routes("r", [host], fields);
  const exact = (filter: Filter) => listener("l", "10.0.0.1:80", [chain(filter)]);
  const conditional = (to: string) =>
    route(to, { match: { ...everyRequest, path: { match: "exact", value: "/", caseSensitive: true } } });
  const cases: readonly [string, RouteConfiguration, string, needs?: string[]][] = [
    ["one route for everything", one(virtualHost("v", ["*"], "a")), "a"],
    ["one weighted cluster with a weight", one(virtualHost("v", ["*"], { a: 5, b: 0 })), "a"],
    ["ORIGINAL_DST", one(virtualHost("v", ["*"], "original")), "native"],
    [
      "conditional routes that agree",
      one(virtualHost("v", ["*"], "", { routes: [conditional("a"), route("a")] })),
      "a",
    ],
    [
      "routes behind the one for everything don't matter",
      one(virtualHost("v", ["*"], "", { routes: [route("a"), conditional("b")] })),
      "a",
    ],
    ["virtual hosts that agree", routes("r", [virtualHost("v", ["*"], "a"), virtualHost("w", ["w"], "a")]), "a"],
    ["several clusters", one(virtualHost("v", ["*"], { a: 1, b: 1 })), "relay", ["routes[0].route.weighted_clusters"]],
    [
      "routes that differ",
      one(virtualHost("v", ["*"], "", { routes: [conditional("a"), route("b")] })),
      "relay",
      ["routes"],
    ],
    ["no route for everything", one(virtualHost("v", ["*"], "", { routes: [conditional("a")] })), "relay", ["routes"]],
    ["no route", one(virtualHost("v", ["*"], "", { routes: [] })), "relay", ["routes"]],
    ["no virtual host for every name", one(virtualHost("v", ["v.example"], "a")), "relay", ["virtual_hosts"]],
    [
      "virtual hosts that differ",
      routes("r", [virtualHost("v", ["*"], "a"), virtualHost("w", ["w"], "b")]),
      "relay",
      ["virtual_hosts"],
    ],
    [
      "a change to requests",
      one(
        virtualHost("v", ["*"], "", {
          routes: [route("a", { needs: [{ path: "route.prefix_rewrite", reason: "" }] })],
        }),
      ),
      "relay",
      ["routes[0].route.prefix_rewrite"],
    ],
    [
      "a redirect",
      one(virtualHost("v", ["*"], "", { routes: [route("a", { action: redirect })] })),
      "relay",
      ["routes[0].redirect"],
    ],
    [
      "needs of the virtual host",
      one(virtualHost("v", ["*"], "a", { needs: [{ path: "retry_policy", reason: "" }] })),
      "relay",
      ["retry_policy"],
    ],
    [
      "needs of another virtual host",
      routes("r", [
        virtualHost("v", ["*"], "a"),
        virtualHost("w", ["w"], "a", { needs: [{ path: "cors", reason: "" }] }),
      ]),
      "relay",
      ["virtual_hosts"],
    ],
    [
      "needs of the route configuration",
      one(virtualHost("v", ["*"], "a"), { needs: [{ path: "request_headers_to_add", reason: "" }] }),
      "relay",
      ["request_headers_to_add"],
    ],
  ];
  test.each(cases)("%s", (_name, configuration, expected, needs = []) => {
    const placed = place(exact(http(configuration)));
    expect(table(placed)).toEqual({ "10.0.0.1:80": expected });
    expect(needsOf(placed)).toEqual(needs);
  });

  test("by RDS, once it is there", () => {
    const configuration = routes("r", [virtualHost("v", ["*"], "a")]);
    expect(table(place(exact(http("r"))))).toEqual({ "10.0.0.1:80": "ungoverned" });
    expect(table(place(exact(http("r")), { routes: snapshot({ routes: [configuration] }).route }))).toEqual({
      "10.0.0.1:80": "a",
    });
  });

  test("needs of the connection manager", () => {
    const placed = place(
      exact(http(one(virtualHost("v", ["*"], "a")), [{ path: "http_filters[0]", reason: "fault" }])),
    );
    expect(needsOf(placed)).toEqual(["http_filters[0]"]);
  });
});

describe("Istio's wildcard listener of a port", () => {
  const hosts = [
    virtualHost("allow_any", ["*"], "original"),
    virtualHost("cart", ["cart.example", "cart.example:80", "10.96.0.1", "10.96.0.1:80"], "cart"),
    virtualHost("shop", ["shop.example", "10.96.0.2:80", "[2001:db8::2]:80"], "shop"),
    virtualHost("other port", ["far.example", "10.96.0.3:80", "10.96.0.9:8080"], { a: 1, b: 1 }),
  ];
  const wildcard = (virtualHosts: readonly VirtualHost[], fields: Partial<Listener> = {}) =>
    listener("l", "0.0.0.0:80", [chain(http(routes("80", virtualHosts)))], fields);

  test("each service by its VIP, the rest passed through", () => {
    const placed = place(wildcard(hosts));
    expect(table(placed)).toEqual({
      "0.0.0.0/0:80": "native",
      "10.96.0.1:80": "cart",
      "10.96.0.2:80": "shop",
      "10.96.0.3:80": "relay",
    });
    expect(placed.map((one) => [one.virtualHost, one.isExact])).toEqual([
      ["allow_any", false],
      ["cart", true],
      ["shop", true],
      ["other port", true],
    ]);
    expect(placed[0]?.reason).toBe("no virtual host has this address: passed through");
  });

  test("IPv6 VIPs on an IPv6 listener", () => {
    const it = listener("l", "[::]:80", [chain(http(routes("80", hosts)))], { ipv4Compat: true });
    expect(Object.keys(table(place(it))).sort()).toEqual([
      "0.0.0.0/0:80",
      "10.96.0.1:80",
      "10.96.0.2:80",
      "10.96.0.3:80",
      "2001:db8::2:80",
      "::/0:80",
    ]);
  });

  test("an address that two virtual hosts have is left to the Host header, and said", () => {
    const placed = place(wildcard([...hosts, virtualHost("thief", ["thief.example", "10.96.0.1"], "thief")]));
    expect(table(placed)).toMatchObject({
      "0.0.0.0/0:80": "native",
      "10.96.0.1:80": "relay",
      "10.96.0.2:80": "shop",
    });
    expect(needsOf(placed)).toContain("virtual_hosts");
  });

  test("a virtual host without an address: the Host header decides for addresses that nobody has", () => {
    const placed = place(wildcard([...hosts, virtualHost("external", ["external.example"], "external")]));
    expect(table(placed)).toMatchObject({ "0.0.0.0/0:80": "relay", "10.96.0.1:80": "cart" });
    const onOtherPort = place(wildcard([...hosts, virtualHost("external", ["10.96.0.8:8080"], "external")]));
    expect(table(onOtherPort)).toMatchObject({ "0.0.0.0/0:80": "relay" });
  });

  test("no catch-all, or one that isn't a pass-through: the Host header decides", () => {
    expect(table(place(wildcard(hosts.slice(1))))).toMatchObject({
      "0.0.0.0/0:80": "relay",
      "10.96.0.1:80": "cart",
    });
    const blackHole = [
      virtualHost("block_all", ["*"], "", {
        routes: [route("", { action: { type: "direct_response", status: 502, body: new Uint8Array() } })],
      }),
      ...hosts.slice(1),
    ];
    expect(table(place(wildcard(blackHole)))).toMatchObject({ "0.0.0.0/0:80": "relay" });
  });

  test("without trust_vip the Host header decides everywhere", () => {
    const placed = place(wildcard(hosts), { trustVip: false });
    expect(table(placed)).toEqual({ "0.0.0.0/0:80": "relay" });
  });

  test("a listener that needs more has no VIPs either", () => {
    expect(table(place(wildcard(hosts, { needs: [{ path: "x", reason: "" }] })))).toEqual({
      "0.0.0.0/0:80": "ungoverned",
    });
  });

  test("an address counts in the chain that its connections get, and nowhere else", () => {
    const tcp = chain(tcpProxy("tcp"), { prefixes: [prefix("10.96.0.0/31")] });
    const it = listener("l", "0.0.0.0:80", [tcp], { defaultFilterChain: chain(http(routes("80", hosts))) });
    // 10.96.0.1 is the first chain's: its virtual host is never asked.
    expect(table(place(it))).toEqual({
      "0.0.0.0/0:80": "native",
      "10.96.0.0/31:80": "tcp",
      "10.96.0.2:80": "shop",
      "10.96.0.3:80": "relay",
    });
  });

  test("an exact address that a virtual host names", () => {
    const it = listener("l", "10.96.0.2:80", [chain(http(routes("80", hosts)))]);
    expect(table(place(it))).toEqual({ "10.96.0.2:80": "shop" });
    expect(place(it)[0]?.virtualHost).toBe("shop");
  });

  test("5,000 virtual hosts with addresses take no quadratic time", () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      virtualHost(`v${i}`, [`v${i}.example`, `10.${i >> 8}.${i & 255}.1`], `c${i}`),
    );
    expect(Object.keys(table(place(wildcard([virtualHost("any", ["*"], "original"), ...many])))).length).toBe(5001);
  });
});

describe("Istio's pair of chains for sniffed HTTP", () => {
  const sniffed = (httpTo: Filter, plainTo: Filter) =>
    listener("l", "10.0.0.1:80", [chain(httpTo, { httpOnly: true }, "http"), chain(plainTo, {}, "tcp")]);
  const toHttp = (to: string) => http(routes("r", [virtualHost("v", ["*"], to)]));
  const cases: readonly [string, Listener, string][] = [
    ["both to the same cluster", sniffed(toHttp("a"), tcpProxy("a")), "a"],
    ["both to the same cluster, weights of one aside", sniffed(toHttp("a"), tcpProxy({ a: 100 })), "a"],
    ["both native", sniffed(toHttp("original"), tcpProxy("original")), "native"],
    // On an HTTP listener what isn't HTTP goes to the default route's cluster (DESIGN.md, "TLS, HTTP/2 and anything …").
    ["two places: HTTP decides", sniffed(toHttp("a"), tcpProxy("b")), "a"],
    ["Istio: what isn't HTTP would pass through", sniffed(toHttp("a"), tcpProxy("original")), "a"],
    ["HTTP to TLS endpoints", sniffed(toHttp("tls"), tcpProxy("a")), "ungoverned"],
    ["no chain for what isn't HTTP", listener("l", "10.0.0.1:80", [chain(toHttp("a"), { httpOnly: true })]), "a"],
  ];
  test.each(cases)("%s", (_name, it, expected) => expect(table(place(it))).toEqual({ "10.0.0.1:80": expected }));

  test("is named by both", () => {
    expect(place(sniffed(toHttp("a"), tcpProxy("a")))[0]?.chain).toBe("http or tcp");
  });
});

describe("what is relayed", () => {
  const split = { a: 1, b: 3 };
  const relayOf = (it: Listener, fields: Partial<PlacementInput> = {}) => {
    const [target] = place(it, fields).flatMap((one) => (one.target.type === "relay" ? [one.target] : []));
    if (target === undefined) throw new Error("nothing is relayed");
    return target;
  };
  const exact = (filter: Filter) => listener("l", "10.0.0.1:80", [chain(filter)]);
  const one = (host: VirtualHost, ...others: VirtualHost[]) => http(routes("r", [host, ...others]));

  test("nothing where there is no relay", () => {
    const placed = place(exact(one(virtualHost("v", ["*"], split))), { isRelayed: false });
    expect(table(placed)).toEqual({ "10.0.0.1:80": "ungoverned" });
    expect(placed[0]?.reason).toBe("left native: routes[0].route.weighted_clusters: each request is weighed by itself");
  });

  test("no chain with a cluster that can't be served exactly, not even for the other routes", () => {
    const placed = place(exact(one(virtualHost("v", ["*"], split), virtualHost("w", ["w"], "tls"))));
    expect(table(placed)).toEqual({ "10.0.0.1:80": "ungoverned" });
    expect(needsOf(placed)).toEqual(["routes[0].route.weighted_clusters", "cluster tls"]);
  });

  describe("HTTP to a cluster with resilience of its own", () => {
    const ejecting = virtualHost("v", ["v", "10.0.0.1"], "ejecting");
    const wildcard = listener("l", "0.0.0.0:80", [chain(one(virtualHost("any", ["*"], "original"), ejecting))]);
    const cases: readonly [string, Placement[], Record<string, string>][] = [
      ["every request goes there", place(exact(one(virtualHost("v", ["*"], "ejecting")))), { "10.0.0.1:80": "relay" }],
      ["the address names the virtual host", place(wildcard), { "0.0.0.0/0:80": "native", "10.0.0.1:80": "relay" }],
      ["but TCP", place(tcpListener("l", "10.0.0.1:80", "ejecting")), { "10.0.0.1:80": "ejecting" }],
      // Its place is known all the same, so it isn't left alone.
      [
        "but where there is no relay",
        place(exact(one(virtualHost("v", ["*"], "ejecting"))), { isRelayed: false }),
        { "10.0.0.1:80": "ejecting" },
      ],
      [
        "but where the relay couldn't serve all of the chain",
        place(exact(one(virtualHost("any", ["*"], "tls"), ejecting))),
        { "10.0.0.1:80": "ejecting" },
      ],
    ];
    test.each(cases)("%s", (_name, placed, expected) => expect(table(placed)).toEqual(expected));

    test("is named by cluster and field", () => {
      expect(needsOf(place(wildcard))).toEqual(["cluster ejecting.outlier_detection"]);
    });
  });

  test("the chain by its index, the default chain behind the others", () => {
    const relayed = chain(one(virtualHost("v", ["*"], split)), { prefixes: [prefix("10.0.0.0/8")] });
    const tcp = chain(tcpProxy("a"), { prefixes: [prefix("192.0.2.0/24")] });
    expect(relayOf(listener("l", "10.0.0.1:80", [tcp, relayed])).chainIndex).toBe(1);
    const asDefault = listener("l", "198.51.100.1:80", [tcp, relayed], { defaultFilterChain: relayed });
    expect(relayOf(asDefault).chainIndex).toBe(1);
    const other = chain(one(virtualHost("w", ["*"], split)));
    expect(relayOf(listener("l", "198.51.100.1:80", [tcp, relayed], { defaultFilterChain: other })).chainIndex).toBe(2);
  });

  describe("while it is down", () => {
    const clustersOf = (it: Listener) => {
      const { fallback } = relayOf(it);
      return fallback.type === "clusters"
        ? Object.fromEntries(fallback.clusters.map(({ cluster, weight }) => [cluster, weight]))
        : fallback.type;
    };
    const rbac = { name: "rbac", disabled: false, config: { type: "rbac", rules: undefined } } as const;
    const guarded = { ...one(virtualHost("v", ["*"], split)), filters: [rbac] } as Filter;
    const conditional = route("b", {
      match: { ...everyRequest, path: { match: "prefix", value: "/b", caseSensitive: true } },
    });
    const cases: readonly [string, Filter, string | Record<string, number>][] = [
      ["the weights of the default route", one(virtualHost("v", ["*"], split)), split],
      ["behind conditions", one(virtualHost("v", ["*"], "", { routes: [conditional, route("a")] })), { a: 1 }],
      ["ORIGINAL_DST is native", one(virtualHost("v", ["*"], { a: 1, original: 3 })), "native"],
      ["a little of ORIGINAL_DST is left out", one(virtualHost("v", ["*"], { a: 3, original: 1 })), { a: 3 }],
      ["no default route", one(virtualHost("v", ["*"], "", { routes: [conditional] })), "refuse"],
      ["no virtual host for every name", one(virtualHost("v", ["v.example"], split)), "refuse"],
      ["a redirect", one(virtualHost("v", ["*"], "", { routes: [route("", { action: redirect })] })), "refuse"],
      ["a policy that decides who may go there", guarded, "refuse"],
    ];
    test.each(cases)("%s", (_name, filter, expected) => {
      expect<unknown>(clustersOf(exact(filter))).toEqual(expected);
    });

    test("the virtual host that the address names comes before the catch-all", () => {
      const it = exact(one(virtualHost("any", ["*"], "original"), virtualHost("v", ["v", "10.0.0.1"], split)));
      expect(clustersOf(it)).toEqual(split);
      expect(relayOf(it, { trustVip: false }).fallback).toEqual({ type: "native" });
    });
  });

  test("bytes that aren't HTTP: Istio's chain for them, else the default route, else nowhere", () => {
    const weighted = one(virtualHost("v", ["*"], split));
    const sniffed = listener("l", "10.0.0.1:80", [
      chain(weighted, { httpOnly: true }),
      chain(tcpProxy({ c: 1, d: 0 })),
    ]);
    expect(relayOf(sniffed).plain).toEqual([{ cluster: "c", weight: 1 }]);
    expect(relayOf(exact(weighted)).plain?.map(({ cluster }) => cluster)).toEqual(["a", "b"]);
    expect(relayOf(exact(one(virtualHost("v", ["v.example"], split)))).plain).toBeUndefined();
  });
});
