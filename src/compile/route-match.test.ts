// What a request matches. Every expectation of the tables was asked of Envoy 1.40 (or stands in its source, where said).
import { describe, expect, test } from "bun:test";
import { everyRequest, routeConfiguration, routeTo, virtualHost } from "../model/http.fixture.ts";
import type { CookieMatcher, HeaderMatcher, PathMatcher, RouteMatch, ValueCondition } from "../model/matcher.ts";
import { type RequestFields, request } from "./request.fixture.ts";
import { findVirtualHost, matchRoute } from "./route-match.ts";
import { compileRouteTable } from "./route-table.ts";

/** Whether one route with this match takes the request. */
function matches(match: Partial<RouteMatch>, asked: RequestFields, random: number | bigint = 0): boolean {
  const route = routeTo("a", { match: { ...everyRequest, ...match } });
  const table = compileRouteTable(routeConfiguration("r", [virtualHost("v", ["*"], [route])]));
  return matchRoute(table, request(asked), random) !== undefined;
}

const text = (match: "exact" | "prefix" | "suffix" | "contains", value: string, ignoreCase = false) =>
  ({ match, value, ignoreCase }) as const;
const regex = (pattern: string) => ({ match: "regex", pattern }) as const;

describe("virtual host", () => {
  const domains = ["h.com", "h.com:80", "*.s.com", "*-b.s.com", "[::1]", "p.*", "p.q.*", "*"];
  const configuration = routeConfiguration(
    "r",
    domains.map((domain) => virtualHost(domain, [domain], [routeTo("a")])),
  );
  const cases: readonly [string, string, string][] = [
    // host, its domain, its domain with ignore_port_in_host_matching
    ["h.com", "h.com", "h.com"],
    ["H.COM", "h.com", "h.com"],
    ["h.com.", "*", "*"],
    ["h.com:80", "h.com:80", "h.com"],
    ["h.com:81", "*", "h.com"],
    ["h.com:", "*", "h.com"],
    ["h.com:abc", "*", "h.com"],
    ["h.com:80:80", "*", "h.com:80"],
    ["[::1]", "[::1]", "[::1]"],
    ["[::1]:80", "*", "[::1]"],
    ["a.s.com", "*.s.com", "*.s.com"],
    ["a.s.com:80", "*", "*.s.com"],
    [".s.com", "*", "*"],
    ["s.com", "*", "*"],
    ["a-b.s.com", "*-b.s.com", "*-b.s.com"],
    ["x.a-b.s.com", "*-b.s.com", "*-b.s.com"],
    ["p.x", "p.*", "p.*"],
    ["p.", "*", "*"],
    ["p.q.r", "p.q.*", "p.q.*"],
    ["p.q", "p.*", "p.*"],
    ["p.s.com", "*.s.com", "*.s.com"],
    ["zzz", "*", "*"],
    ["", "*", "*"],
  ];
  const exactPort = compileRouteTable(configuration);
  const anyPort = compileRouteTable({ ...configuration, ignorePortInHost: true });
  test.each(cases)("%p: %p, %p without its port", (authority, own, withoutPort) => {
    expect(domains[findVirtualHost(exactPort, authority)]).toBe(own);
    expect(domains[findVirtualHost(anyPort, authority)]).toBe(withoutPort);
  });

  test("none", () => {
    const table = compileRouteTable(routeConfiguration("r", [virtualHost("v", ["h.com"], [routeTo("a")])]));
    expect(findVirtualHost(table, "x.com")).toBe(-1);
    expect(matchRoute(table, request({ authority: "x.com" }), 0)).toBeUndefined();
  });

  test("domains are compared without case", () => {
    const table = compileRouteTable(routeConfiguration("r", [virtualHost("v", ["H.Com", "*.S.com"], [routeTo("a")])]));
    expect([findVirtualHost(table, "h.coM"), findVirtualHost(table, "x.s.COM")]).toEqual([0, 0]);
  });

  test("a virtual host without a matching route is not left for another", () => {
    const own = virtualHost("own", ["h.com"], []);
    const table = compileRouteTable(routeConfiguration("r", [own, virtualHost("any", ["*"], [routeTo("a")])]));
    expect(matchRoute(table, request({ authority: "h.com" }), 0)).toBeUndefined();
    expect(matchRoute(table, request({ authority: "i.com" }), 0)).toEqual({ virtualHost: 1, route: 0 });
  });
});

