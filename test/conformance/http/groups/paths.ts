// Which route serves a request, by its path.

import type { Json } from "../../mesh.ts";
import { type Case, type Group, get, kept, one, request } from "../scenario.ts";

/** Requests that match go to `a`, others to `b`. */
function matching(match: Json): readonly Json[] {
  return [
    { match, route: { cluster: "@a" } },
    { match: { prefix: "/" }, route: { cluster: "@b" } },
  ];
}

const yes = (path: string, name = path): Case =>
  one(`${name} matches`, get(path), "200 a", { upstream: { a: [`GET ${path}`] } });
const no = (path: string, name = path): Case =>
  one(`${name} doesn't`, get(path), "200 b", { upstream: { b: [`GET ${path}`] } });

export const paths: Group = {
  name: "paths",
  settings: [
    {
      name: "prefix /a",
      routes: matching({ prefix: "/a" }),
      cases: [
        ...[yes("/a"), yes("/ab"), yes("/a/b"), yes("/a?q"), no("/b/a"), no("/A"), no("//a"), no("/%61")],
        ...[no("/?/a"), yes("/a/../b"), no("/b/../a"), yes("/a%2Fb"), yes("/a;x=1")],
        one("the absolute form's path", get("http://h/a/x?y", "Host: h"), "200 a", { upstream: { a: ["GET /a/x?y"] } }),
        one("the absolute form without a path", get("http://h", "Host: h"), "200 b", { upstream: { b: ["GET /"] } }),
        one("the absolute form with a query alone", get("http://h?x", "Host: h"), "404"),
      ],
    },
    {
      name: "prefix with a query never matches",
      routes: matching({ prefix: "/a?x" }),
      cases: [no("/a?x"), no("/a?x=1"), no("/a")],
    },
    {
      name: "prefix without case",
      routes: matching({ prefix: "/Path", case_sensitive: false }),
      cases: [yes("/path"), yes("/PATHS?x"), no("/pat")],
    },
    {
      name: "path_separated_prefix /a/b",
      routes: matching({ path_separated_prefix: "/a/b" }),
      cases: [yes("/a/b"), yes("/a/b/"), yes("/a/b/c"), yes("/a/b?q"), no("/a/bc"), no("/a"), no("/A/b"), no("/a/b;x")],
    },
    {
      name: "path_separated_prefix without case",
      routes: matching({ path_separated_prefix: "/a/b", case_sensitive: false }),
      cases: [yes("/A/B/c"), no("/A/Bc")],
    },
    {
      name: "path /a",
      routes: matching({ path: "/a" }),
      cases: [yes("/a"), yes("/a?"), yes("/a?b=c"), no("/a/"), no("/A"), no("/ab"), no("/%61"), no("/a/?b")],
    },
    {
      name: "path without case",
      routes: matching({ path: "/A", case_sensitive: false }),
      cases: [yes("/a"), yes("/A?x"), no("/ab")],
    },
    {
      name: "path /",
      routes: matching({ path: "/" }),
      cases: [yes("/"), yes("/?x"), no("//"), no("/x")],
    },
    {
      name: "safe_regex",
      routes: matching({ safe_regex: { regex: "/a[0-9]+(/.*)?" } }),
      cases: [
        ...[yes("/a1"), yes("/a12/x"), yes("/a1?x"), no("/a"), no("/a1x"), no("/x/a1"), no("/A1")],
        no("/a?/a1", "a query that would match"),
      ],
    },
    {
      name: "safe_regex with alternatives and case",
      routes: matching({ safe_regex: { regex: "(?i)/one|/two$" } }),
      cases: [yes("/ONE"), yes("/two"), no("/onetwo"), no("/one/")],
    },
    {
      name: "safe_regex in RE2's syntax",
      routes: matching({ safe_regex: { regex: "/\\p{Lu}\\d{2,3}[[:alpha:]]?\\z" } }),
      cases: [yes("/A12"), yes("/Z123x"), no("/a12"), no("/A1"), no("/A12xy")],
    },
    {
      name: "safe_regex that would take a backtracking engine for ever",
      routes: matching({ safe_regex: { regex: "/(a+)+b" } }),
      cases: [no(`/${"a".repeat(60)}`, "60 letters"), yes(`/${"a".repeat(60)}b`, "60 letters and the end")],
    },
    {
      name: "the first route wins",
      routes: [
        { match: { prefix: "/a/b" }, route: { cluster: "@a" } },
        { match: { prefix: "/a" }, route: { cluster: "@b" } },
        { match: { path: "/a/b/c" }, route: { cluster: "@c" } },
        { match: { path: "*" }, route: { cluster: "@e" } },
        { match: { prefix: "" }, route: { cluster: "@d" } },
      ],
      cases: [
        ...[one("longer first", get("/a/b/c"), "200 a"), one("shorter", get("/a/c"), "200 b")],
        ...[one("everything", get("/x"), "200 d")],
        one("OPTIONS * is no path", request("OPTIONS", "*"), "404"),
      ],
    },
    {
      name: "no route",
      routes: [{ match: { prefix: "/a" }, route: { cluster: "@a" } }],
      cases: [
        one("another path", get("/b"), "404", { upstream: {}, closed: "open" }),
        one("OPTIONS *", request("OPTIONS", "*"), "404"),
        one("HEAD", request("HEAD", "/b"), "404"),
        kept(one("CONNECT", request("CONNECT", "h:443", ["Host: h:443"]), "404")),
      ],
    },
    {
      name: "normalize_path",
      routes: matching({ prefix: "/a/" }),
      manager: { normalize_path: true },
      cases: [
        one("dots", get("/b/../a/./c"), "200 a", { upstream: { a: ["GET /a/c"] } }),
        one("encoded dots", get("/b/%2e%2E/a/x"), "200 a", { upstream: { a: ["GET /a/x"] } }),
        one("above the root", get("/../../a/x"), "200 a", { upstream: { a: ["GET /a/x"] } }),
        one("backslash", get("/b\\..\\a\\x"), "200 a", { upstream: { a: ["GET /a/x"] } }),
        one("trailing dots", get("/a/b/.."), "200 a", { upstream: { a: ["GET /a/"] } }),
        one("encoded letters", get("/%61/x"), "200 a", { upstream: { a: ["GET /a/x"] } }),
        one("reserved letters stay", get("/a/%2f%3F%25"), "200 a", { upstream: { a: ["GET /a/%2f%3F%25"] } }),
        one("the query stays", get("/b/../a/?x=/../y"), "200 a", { upstream: { a: ["GET /a/?x=/../y"] } }),
        one("slashes stay", get("//a//x"), "200 b", { upstream: { b: ["GET //a//x"] } }),
      ],
    },
    {
      name: "merge_slashes",
      routes: matching({ prefix: "/a/" }),
      manager: { merge_slashes: true },
      cases: [
        one("merged", get("//a///x//"), "200 a", { upstream: { a: ["GET /a/x/"] } }),
        one("not in the query", get("/a//x?y=//"), "200 a", { upstream: { a: ["GET /a/x?y=//"] } }),
        one("dots stay", get("/a/..//x"), "200 a", { upstream: { a: ["GET /a/../x"] } }),
      ],
    },
    {
      name: "escaped slashes rejected",
      routes: matching({ prefix: "/a/" }),
      manager: { path_with_escaped_slashes_action: "REJECT_REQUEST" },
      cases: [
        ...["/a/%2Fb", "/a/%2fb", "/a/%5cb", "/a/%5C"].map((path) => one(path, get(path), "400", { upstream: {} })),
        one("in the query", get("/a/?%2f"), "200 a"),
        one("twice encoded", get("/a/%252f"), "200 a"),
      ],
    },
    {
      name: "escaped slashes unescaped",
      routes: matching({ prefix: "/a/" }),
      manager: { path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" },
      cases: [
        one("slash", get("/a%2Fb"), "200 a", { upstream: { a: ["GET /a/b"] } }),
        one("backslash", get("/a/%5Cb"), "200 a", { upstream: { a: ["GET /a/\\b"] } }),
        one("not in the query", get("/a%2fb?%2f"), "200 a", { upstream: { a: ["GET /a/b?%2f"] } }),
      ],
    },
    {
      name: "escaped slashes redirected",
      routes: matching({ prefix: "/a/" }),
      manager: { path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT", normalize_path: true },
      cases: [
        one("slash", get("/a%2Fb?c"), "307", { fields: { location: "/a/b?c" }, upstream: {} }),
        one("unescaped before it is normalised", get("/x/..%2fa%2fb"), "307", { fields: { location: "/a/b" } }),
        one("nothing to unescape", get("/a/b"), "200 a"),
      ],
    },
  ],
};
