// Which cluster a route's requests go to: weights, headers that name or choose it, clusters that don't exist.

import type { Json } from "../../mesh.ts";
import { type Group, get, one } from "../scenario.ts";

function weighted(weights: Readonly<Record<string, number>>, more: Json = {}): readonly Json[] {
  const clusters = Object.entries(weights).map(([letter, weight]) => ({ name: `@${letter}`, weight }));
  return [{ match: { prefix: "/" }, route: { weighted_clusters: { clusters, ...more } } }];
}

const many = [get("/").repeat(400), { answers: 400 }];
const chosen = (value: string, answer: string) => one(`x-random: ${value}`, get("/", `X-Random: ${value}`), answer);

export const weights: Group = {
  name: "clusters of a route",
  settings: [
    {
      name: "weights 90 and 10",
      routes: weighted({ a: 90, b: 10 }),
      cases: [one("by chance", many, "", { shares: { a: 90, b: 10 } })],
    },
    {
      name: "weights of any total",
      routes: weighted({ a: 1, b: 2, c: 4 }),
      cases: [one("by chance", many, "", { shares: { a: 1, b: 2, c: 4 } })],
    },
    {
      name: "weight 0",
      routes: weighted({ a: 0, b: 1, c: 0 }),
      cases: [one("never", many, "", { shares: { b: 1 } })],
    },
    {
      name: "large weights",
      routes: weighted({ a: 3_000_000_000, b: 1_000_000_000 }),
      cases: [one("by chance", many, "", { shares: { a: 3, b: 1 } })],
    },
    {
      name: "header_name",
      routes: weighted({ a: 30, b: 60, c: 10 }, { header_name: "x-random" }),
      cases: [
        ...[
          chosen("0", "200 a"),
          chosen("29", "200 a"),
          chosen("30", "200 b"),
          chosen("89", "200 b"),
          chosen("90", "200 c"),
        ],
        ...[chosen("100", "200 a"), chosen("18446744073709551615", "200 a")],
      ],
    },
    {
      name: "runtime_fraction before weights",
      routes: [
        {
          match: { prefix: "/", runtime_fraction: { default_value: { numerator: 50 } } },
          route: {
            weighted_clusters: {
              clusters: [
                { name: "@a", weight: 50 },
                { name: "@b", weight: 50 },
              ],
            },
          },
        },
        { match: { prefix: "/" }, route: { cluster: "@c" } },
      ],
      cases: [one("share one random number", many, "", { shares: { a: 50, c: 50 } })],
    },
    {
      name: "cluster_header",
      routes: [{ match: { prefix: "/" }, route: { cluster_header: "X-Cluster" } }],
      clusters: { a: {}, b: {} },
      cases: [
        one("names a", get("/", "X-Cluster: @{a}"), "200 a"),
        one("names b", get("/", "x-cluster: @{b}"), "200 b"),
        one("unknown", get("/", "X-Cluster: nobody"), "503", { upstream: {} }),
        one("missing", get("/"), "503", { upstream: {} }),
        one("empty", get("/", "X-Cluster:"), "503", { upstream: {} }),
        one("twice: the first", get("/", "X-Cluster: @{b}", "X-Cluster: @{a}"), "200 b"),
      ],
    },
    {
      name: "cluster_not_found_response_code",
      routes: [
        {
          match: { prefix: "/404" },
          route: { cluster_header: "x-cluster", cluster_not_found_response_code: "NOT_FOUND" },
        },
        {
          match: { prefix: "/500" },
          route: { cluster_header: "x-cluster", cluster_not_found_response_code: "INTERNAL_SERVER_ERROR" },
        },
        { match: { prefix: "/" }, route: { cluster_header: "x-cluster" } },
      ],
      cases: [
        one("404", get("/404", "X-Cluster: nobody"), "404"),
        one("500", get("/500", "X-Cluster: nobody"), "500"),
        one("default", get("/", "X-Cluster: nobody"), "503"),
      ],
    },
    {
      name: "cluster_header of a weighted cluster",
      routes: [
        {
          match: { prefix: "/" },
          route: {
            weighted_clusters: {
              clusters: [
                { cluster_header: "x-one", weight: 1 },
                { name: "@b", weight: 0 },
              ],
            },
          },
        },
      ],
      clusters: { a: {}, b: {} },
      cases: [one("named", get("/", "X-One: @{a}"), "200 a"), one("missing", get("/"), "503")],
    },
    {
      name: "a cluster without endpoints",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@n" } }],
      clusters: { n: { endpoints: [] } },
      cases: [
        one("503", get("/"), "503 no healthy upstream", { fields: { "content-type": "text/plain" }, closed: "open" }),
      ],
    },
    {
      name: "an endpoint that refuses",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@n" } }],
      clusters: { n: { endpoints: ["gone"] } },
      cases: [
        one(
          "503",
          get("/"),
          "503 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
        ),
        one("HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "503"),
      ],
    },
  ],
};