test("the first route that holds", () => {
  const header = (value: string): HeaderMatcher => ({
    name: "x",
    condition: text("exact", value),
    invert: false,
    missingIsEmpty: false,
  });
  const routes = ["1", "2"].map((value) => routeTo("a", { match: { ...everyRequest, headers: [header(value)] } }));
  const table = compileRouteTable(routeConfiguration("r", [virtualHost("v", ["*"], [...routes, routeTo("b")])]));
  const routeOf = (...fields: string[]) => matchRoute(table, request({ fields }), 0)?.route;
  expect([routeOf("x: 1"), routeOf("x: 2"), routeOf("x: 3"), routeOf("x: 2", "x: 1")]).toEqual([0, 1, 2, 0]);
});

describe("path", () => {
  const path = (match: "prefix" | "exact" | "separated_prefix", value: string, caseSensitive = true): PathMatcher => ({
    match,
    value,
    caseSensitive,
  });
  const cases: readonly [PathMatcher, string, boolean][] = [
    [path("prefix", "/a"), "/a", true],
    [path("prefix", "/a"), "/abc", true],
    [path("prefix", "/a"), "/a?x=1", true],
    // The API's text has it otherwise; Envoy's matcher leaves the query out for every kind (Matchers::PathMatcher).
    [path("prefix", "/a?x"), "/a?x=1", false],
    [path("prefix", "/A"), "/a", false],
    [path("prefix", "/AB", false), "/abc", true],
    [path("prefix", ""), "/", true],
    [path("exact", "/a"), "/a", true],
    [path("exact", "/a"), "/a?x", true],
    [path("exact", "/a"), "/a/", false],
    [path("exact", "/A", false), "/a?x", true],
    [path("exact", "/é".normalize("NFC"), false), "/É", false],
    [path("separated_prefix", "/a"), "/a", true],
    [path("separated_prefix", "/a"), "/a?x", true],
    [path("separated_prefix", "/a"), "/a/b", true],
    [path("separated_prefix", "/a"), "/ab", false],
    [path("separated_prefix", "/AB", false), "/ab/c", true],
    [regex("/a|/ab"), "/ab", true],
    [regex("/a"), "/ab", false],
    [regex("/a.*"), "/a?b", true],
    [regex("/a\\?b"), "/a?b", false],
    [{ match: "connect" }, "/", false],
  ];
  test.each(cases)("%j %s: %p", (match, asked, expected) => {
    expect(matches({ path: match }, { path: asked })).toBe(expected);
  });

  test.each<[string, PathMatcher, boolean]>([
    ["connect_matcher", { match: "connect" }, true],
    ["any prefix", path("prefix", ""), false],
    ["any regex", regex(".*"), false],
  ])("CONNECT and %s", (_name, match, expected) => {
    expect(matches({ path: match }, { method: "CONNECT", path: "", authority: "a.example:443" })).toBe(expected);
  });

  test("OPTIONS * has no path that could match", () => {
    for (const match of [path("prefix", ""), path("exact", "*"), regex("\\*")]) {
      expect(matches({ path: match }, { method: "OPTIONS", path: "*" })).toBe(false);
    }
  });
});

