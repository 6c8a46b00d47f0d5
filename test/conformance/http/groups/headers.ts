// Which route serves a request, by its header fields, method and other pseudo-headers.

import type { Json } from "../../mesh.ts";
import { at, type Case, type Group, get, one, post, request } from "../scenario.ts";

function matching(...headers: readonly Json[]): readonly Json[] {
  return [
    { match: { prefix: "/", headers }, route: { cluster: "@a" } },
    { match: { prefix: "/" }, route: { cluster: "@b" } },
  ];
}

const text = (matcher: Json, more: Json = {}): Json => ({ name: "X-Key", string_match: matcher, ...more });
const named = (fields: readonly string[]) => (fields.length === 0 ? "absent" : fields.join(", "));
const yes = (...fields: readonly string[]): Case => one(`${named(fields)}: matches`, get("/", ...fields), "200 a");
const no = (...fields: readonly string[]): Case => one(`${named(fields)}: doesn't`, get("/", ...fields), "200 b");

export const headers: Group = {
  name: "headers",
  settings: [
    {
      name: "exact",
      routes: matching(text({ exact: "one" })),
      cases: [
        ...[
          yes("X-Key: one"),
          yes("x-key:one"),
          yes("X-KEY:  one \t"),
          no("X-Key: One"),
          no("X-Key: one1"),
          no("X-Key:"),
          no(),
        ],
        ...[
          yes("X-Key: one", "X-Key: one"),
          yes("X-Key: one", "X-Key: two"),
          yes("X-Key: two", "X-Key: one"),
          no("X-Key: one,one"),
          no("X-Keys: one"),
        ],
      ],
    },
    {
      name: "exact, a list",
      routes: matching(text({ exact: "one,two" })),
      cases: [no("X-Key: one", "X-Key: two"), yes("X-Key: one,two"), no("X-Key: one, two")],
    },
    {
      name: "exact without case",
      routes: matching(text({ exact: "One", ignore_case: true })),
      cases: [yes("X-Key: oNE"), no("X-Key: ones"), no()],
    },
    {
      name: "prefix",
      routes: matching(text({ prefix: "ab" })),
      cases: [
        yes("X-Key: ab"),
        yes("X-Key: abc"),
        no("X-Key: cab"),
        no("X-Key: Ab"),
        no("X-Key: a"),
        no(),
        yes("X-Key: ab", "X-Key: c"),
      ],
    },
    {
      name: "suffix",
      routes: matching(text({ suffix: "yz", ignore_case: true })),
      cases: [yes("X-Key: XYZ"), no("X-Key: yzx"), no(), yes("X-Key: a", "X-Key: yz")],
    },
    {
      name: "contains",
      routes: matching(text({ contains: "mid" })),
      cases: [yes("X-Key: a mid b"), no("X-Key: MID"), no("X-Key: mi"), no(), yes("X-Key: a", "X-Key: mid")],
    },
    {
      name: "regex",
      routes: matching(text({ safe_regex: { regex: "v[0-9]+" } })),
      cases: [
        yes("X-Key: v12"),
        no("X-Key: v"),
        no("X-Key: xv1"),
        no("X-Key: v1x"),
        no(),
        yes("X-Key: v1", "X-Key: v2"),
        yes("X-Key: x", "X-Key: v2"),
      ],
    },
    {
      name: "inverted exact",
      routes: matching(text({ exact: "one" }, { invert_match: true })),
      cases: [
        ...[no("X-Key: one"), yes("X-Key: two"), no(), yes("X-Key:"), no("X-Key: one", "X-Key: two")],
        ...[no("X-Key: two", "X-Key: one"), yes("X-Key: two", "X-Key: three")],
      ],
    },
    {
      name: "inverted exact, missing is empty",
      routes: matching(text({ exact: "one" }, { invert_match: true, treat_missing_header_as_empty: true })),
      cases: [no("X-Key: one"), yes("X-Key: two"), yes()],
    },
    {
      name: "exact, missing is empty",
      routes: matching(text({ safe_regex: { regex: ".*" } }, { treat_missing_header_as_empty: true })),
      cases: [yes(), yes("X-Key:"), yes("X-Key: x")],
    },
    {
      name: "present",
      routes: matching({ name: "x-key", present_match: true }),
      cases: [yes("X-Key: a"), yes("X-Key:"), no(), yes("X-Key: a", "X-Key: b")],
    },
    {
      name: "absent",
      routes: matching({ name: "x-key", present_match: false }),
      cases: [no("X-Key: a"), no("X-Key:"), yes()],
    },
    {
      name: "inverted present",
      routes: matching({ name: "x-key", present_match: true, invert_match: true }),
      cases: [no("X-Key: a"), yes()],
    },
    {
      name: "present, missing is empty",
      routes: matching({ name: "x-key", present_match: true, treat_missing_header_as_empty: true }),
      cases: [yes("X-Key: a"), yes()],
    },
    {
      name: "name alone",
      routes: matching({ name: "x-key" }),
      cases: [yes("X-Key: a"), yes("X-Key:"), no()],
    },
    {
      name: "range",
      routes: matching({ name: "x-key", range_match: { start: -5, end: 10 } }),
      cases: [
        ...[
          yes("X-Key: -5"),
          no("X-Key: -6"),
          yes("X-Key: 9"),
          no("X-Key: 10"),
          yes("X-Key: 0"),
          yes("X-Key: 007"),
          yes("X-Key: +3"),
        ],
        ...[
          no("X-Key: 1.0"),
          no("X-Key: 1x"),
          no("X-Key:"),
          no(),
          no("X-Key: 1,2"),
          no("X-Key: 99999999999999999999"),
          no("X-Key: 0x1"),
          yes("X-Key: 99", "X-Key: 5"),
        ],
      ],
    },
    {
      name: "inverted range",
      routes: matching({ name: "x-key", range_match: { start: 1, end: 3 }, invert_match: true }),
      cases: [no("X-Key: 1"), yes("X-Key: 3"), yes("X-Key: x"), no(), no("X-Key: 1", "X-Key: 3")],
    },
    {
      name: "two conditions",
      routes: matching({ name: "x-a", string_match: { exact: "1" } }, { name: "x-b", present_match: true }),
      cases: [yes("X-A: 1", "X-B: x"), no("X-A: 1"), no("X-B: x"), no("X-A: 2", "X-B: x")],
    },
    {
      name: ":method",
      routes: matching({ name: ":method", string_match: { exact: "POST" } }),
      cases: [
        one("POST", post("/", "x"), "200 a"),
        no(),
        one("PUT", request("PUT", "/", ["Content-Length: 0"]), "200 b"),
      ],
    },
    {
      name: ":path",
      routes: matching({ name: ":path", string_match: { suffix: "?x=1" } }),
      cases: [one("with its query", get("/p?x=1"), "200 a"), one("without", get("/p"), "200 b")],
    },
    {
      name: ":authority",
      routes: matching({ name: ":authority", string_match: { prefix: "one." } }),
      cases: [
        one("Host", at("one.example:80"), "200 a"),
        one("another", at("two.example"), "200 b"),
        one("the absolute form", get("http://one.example/", "Host: two.example"), "200 a"),
      ],
    },
    {
      name: ":scheme",
      routes: matching({ name: ":scheme", string_match: { exact: "http" } }),
      cases: [yes(), one("absolute form with https", get("https://h/", "Host: h"), "200 b")],
    },
    {
      name: "host",
      routes: matching({ name: "host", string_match: { exact: "h" } }),
      cases: [yes()],
    },
    {
      name: "a field of the connection",
      routes: matching({ name: "connection", present_match: true }),
      cases: [no(), one("keep-alive", get("/", "Connection: keep-alive"), "200 b")],
    },
    {
      name: "content-length",
      routes: matching({ name: "content-length", range_match: { start: 2, end: 100 } }),
      cases: [one("two", post("/", "ab"), "200 a"), one("one", post("/", "a"), "200 b"), no()],
    },
    {
      name: "grpc",
      routes: [
        { match: { prefix: "/", grpc: {} }, route: { cluster: "@a" } },
        { match: { prefix: "/" }, route: { cluster: "@b" } },
      ],
      cases: [
        yes("Content-Type: application/grpc"),
        yes("Content-Type: application/grpc+proto"),
        no("Content-Type: application/grpc-web"),
        no("Content-Type: application/json"),
        no("Content-Type: application/grpcx"),
        no(),
      ],
    },
  ],
};
