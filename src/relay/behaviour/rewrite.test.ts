import { describe, expect, test } from "bun:test";
import type { PathMatcher } from "../../model/matcher.ts";
import type { HostRewrite, PathRewrite } from "../../model/route.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, request } from "./request.fixture.ts";
import { appendForwardedHost, rewriteHost, rewritePath } from "./rewrite.ts";

const patterns = new Patterns();
const prefix = (value: string): PathMatcher => ({ match: "prefix", value, caseSensitive: true });
const to = (value: string): PathRewrite => ({ type: "prefix", value });
const regex = (pattern: string, substitution: string): PathRewrite => ({
  type: "regex",
  rewrite: { pattern, substitution },
});

describe("rewritePath", () => {
  const cases: readonly (readonly [string, path: string, PathRewrite, PathMatcher, expected: string])[] = [
    ["prefix", "/api/v1/x?a=1", to("/v2"), prefix("/api/v1"), "/v2/x?a=1"],
    ["prefix to root", "/api/x", to("/"), prefix("/api"), "//x"],
    [
      "prefix of another case",
      "/API/x",
      to("/v2"),
      { ...prefix("/api"), match: "prefix", value: "/api", caseSensitive: false },
      "/v2/x",
    ],
    [
      "separated prefix",
      "/api?a",
      to("/v2"),
      { match: "separated_prefix", value: "/api", caseSensitive: true },
      "/v2?a",
    ],
    ["exact", "/a?b", to("/c"), { match: "exact", value: "/a", caseSensitive: true }, "/c?b"],
    // Asked of Envoy 1.40: a regular expression takes the whole path.
    ["matched by regex", "/rw/sxyz?bb", to("/new"), { match: "regex", pattern: "/rw/sx.*" }, "/new?bb"],
    ["regex leaves the query", "/rw/re/abba?bb", regex("b*", "X"), prefix("/rw"), "X/XrXwX/XrXeX/XaXaX?bb"],
    ["regex with groups", "/a/b", regex("^/(\\w)/(\\w)$", "/\\2/\\1"), prefix("/"), "/b/a"],
    ["regex to nothing", "/rw/empty?bb", regex("^.*$", ""), prefix("/rw"), "/rw/empty?bb"],
  ];
  test.each(cases)("%s", (_, path, rewrite, matched, expected) => {
    expect(rewritePath(path, rewrite, matched, patterns)).toBe(expected);
  });
});

describe("rewriteHost", () => {
  const sent = request(
    [
      ["x-h", "one"],
      ["x-h", "two"],
      ["x-empty", ""],
    ],
    { path: "/rw/hr/foo/bar?x" },
  );
  const cases: readonly (readonly [string, HostRewrite, hostname: string, expected: string | undefined])[] = [
    ["literal", { type: "literal", value: "b" }, "", "b"],
    ["the first of two", { type: "header", header: "x-h" }, "", "one"],
    ["empty header", { type: "header", header: "x-empty" }, "", undefined],
    ["no header", { type: "header", header: "x-none" }, "", undefined],
    [
      "path",
      { type: "path_regex", rewrite: { pattern: "^/rw/hr/([^/]*).*$", substitution: "\\1.svc" } },
      "",
      "foo.svc",
    ],
    ["endpoint", { type: "endpoint" }, "e.example", "e.example"],
    ["endpoint without a name", { type: "endpoint" }, "", undefined],
  ];
  test.each(cases)("%s", (_, rewrite, hostname, expected) => {
    expect(rewriteHost(rewrite, sent, hostname, patterns)).toBe(expected);
  });
});

describe("appendForwardedHost, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [sent: Pairs, expected: string])[] = [
    [[], "x-forwarded-host: a.example:81\r\n"],
    [[["x-forwarded-host", "zz"]], "x-forwarded-host: zz,a.example:81\r\n"],
    [[["x-forwarded-host", "zz,a.example:81"]], "x-forwarded-host: zz,a.example:81\r\n"],
    // Blanks aren't looked past.
    [[["x-forwarded-host", "zz, a.example:81"]], "x-forwarded-host: zz, a.example:81,a.example:81\r\n"],
  ];
  test.each(cases)("%j", (sent, expected) => {
    const { fields } = request(sent);
    appendForwardedHost(fields, "a.example:81");
    expect(fields.toString()).toBe(expected);
  });
});