describe("header", () => {
  const present = { match: "present" } as const;
  const range = (start: bigint, end: bigint): ValueCondition => ({ match: "range", start, end });
  const cases: readonly (readonly [string, Partial<HeaderMatcher>, readonly string[], boolean])[] = [
    ["exact", { condition: text("exact", "a") }, ["x: a"], true],
    ["exact, other case", { condition: text("exact", "a") }, ["x: A"], false],
    ["exact, case ignored", { condition: text("exact", "aB", true) }, ["x: Ab"], true],
    // "é" in UTF-8, one character a byte: letters beyond ASCII keep their case.
    ["case ignored beyond ASCII", { condition: text("exact", "\u00c3\u00a9", true) }, ["x: \u00c3\u0089"], false],
    ["prefix", { condition: text("prefix", "a") }, ["x: ab"], true],
    ["suffix", { condition: text("suffix", "BC", true) }, ["x: abc"], true],
    ["contains", { condition: text("contains", "B", true) }, ["x: abc"], true],
    ["contains not", { condition: text("contains", "B") }, ["x: abc"], false],
    ["empty text is exact", { condition: text("exact", "") }, ["x: b"], false],
    ["regex is anchored", { condition: regex("a|ab") }, ["x: ab"], true],
    ["regex, a byte a character", { condition: regex("a..b") }, ["x: a\u00c3\u00a9b"], true],
    ["regex, no letter of two bytes", { condition: regex("a.b") }, ["x: a\u00c3\u00a9b"], false],
    ["regex, any byte", { condition: regex("a.b") }, ["x: a\u00ffb"], true],
    ["regex with a letter of two bytes", { condition: regex("é") }, ["x: \u00c3\u00a9"], true],
    ["of which the last is repeated", { condition: regex("é+") }, ["x: \u00c3\u00a9\u00c3\u00a9"], false],
    ["regex, code point", { condition: regex("\\x{e9}") }, ["x: \u00e9"], true],
    ["range", { condition: range(-6n, 6n) }, ["x: 5"], true],
    ["range, start", { condition: range(-6n, 6n) }, ["x: -6"], true],
    ["range, end", { condition: range(-6n, 6n) }, ["x: 6"], false],
    ["range, +", { condition: range(5n, 6n) }, ["x: +5"], true],
    ["range, zeros", { condition: range(5n, 6n) }, ["x: 05"], true],
    ["range, -0", { condition: range(0n, 6n) }, ["x: -0"], true],
    ["range, 64 bits", { condition: range(0n, 2n ** 63n - 1n) }, ["x: 9223372036854775806"], true],
    ["range, more than 64 bits", { condition: range(0n, 2n ** 63n - 1n) }, ["x: 9223372036854775808"], false],
    ["range, a modulus of 64 bits", { condition: range(0n, 6n) }, ["x: 18446744073709551616"], false],
    ...["5.0", "5 5", "- 5", "--5", "0x5", "", "q"].map(
      (value) => [`range, ${value}`, { condition: range(-6n, 6n) }, [`x: ${value}`], false] as const,
    ),
    ["range inverted", { condition: range(0n, 6n), invert: true }, ["x: q"], true],
    ["present", { condition: present }, ["x: a"], true],
    ["present and empty", { condition: present }, ["x: "], true],
    ["present, missing", { condition: present }, [], false],
    ["absent", { condition: present, invert: true }, [], true],
    ["absent, there", { condition: present, invert: true }, ["x: a"], false],
    ["present, missing is empty", { condition: present, missingIsEmpty: true }, [], true],
    ["absent, missing is empty", { condition: present, invert: true, missingIsEmpty: true }, [], false],
    ["inverted", { condition: text("exact", "a"), invert: true }, ["x: b"], true],
    ["inverted, missing", { condition: text("exact", "a"), invert: true }, [], false],
    ["inverted, missing is empty", { condition: text("exact", "a"), invert: true, missingIsEmpty: true }, [], true],
    ["empty, missing is empty", { condition: text("exact", ""), missingIsEmpty: true }, [], true],
    ["range, missing is empty", { condition: range(0n, 6n), missingIsEmpty: true }, [], false],
    ["one of two", { condition: text("exact", "a") }, ["x: a", "x: b"], true],
    ["the other of two", { condition: text("exact", "b") }, ["x: a", "x: b"], true],
    ["not joined", { condition: text("exact", "a,b") }, ["x: a", "x: b"], false],
    ["not joined for a regex", { condition: regex("a.*b") }, ["x: a", "x: b"], false],
    ["inverted, one of two", { condition: text("exact", "a"), invert: true }, ["x: a", "x: b"], false],
    ["inverted, none of two", { condition: text("exact", "c"), invert: true }, ["x: a", "x: b"], true],
    ["joined where Envoy joins", { name: "accept", condition: text("exact", "a,b") }, ["accept: a", "accept: b"], true],
    [
      "of which none counts alone",
      { name: "accept", condition: text("exact", "a") },
      ["accept: a", "accept: b"],
      false,
    ],
    ["cookie fields are apart", { name: "cookie", condition: regex("a=1") }, ["cookie: a=1", "cookie: b=2"], true],
  ];
  test.each(cases)("%s", (_name, matcher, fields, expected) => {
    const whole = { name: "x", condition: present, invert: false, missingIsEmpty: false, ...matcher };
    expect(matches({ headers: [whole] }, { fields })).toBe(expected);
  });

  const asked = { method: "PUT", authority: "Shop.example", path: "/?a", scheme: "http" } as const;
  test.each<[string, string, boolean]>([
    [":method", "PUT", true],
    [":authority", "Shop.example", true],
    [":authority", "shop.example", false],
    [":path", "/?a", true],
    [":path", "/", false],
    [":scheme", "http", true],
    [":status", "", false],
  ])("%s is %p: %p", (name, value, expected) => {
    const matcher = { name, condition: text("exact", value), invert: false, missingIsEmpty: false };
    expect(matches({ headers: [matcher] }, asked)).toBe(expected);
  });

  test("CONNECT has no :path", () => {
    const absent = { name: ":path", condition: present, invert: true, missingIsEmpty: false };
    expect(matches({ path: { match: "connect" }, headers: [absent] }, { method: "CONNECT", path: "" })).toBe(true);
  });
});

