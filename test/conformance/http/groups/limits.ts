// The local rate limit and the buffer filter, and several filters in a row.
import type { Json } from "../../mesh.ts";
import { httpFilter } from "../config.ts";
import {
  abort,
  always,
  byHeader,
  corsFilter,
  corsPolicy,
  denied,
  fault,
  override,
  preflight,
  rbac,
  toA,
} from "../filter.ts";
import { at, type Group, get, inTurn, kept, one, post, request } from "../scenario.ts";

function limit(tokens: number, more: Json = {}): Json {
  return {
    stat_prefix: "limit",
    token_bucket: { max_tokens: tokens, tokens_per_fill: tokens, fill_interval: "3600s" },
    filter_enabled: { default_value: always },
    filter_enforced: { default_value: always },
    ...more,
  };
}

const limiter = (config: Json): Json => httpFilter("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", config);
const limited = "429 local_rate_limited";

const rateLimits: Group["settings"] = [
  {
    name: "local rate limit",
    filters: [limiter(limit(2))],
    routes: [toA],
    isStateful: true,
    cases: [
      one("two of four", inTurn(get("/1"), get("/2"), get("/3"), get("/4")), `200 a|200 a|${limited}|${limited}`, {
        upstream: { a: ["GET /1", "GET /2"] },
        closed: "open",
      }),
      one("another connection has the same bucket", get("/5"), limited, { fields: { "content-type": "text/plain" } }),
    ],
  },
  {
    name: "local rate limit: status and headers",
    filters: [
      limiter(
        limit(1, {
          status: { code: 503 },
          response_headers_to_add: [{ header: { key: "x-limited", value: "yes" } }],
        }),
      ),
    ],
    routes: [toA],
    isStateful: true,
    cases: [
      one("the second", inTurn(get("/1"), get("/2")), "200 a|503 local_rate_limited"),
      one("the third", get("/3"), "503 local_rate_limited", { fields: { "x-limited": "yes" } }),
    ],
  },
  {
    name: "local rate limit: not enforced",
    filters: [
      limiter(
        limit(1, {
          filter_enforced: { default_value: { numerator: 0 } },
          request_headers_to_add_when_not_enforced: [{ header: { key: "x-would", value: "limit" } }],
        }),
      ),
    ],
    routes: [toA],
    isStateful: true,
    cases: [
      one("the first", get("/1"), "200 a", { sent: { "x-would": null } }),
      one("the second says so", get("/2"), "200 a", { sent: { "x-would": "limit" } }),
    ],
  },
  {
    name: "local rate limit: per route",
    filters: [limiter({ stat_prefix: "none" })],
    routes: [
      {
        ...toA,
        match: { prefix: "/limited" },
        ...override("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", limit(1)),
      },
      toA,
    ],
    isStateful: true,
    cases: [
      one("the route", inTurn(get("/limited"), get("/limited")), `200 a|${limited}`),
      one("others", inTurn(get("/"), get("/"), get("/")), "200 a|200 a|200 a"),
    ],
  },
];

const buffer = (max: number): Json => httpFilter("buffer", "buffer.v3.Buffer", { max_request_bytes: max });

const buffers: Group["settings"] = [
  {
    name: "buffer",
    filters: [buffer(10)],
    routes: [
      { ...toA, match: { prefix: "/off" }, ...override("buffer", "buffer.v3.BufferPerRoute", { disabled: true }) },
      {
        ...toA,
        match: { prefix: "/large" },
        ...override("buffer", "buffer.v3.BufferPerRoute", { buffer: { max_request_bytes: 1000 } }),
      },
      toA,
    ],
    cases: [
      one("within the limit", post("/", "0123456789"), "200 a", { body: "0123456789" }),
      kept(one("above it", post("/", "0123456789x"), "413 Payload Too Large", { upstream: {}, closed: "fin" })),
      one("off", post("/off", "0123456789x"), "200 a"),
      one("a larger one", post("/large", "x".repeat(100)), "200 a"),
      one("GET", get("/"), "200 a"),
      one(
        "chunks get a length",
        request("POST", "/", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        "200 a",
        { body: "abcde" },
      ),
      kept(
        one(
          "chunks above it",
          request("POST", "/", ["Transfer-Encoding: chunked"], "b\r\n0123456789x\r\n0\r\n\r\n"),
          "413 Payload Too Large",
        ),
      ),
    ],
  },
];

const several: Group["settings"] = [
  {
    name: "the order of filters",
    filters: [
      corsFilter,
      rbac("ALLOW", byHeader),
      fault({ ...abort(503), headers: [{ name: "x-break", present_match: true }] }),
    ],
    host: override("cors", "cors.v3.CorsPolicy", corsPolicy),
    routes: [toA],
    cases: [
      one("cors answers before rbac", preflight("/", "http://good.example"), "200"),
      one("rbac before fault", get("/", "X-Break: 1"), denied),
      one("fault before the router", get("/", "X-Break: 1", "X-Role: admin"), "503 fault filter abort"),
      one("a denied request from an origin", get("/", "Origin: http://good.example"), denied, {
        fields: { "access-control-allow-origin": "http://good.example" },
      }),
      one("all pass", at("h", "/", "X-Role: admin"), "200 a"),
    ],
  },
];

export const limits: Group = {
  name: "local rate limit, buffer, order of filters",
  settings: [...rateLimits, ...buffers, ...several],
};
