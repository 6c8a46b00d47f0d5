import { describe, expect, test } from "bun:test";
import {
  chain,
  cluster,
  http,
  listener,
  originalDst,
  prefix,
  type Resources,
  route,
  routes,
  snapshot,
  socketAddress,
  tcpListener,
  tcpProxy,
  virtualHost,
} from "../test/bpf/model.ts";
import { endpoint } from "./compile/cluster.fixture.ts";
import { Compiler } from "./compile/compile.ts";
import { explain } from "./explain.ts";
import { everyRequest, forward, toCluster } from "./model/http.fixture.ts";
import type { RouteMatch } from "./model/matcher.ts";
import type { RouteAction } from "./model/route.ts";

const digest = (name: string): string => Buffer.from(name.padEnd(15, ".").slice(0, 15)).toString("hex");
const ask = (resources: Resources, to: string) =>
  explain(new Compiler(65536, digest, true).compile(snapshot(resources)), socketAddress(to));

const clusters = [
  cluster("a", [endpoint("127.0.0.1:1", { weight: 3 }), endpoint("127.0.0.1:2")], {
    loadBalancing: { policy: "round_robin" },
    maxConnections: 5,
  }),
  cluster("b", ["127.0.0.1:3"]),
  cluster("empty", []),
  originalDst("original"),
];

test("nothing in effect", () => {
  expect(explain(undefined, socketAddress("10.0.0.1:80"))).toEqual({
    destination: "10.0.0.1:80",
    clusters: [],
    result: "native",
    reason: "no configuration is in effect yet",
  });
});

describe("what becomes of a destination", () => {
  const range = chain(tcpProxy("b"), { prefixes: [prefix("10.1.0.0/16")] }, "range");
  const listeners = [
    tcpListener("exact", "10.0.0.1:80", "a"),
    listener("wild", "0.0.0.0:80", [range], { defaultFilterChain: chain(tcpProxy("a")) }),
    listener("strict", "0.0.0.0:81", [range]),
    tcpListener("none", "10.0.0.1:82", "empty"),
    tcpListener("native", "10.0.0.1:83", "original"),
    tcpListener("unknown", "10.0.0.1:84", "nobody"),
    tcpListener("six", "[2001:db8::1]:80", "a"),
  ];
  test.each<[string, string, string | undefined, string]>([
    ["10.0.0.1:80", "connect", "exact", "filter_chains[0]"],
    ["10.0.0.2:80", "connect", "wild", "default"],
    ["10.1.0.1:80", "connect", "wild", "range"],
    ["10.1.0.1:81", "connect", "strict", "range"],
    ["10.2.0.1:81", "refused", "strict", ""],
    ["10.0.0.1:82", "refused", "none", "filter_chains[0]"],
    ["10.0.0.1:83", "native", "native", "filter_chains[0]"],
    ["10.0.0.1:84", "native", "unknown", "filter_chains[0]"],
    ["[2001:db8::1]:80", "connect", "six", "filter_chains[0]"],
    ["[2001:db8::2]:80", "native", undefined, ""],
    ["10.0.0.1:9", "native", undefined, ""],
  ])("%s: %s", (to, result, by, filterChain) => {
    const explained = ask({ listeners, clusters }, to);
    expect([explained.result, explained.listener, explained.filterChain ?? ""]).toEqual([result, by, filterChain]);
    expect(explained.reason).not.toBe("");
  });
});

test("clusters and endpoints with their chances", () => {
  const { clusters: explained } = ask(
    { listeners: [tcpListener("l", "10.0.0.1:80", { a: 1, b: 3, empty: 0 })], clusters },
    "10.0.0.1:80",
  );
  expect(explained).toMatchObject([
    {
      name: "a",
      probability: 0.25,
      policy: "round_robin",
      maxConnections: 5,
      endpoints: [
        { address: "127.0.0.1:1", probability: 0.75, health: "healthy" },
        { address: "127.0.0.1:2", probability: 0.25, health: "healthy" },
      ],
      priorities: [{ healthy: 100, degraded: 0, panic: false }],
    },
    {
      name: "b",
      probability: 0.75,
      policy: "random",
      maxConnections: undefined,
      endpoints: [{ address: "127.0.0.1:3", probability: 1 }],
    },
  ]);
});