describe("fields of one connection are gone before routing", () => {
  const websocket = ["connection: keep-alive, Upgrade", "upgrade: websocket"];
  const cases: readonly [name: string, fields: readonly string[], value: string | undefined][] = [
    ["connection", ["connection: close"], undefined],
    ["keep-alive", ["keep-alive: timeout=5"], undefined],
    ["proxy-connection", ["proxy-connection: close"], undefined],
    ["transfer-encoding", ["transfer-encoding: chunked"], undefined],
    ["te", ["te: gzip"], undefined],
    // Of `te` only this is left.
    ["te", ["te: gzip, Trailers"], "trailers"],
    ["upgrade", ["upgrade: websocket"], undefined],
    ["upgrade", ["connection: upgrade", "upgrade: h2c"], undefined],
    ["connection", ["connection: upgrade, http2-settings", "upgrade: h2c"], undefined],
    ["upgrade", websocket, "websocket"],
    ["connection", websocket, "keep-alive, Upgrade"],
  ];
  test.each(cases)("%s of %p", (name, fields, value) => {
    const header = (condition: ValueCondition): HeaderMatcher => ({
      name,
      condition,
      invert: false,
      missingIsEmpty: false,
    });
    expect(matches({ headers: [header({ match: "present" })] }, { fields })).toBe(value !== undefined);
    if (value !== undefined) expect(matches({ headers: [header(text("exact", value))] }, { fields })).toBe(true);
  });
});

