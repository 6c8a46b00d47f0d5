// Mirrors: what the other cluster gets, and that nothing comes of it.
import type { Json } from "../../mesh.ts";
import { at, type Group, get, inTurn, one, post, replies, reply } from "../scenario.ts";

function mirrored(policies: readonly Json[], more: Json = {}): readonly Json[] {
  return [{ match: { prefix: "/" }, route: { cluster: "@a", request_mirror_policies: policies, ...more } }];
}

const percent = (numerator: number): Json => ({ runtime_fraction: { default_value: { numerator } } });

export const mirrors: Group = {
  name: "mirrors",
  settings: [
    {
      name: "mirror",
      routes: mirrored([{ cluster: "@m" }]),
      cases: [
        one("a request", at("h.example", "/p?q", "X-A: 1"), "200 a", {
          upstream: { a: ["GET /p?q"], m: ["GET /p?q"] },
        }),
        one("a body", post("/", "hello"), "200 a", { upstream: { a: ["POST /"], m: ["POST /"] }, body: "hello" }),
        one("Host with a port", at("h.example:81"), "200 a"),
        one("its answer is nobody's", get("/"), "200 a", {
          backends: { m: replies(reply(500, "mirror", "X-M: 1")) },
          fields: { "x-m": null },
        }),
        one("its reset is nobody's", get("/"), "200 a", { backends: { m: { replies: [[{ do: "reset" }]] } } }),
        one("its slowness is nobody's", inTurn(get("/1"), get("/2")), "200 a|200 a", {
          backends: { m: { replies: [[{ wait: 400 }, reply(200)]] } },
        }),
      ],
    },
    {
      name: "fraction 0",
      routes: mirrored([{ cluster: "@m", ...percent(0) }]),
      clusters: { m: {} },
      cases: [one("none", get("/"), "200 a", { upstream: { a: ["GET /"] } })],
    },
    {
      name: "fraction 100",
      routes: mirrored([{ cluster: "@m", ...percent(100) }]),
      cases: [one("all", get("/"), "200 a", { upstream: { a: ["GET /"], m: ["GET /"] } })],
    },
    {
      name: "two",
      routes: mirrored([{ cluster: "@m" }, { cluster: "@n" }]),
      cases: [one("both", get("/"), "200 a", { upstream: { a: ["GET /"], m: ["GET /"], n: ["GET /"] } })],
    },
    {
      name: "disable_shadow_host_suffix_append",
      routes: mirrored([{ cluster: "@m", disable_shadow_host_suffix_append: true }]),
      cases: [one("the same Host", at("h.example"), "200 a")],
    },
    {
      name: "of what was rewritten",
      routes: [
        {
          match: { prefix: "/old" },
          route: {
            cluster: "@a",
            prefix_rewrite: "/new",
            host_rewrite_literal: "new.example",
            request_mirror_policies: [{ cluster: "@m" }],
          },
          request_headers_to_add: [{ header: { key: "x-added", value: "1" } }],
        },
      ],
      cases: [one("as it is sent", get("/old"), "200 a", { upstream: { a: ["GET /new"], m: ["GET /new"] } })],
    },
    {
      name: "a virtual host's",
      host: { request_mirror_policies: [{ cluster: "@m" }] },
      routes: [
        { match: { prefix: "/own" }, route: { cluster: "@a", request_mirror_policies: [{ cluster: "@n" }] } },
        { match: { prefix: "/" }, route: { cluster: "@a" } },
      ],
      cases: [
        one("for its routes", get("/"), "200 a", { upstream: { a: ["GET /"], m: ["GET /"] } }),
        one("but where a route has its own", get("/own"), "200 a", { upstream: { a: ["GET /own"], n: ["GET /own"] } }),
      ],
    },
    {
      name: "to a cluster without endpoints",
      routes: mirrored([{ cluster: "@m" }]),
      clusters: { m: { endpoints: [] } },
      cases: [one("is nobody's", get("/"), "200 a", { upstream: { a: ["GET /"] } })],
    },
    {
      name: "a request that is tried again",
      routes: mirrored([{ cluster: "@m" }], {
        retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: "0.002s" } },
      }),
      cases: [
        one("is mirrored once", get("/"), "200 a", {
          backends: { a: replies(reply(503), reply(200, "a")) },
          upstream: { a: ["GET /", "GET /"], m: ["GET /"] },
        }),
      ],
    },
  ],
};