test("of two listeners for one destination the one that the kernel has", () => {
  const listeners = [tcpListener("y", "10.0.0.1:80", "b"), tcpListener("x", "10.0.0.1:80", "a")];
  expect(ask({ listeners, clusters }, "10.0.0.1:80").listener).toBe("x");
});

describe("a request on a relayed connection", () => {
  const under = (value: string): RouteMatch => ({
    ...everyRequest,
    path: { match: "prefix", value, caseSensitive: true },
  });
  const mirror = { cluster: "b", clusterHeader: "", fraction: undefined, keepHost: false };
  const redirect: RouteAction = {
    type: "redirect",
    status: 308,
    host: "new.example",
    port: undefined,
    scheme: "https",
    path: undefined,
    stripQuery: false,
  };
  const rare = { ...everyRequest, fraction: { numerator: 99, denominator: 100 } } as const;
  const hosts = [
    virtualHost("v", ["v.example"], "", {
      routes: [
        route("b", { match: rare }),
        route("", { name: "moved", match: under("/old"), action: redirect }),
        route("", { match: under("/no"), action: { type: "direct_response", status: 403, body: new Uint8Array(4) } }),
        route("", { match: under("/tenant"), action: forward({ type: "cluster_header", header: "x-tenant" }) }),
        route("", { action: forward(toCluster("a"), { timeoutMs: 0, mirrors: [mirror] }) }),
      ],
    }),
    virtualHost("split", ["split.example"], { a: 1, b: 3 }),
    virtualHost("strict", ["strict.example"], "a", { requireTls: "all" }),
    virtualHost("none", ["none.example"], "", { routes: [] }),
  ];
  const resources = { listeners: [listener("l", "10.0.0.1:80", [chain(http(routes("r", hosts)))])], clusters };
  const askFor = (host: string, path: string, ...headers: (readonly [string, string])[]) =>
    explain(new Compiler(65536, digest, true).compile(snapshot(resources)), socketAddress("10.0.0.1:80"), {
      path,
      headers: [["Host", host], ...headers],
    });

  test.each<[string, string, string, number | undefined, string, string[]]>([
    ["v.example", "/", "v", 4, "forwarded to cluster a; no timeout; mirrored to cluster b", ["a"]],
    ["V.Example", "/old/x", "v", 1, "redirected with 308 to scheme https, host new.example", []],
    ["v.example", "/no", "v", 2, "answered 403 with 4 bytes", []],
    ["v.example", "/tenant", "v", 3, "answered 503: header x-tenant names no cluster; timeout 15000 ms", []],
    ["split.example", "/", "split", 0, "forwarded to one of 2 weighted clusters; timeout 15000 ms", ["a", "b"]],
    ["strict.example", "/", "strict", undefined, "redirected to https: the virtual host requires TLS", []],
    ["none.example", "/", "none", undefined, "answered 404: no route matches", []],
    ["other.example", "/", "", undefined, "answered 404: no virtual host has this Host", []],
  ])("%s%s", (host, path, name, index, action, names) => {
    const explained = askFor(host, path);
    expect(explained.result).toBe("relay");
    expect([explained.virtualHost, explained.route?.index]).toEqual([name, index]);
    expect(explained.route?.action.join("; ")).toBe(action);
    expect(explained.clusters.map((one) => one.name)).toEqual(names);
  });

  test("a header may name the cluster", () => {
    const explained = askFor("v.example", "/tenant", ["X-Tenant", "b"]);
    expect(explained.clusters).toMatchObject([{ name: "b", probability: 1 }]);
  });

  test("weights are probabilities", () => {
    expect(askFor("split.example", "/").clusters.map(({ probability }) => probability)).toEqual([0.25, 0.75]);
  });
});
