import { describe, expect, test } from "bun:test";
import type { PathMatcher } from "../../model/matcher.ts";
import type { RedirectAction, VirtualHost } from "../../model/route.ts";
import { Patterns } from "./patterns.ts";
import { mustUseTls, redirectLocation, selfLocation, tlsRedirectLocation } from "./redirect.ts";
import { type Pairs, request } from "./request.fixture.ts";

const patterns = new Patterns();
const matched: PathMatcher = { match: "prefix", value: "/redir", caseSensitive: true };
const unchanged: RedirectAction = {
  type: "redirect",
  status: 301,
  host: "",
  port: undefined,
  scheme: undefined,
  path: undefined,
  stripQuery: false,
};
const https: Pairs = [["x-forwarded-proto", "https"]];

describe("redirectLocation, asked of Envoy 1.40", () => {
  type Case = readonly [string, Partial<RedirectAction>, authority: string, path: string, Pairs, expected: string];
  const cases: readonly Case[] = [
    ["host", { host: "h.example" }, "a:81", "/redir?a=1", [], "http://h.example/redir?a=1"],
    ["host, by https in front", { host: "h.example" }, "a:81", "/redir", https, "https://h.example/redir"],
    ["scheme keeps another port", { scheme: "https" }, "a:81", "/redir", [], "https://a:81/redir"],
    ["scheme drops the old scheme's port", { scheme: "https" }, "a:80", "/redir", [], "https://a/redir"],
    ["the same scheme keeps its port", { scheme: "http" }, "a:80", "/redir", [], "http://a:80/redir"],
    ["443 of https goes", { scheme: "http" }, "a:443", "/redir", https, "http://a/redir"],
    ["port", { port: 8443 }, "a:81", "/redir", [], "http://a:8443/redir"],
    ["port of an IPv6 address", { port: 8443 }, "[::1]:81", "/redir", [], "http://[::1]:8443/redir"],
    ["IPv6 address without port", { port: 8443 }, "[::1]", "/redir", [], "http://[::1]:8443/redir"],
    ["path", { path: { type: "literal", value: "/n" } }, "a", "/redir/z?y", [], "http://a/n?y"],
    ["path without slash", { path: { type: "literal", value: "n" } }, "a", "/redir", [], "http://a/n"],
    [
      "path, query stripped",
      { path: { type: "literal", value: "/n" }, stripQuery: true },
      "a",
      "/redir?y",
      [],
      "http://a/n",
    ],
    [
      "path with a query",
      { path: { type: "literal", value: "/n?x=1" }, stripQuery: true },
      "a",
      "/redir?y",
      [],
      "http://a/n?x=1",
    ],
    ["prefix", { path: { type: "prefix", value: "/q" }, stripQuery: true }, "a", "/redir/z?y", [], "http://a/q/z"],
    [
      "regex",
      { path: { type: "regex", rewrite: { pattern: "/redir/(.)(.)", substitution: "z\\2\\1\\\\" } } },
      "a",
      "/redir/reX?y",
      [],
      "http://a/zer\\X?y",
    ],
  ];
  test.each(cases)("%s", (_, action, authority, path, fields, expected) => {
    const sent = request(fields, { authority, path });
    expect(redirectLocation({ ...unchanged, ...action }, sent, matched, patterns)).toBe(expected);
  });
});

test("direct responses point to themselves", () => {
  expect(selfLocation(request([], { path: "/d201?q" }))).toBe("http://a.example:81/d201?q");
});

describe("require_tls", () => {
  const cases: readonly (readonly [VirtualHost["requireTls"], Pairs, boolean])[] = [
    ["none", [], false],
    ["all", [], true],
    ["external_only", [], true],
    ["all", https, false],
  ];
  test.each(cases)("%s %j", (requireTls, fields, expected) => {
    expect(mustUseTls({ requireTls } as VirtualHost, request(fields))).toBe(expected);
  });

  test("location", () => {
    expect(tlsRedirectLocation(request([], { path: "/p?q" }))).toBe("https://a.example:81/p?q");
  });
});
