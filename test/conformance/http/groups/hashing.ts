// Which endpoint of a cluster serves a request: hash policies, cookies, sessions. Both must choose the same endpoint for a value.

import type { Json } from "../../mesh.ts";
import { httpFilter } from "../config.ts";
import { type Case, type Group, get, inTurn, one, type Setting } from "../scenario.ts";

function hashing(policies: readonly Json[], more: Json = {}): Pick<Setting, "routes" | "clusters"> {
  return {
    routes: [{ match: { prefix: "/" }, route: { cluster: "@h", hash_policy: policies } }],
    clusters: { h: { endpoints: ["a", "b", "c", "d"], more: { lb_policy: "RING_HASH", ...more } } },
  };
}

/** The answers are compared, not foretold: each side must have them from the same endpoints. */
function same(name: string, requests: readonly string[]): Case {
  return {
    name,
    connections: [{ steps: inTurn(...requests), answers: requests.length }],
    expect: { answers: "each" },
  };
}

const values = ["", "1", "2", "3", "user-4", "user-5", "x".repeat(200), "é", "a,b"];
const header = (name: string, list: readonly string[] = values): readonly string[] =>
  list.map((value) => get("/", `${name}: ${value}`));
const session = (ttl: string | undefined): Json =>
  httpFilter("stateful_session", "stateful_session.v3.StatefulSession", {
    session_state: {
      name: "envoy.http.stateful_session.cookie",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
        cookie: { name: "sticky", path: "/", ...(ttl === undefined ? {} : { ttl }) },
      },
    },
  });

export const hashes: Group = {
  name: "hash policies and sessions",
  settings: [
    {
      name: "header",
      ...hashing([{ header: { header_name: "X-User" } }]),
      cases: [same("the same endpoint as Envoy", header("x-user"))],
    },
    {
      name: "header, MAGLEV",
      ...hashing([{ header: { header_name: "x-user" } }], { lb_policy: "MAGLEV" }),
      cases: [same("the same endpoint as Envoy", header("x-user"))],
    },
    {
      name: "header with two values",
      ...hashing([{ header: { header_name: "x-user" } }]),
      cases: [
        same("in either order", [
          get("/", "X-User: 1", "X-User: 2"),
          get("/", "X-User: 2", "X-User: 1"),
          get("/", "X-User: 3", "X-User: 1"),
        ]),
      ],
    },
    {
      name: "header, rewritten",
      ...hashing([
        {
          header: {
            header_name: "x-user",
            regex_rewrite: { pattern: { regex: "^([a-z]+)-.*$" }, substitution: "\\1" },
          },
        },
      ]),
      cases: [same("what is left counts", header("x-user", ["one-1", "one-2", "two-1", "two-2", "plain"]))],
    },
    {
      name: "cookie",
      ...hashing([{ cookie: { name: "user" } }]),
      cases: [
        same(
          "the same endpoint as Envoy",
          values.filter((value) => value !== "").map((value) => get("/", `Cookie: a=b; user=${value}`)),
        ),
      ],
    },
    {
      name: "query parameter",
      ...hashing([{ query_parameter: { name: "user" } }]),
      cases: [
        same(
          "the same endpoint as Envoy",
          ["1", "2", "3", "abc", "%20", "x+y"].map((value) => get(`/?a=b&user=${value}`)),
        ),
      ],
    },
    {
      name: "source address",
      ...hashing([{ connection_properties: { source_ip: true } }]),
      cases: [same("one endpoint", header("x", ["1", "2", "3"]))],
    },
    {
      name: "two policies",
      ...hashing([{ header: { header_name: "x-user" } }, { header: { header_name: "x-shop" } }]),
      cases: [
        same(
          "combined",
          ["1", "2", "3", "4"].flatMap((value) => [
            get("/", "X-User: 1", `X-Shop: ${value}`),
            get("/", `X-User: ${value}`, "X-Shop: 1"),
          ]),
        ),
        same("the second alone", header("x-shop", ["1", "2", "3"])),
      ],
    },
    {
      name: "a terminal policy",
      ...hashing([{ header: { header_name: "x-user" }, terminal: true }, { header: { header_name: "x-shop" } }]),
      cases: [
        same(
          "is enough",
          ["1", "2", "3", "4"].map((value) => get("/", "X-User: 1", `X-Shop: ${value}`)),
        ),
        same("missing: the next", header("x-shop", ["1", "2", "3"])),
      ],
    },
    {
      name: "weights by hash policy",
      routes: [
        {
          match: { prefix: "/" },
          route: {
            weighted_clusters: {
              clusters: [
                { name: "@a", weight: 50 },
                { name: "@b", weight: 50 },
              ],
              use_hash_policy: true,
            },
            hash_policy: [{ header: { header_name: "x-user" } }],
          },
        },
      ],
      cases: [same("the same cluster as Envoy", header("x-user", ["1", "2", "3", "4", "5", "6", "7", "8"]))],
    },
    {
      name: "a generated cookie",
      ...hashing([{ cookie: { name: "user", ttl: "60s", path: "/p" } }]),
      cases: [
        {
          name: "has its attributes",
          connections: [{ steps: [get("/")], answers: 1 }],
          expect: { answers: "each", matches: { "set-cookie": '^user="?[0-9a-f]+"?; Max-Age=60; Path=/p; HttpOnly$' } },
          isRandom: true,
        },
        same("none where there is one", [get("/", "Cookie: user=1")]),
      ],
    },
    {
      name: "stateful session",
      filters: [session("120s")],
      routes: [{ match: { prefix: "/" }, route: { cluster: "@h" } }],
      clusters: { h: { endpoints: ["a", "b", "c"] } },
      isStateful: true,
      cases: [
        {
          name: "a cookie is set",
          connections: [{ steps: [get("/")], answers: 1 }],
          expect: {
            answers: "each",
            matches: { "set-cookie": '^sticky="[A-Za-z0-9+/=]+"; Max-Age=120; Path=/; HttpOnly$' },
          },
          isRandom: true,
        },
        ...[
          ["of an address that isn't there", "@{session p}"],
          ["of garbage", "%%%"],
          ["whose time is over", "@{sealed b 1000}"],
        ].map(
          ([name, cookie]): Case => ({
            name: `a cookie ${name}`,
            connections: [{ steps: [get("/", `Cookie: sticky=${cookie}`)], answers: 1 }],
            expect: { answers: "each", matches: { "set-cookie": "^sticky=" } },
            isRandom: true,
          }),
        ),
        one(
          "a cookie with an end in the far future",
          inTurn(...[1, 2, 3].map(() => get("/", "Cookie: sticky=@{sealed b 9999999999}"))),
          "200 b|200 b|200 b",
          { fields: { "set-cookie": null } },
        ),
        ...["a", "b", "c"].map(
          (letter): Case => ({
            name: `a cookie with the address of ${letter}`,
            connections: [
              { steps: inTurn(...[1, 2, 3].map(() => get("/", `Cookie: sticky=@{session ${letter}}`))), answers: 3 },
            ],
            expect: { answers: [`200 ${letter}`, `200 ${letter}`, `200 ${letter}`], fields: { "set-cookie": null } },
          }),
        ),
      ],
    },
  ],
};