describe("query parameter", () => {
  const cases: readonly [string, string, string, boolean][] = [
    ["?q=1", "q", "1", true],
    ["?q=%41", "q", "A", false],
    ["?q=%41", "q", "%41", true],
    ["?%71=1", "q", "1", false],
    ["?%71=1", "%71", "1", true],
    ["?q=a+b", "q", "a b", false],
    ["?q=1&q=2", "q", "1", true],
    ["?q=1&q=2", "q", "2", false],
    ["?q&b", "q", "", true],
    ["?q=&b", "q", "", true],
    ["?b&q=1", "q", "1", true],
    ["?b=q=1", "q", "1", false],
    ["?q=a=b", "q", "a=b", true],
    ["?q=a?b", "q", "a?b", true],
    ["?qq=1", "q", "1", false],
    ["?a=1&&q=2", "q", "2", true],
    ["?", "q", "", false],
    ["", "q", "", false],
  ];
  test.each(cases)("/%s has %s = %p: %p", (query, name, value, expected) => {
    expect(matches({ queryParameters: [{ name, condition: text("exact", value) }] }, { path: `/${query}` })).toBe(
      expected,
    );
  });

  test.each<[string, boolean]>([
    ["/?q", true],
    ["/?q=1", true],
    ["/?&&q=1", true],
    ["/?Q", false],
    ["/", false],
  ])("%s has one: %p", (path, expected) => {
    expect(matches({ queryParameters: [{ name: "q", condition: { match: "present" } }] }, { path })).toBe(expected);
    expect(matches({ queryParameters: [{ name: "q", condition: { match: "absent" } }] }, { path })).toBe(!expected);
  });
});

describe("cookie", () => {
  const cases: readonly [string[], string, boolean][] = [
    [["cookie: b=2"], "2", true],
    [["cookie: a=1; b=2"], "2", true],
    [["cookie: a=1;b=2"], "2", true],
    [["cookie: a=1;    b=2"], "2", true],
    [["cookie: a=1", "cookie: b=2"], "2", true],
    [["cookie: a=1,b=2"], "2", false],
    [["cookie: a=1;\tb=2"], "2", false],
    [['cookie: b="2"'], "2", true],
    [['cookie: b="2"'], '"2"', false],
    [['cookie: b=""'], "", true],
    [['cookie: b="'], '"', true],
    [["cookie: b=1; b=2"], "1", true],
    [["cookie: b=1; b=2"], "2", false],
    [["cookie: b=1", "cookie: b=2"], "1", true],
    [["cookie: b; c=2"], "", false],
    [["cookie: b=; c=2"], "", true],
    [["cookie: b= 2"], "2", false],
    [["cookie: b=2 ; a=1"], "2", false],
    [["cookie: b =2"], "2", false],
    [["cookie: b=2=3"], "2=3", true],
    [["cookie: B=2"], "2", false],
    [[], "", false],
  ];
  test.each(cases)("%j has b = %p: %p, and inverted the contrary", (fields, value, expected) => {
    const cookie = (invert: boolean): CookieMatcher => ({ name: "b", condition: text("exact", value), invert });
    expect(matches({ cookies: [cookie(false)] }, { fields })).toBe(expected);
    expect(matches({ cookies: [cookie(true)] }, { fields })).toBe(!expected);
  });
});

test.each<[string | undefined, boolean]>([
  ["application/grpc", true],
  ["application/grpc+proto", true],
  ["application/grpc;x", false],
  ["Application/grpc", false],
  ["application/grpc-web", false],
  [undefined, false],
])("grpc: %s is %p", (type, expected) => {
  const fields = type === undefined ? [] : [`content-type: ${type}`];
  expect(matches({ grpcOnly: true }, { fields })).toBe(expected);
});

describe("runtime_fraction: the remainder of the random number is below the numerator (ProtobufPercentHelper)", () => {
  test.each<[number, 100 | 10_000 | 1_000_000, number | bigint, boolean]>([
    [1, 100, 0, true],
    [1, 100, 1, false],
    [1, 100, 100, true],
    [50, 100, 149, true],
    [50, 100, 150, false],
    [1, 10_000, 10_000, true],
    [1, 1_000_000, 100, false],
    [0, 100, 0, false],
    [100, 100, 99, true],
    [1, 100, 2n ** 64n - 16n, true],
    [1, 100, 2n ** 64n - 1n, false],
  ])("%d of %d at %p: %p", (numerator, denominator, random, expected) => {
    expect(matches({ fraction: { numerator, denominator } }, {}, random)).toBe(expected);
  });
});
