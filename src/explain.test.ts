import { describe, expect, test } from "bun:test";
import {
  chain,
  cluster,
  listener,
  originalDst,
  prefix,
  type Resources,
  snapshot,
  socketAddress,
  tcpListener,
  tcpProxy,
} from "../test/bpf/model.ts";
import { endpoint } from "./compile/cluster.fixture.ts";
import { Compiler } from "./compile/compile.ts";
import { explain } from "./explain.ts";

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
