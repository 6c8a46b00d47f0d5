// The compiled table against a naive reading of the model, on random configurations and requests; and its rows against what BPF may
// rely on.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { routeConfiguration, routeTo, virtualHost } from "../model/http.fixture.ts";
import type { HeaderMatcher, PathMatcher, RouteMatch, StringMatcher, ValueCondition } from "../model/matcher.ts";
import type { RequestView } from "../model/request.ts";
import type { RouteConfiguration } from "../model/route.ts";
import { latin1Bytes, latin1Text } from "./latin1.ts";
import { request } from "./request.fixture.ts";
import { groupsOf } from "./route-encode.ts";
import { findVirtualHost, matchRoute } from "./route-match.ts";
import { DomainKind, domainHash, domainWords, type RouteRows } from "./route-rows.ts";
import { compileRouteTable } from "./route-table.ts";

// Small alphabets, so that things match.
const word = fc.string({ unit: fc.constantFrom("a", "A", "b"), minLength: 1, maxLength: 2 });
const name = fc.constantFrom("x", "y");
const domain = fc.oneof(
  word,
  word.map((text) => `*.${text}`),
  word.map((text) => `${text}.*`),
  word.map((text) => `${text}.${text}`),
  word.map((text) => `${text}:80`),
  fc.constant("*"),
);
const stringMatcher: fc.Arbitrary<StringMatcher> = fc.oneof(
  fc.record({
    match: fc.constantFrom("exact", "prefix", "suffix", "contains"),
    value: word,
    ignoreCase: fc.boolean(),
  }),
  fc.record({ match: fc.constant("regex" as const), pattern: fc.constantFrom("a.*", "a|b", "[ab]b?", ".") }),
);
const condition: fc.Arbitrary<ValueCondition> = fc.oneof(
  stringMatcher,
  fc.constant({ match: "present" } as const),
  fc.record({ match: fc.constant("range" as const), start: fc.bigInt(-2n, 2n), end: fc.bigInt(-2n, 3n) }),
);
const path: fc.Arbitrary<PathMatcher> = fc.oneof(
  fc.constant({ match: "prefix", value: "/", caseSensitive: true } as const),
  fc.record({
    match: fc.constantFrom("prefix", "exact", "separated_prefix"),
    value: fc.oneof(
      fc.constant("/"),
      word.map((text) => `/${text}`),
    ),
    caseSensitive: fc.boolean(),
  }),
  fc.record({ match: fc.constant("regex" as const), pattern: fc.constantFrom("/a.*", "/", "/(a|b)") }),
  fc.constant({ match: "connect" } as const),
);
const header: fc.Arbitrary<HeaderMatcher> = fc.record({
  name: fc.constantFrom("x", "y", ":method", ":path"),
  condition,
  invert: fc.boolean(),
  missingIsEmpty: fc.boolean(),
});
const match: fc.Arbitrary<RouteMatch> = fc.record({
  path,
  headers: fc.array(header, { maxLength: 1 }),
  queryParameters: fc.array(
    fc.record({
      name,
      condition: fc.oneof(
        stringMatcher,
        fc.constant({ match: "present" } as const),
        fc.constant({ match: "absent" } as const),
      ),
    }),
    { maxLength: 1 },
  ),
  cookies: fc.array(fc.record({ name, condition: stringMatcher, invert: fc.boolean() }), { maxLength: 1 }),
  grpcOnly: fc.constant(false),
  fraction: fc.option(fc.record({ numerator: fc.nat(100), denominator: fc.constant(100 as const) }), {
    nil: undefined,
    freq: 3,
  }),
});
const configuration: fc.Arbitrary<RouteConfiguration> = fc
  .record({
    // Envoy refuses two domains that differ in case alone.
    domains: fc
      .uniqueArray(domain, { minLength: 1, maxLength: 5, selector: (text) => text.toLowerCase() })
      .map((domains) => (domains.includes("*") ? domains : [...domains, "*"])),
    matches: fc.array(fc.array(match, { minLength: 1, maxLength: 4 }), { minLength: 6, maxLength: 6 }),
    ignorePortInHost: fc.boolean(),
  })
  .map(({ domains, matches, ignorePortInHost }) => ({
    ...routeConfiguration(
      "r",
      domains.map((domain, i) =>
        virtualHost(
          domain,
          [domain],
          (matches[i] ?? []).map((match) => routeTo("a", { match })),
        ),
      ),
    ),
    ignorePortInHost,
  }));
const host = fc.oneof(
  word,
  fc.tuple(word, word).map((parts) => parts.join(".")),
  word.map((text) => `${text}:80`),
);
const fieldValue = fc.oneof(word, fc.constantFrom("1", "-2", ""));
const asked: fc.Arbitrary<RequestView> = fc
  .record({
    isConnect: fc.boolean(),
    authority: host,
    path: fc.oneof(
      fc.constant("/"),
      fc.tuple(word, fc.constantFrom("", "/b", "?x=a", "?y&x=b")).map((parts) => `/${parts.join("")}`),
    ),
    fields: fc.array(
      fc.oneof(
        fc.tuple(name, fieldValue).map(([name, value]) => `${name}: ${value}`),
        fc.tuple(name, word).map(([name, value]) => `cookie: ${name}=${value}`),
      ),
      { maxLength: 3 },
    ),
  })
  .map(({ isConnect, path, ...rest }) =>
    request(isConnect && path === "/" ? { ...rest, method: "CONNECT", path: "" } : { ...rest, path }),
  );

test("as a naive reading of the model", () => {
  let matched = 0;
  fc.assert(
    fc.property(configuration, asked, fc.nat(199), (configuration, asked, random) => {
      const found = matchRoute(compileRouteTable(configuration), asked, random);
      if (found !== undefined) matched++;
      expect(found).toEqual(naive(configuration, asked, random));
    }),
    { numRuns: 1000 },
  );
  // It would say nothing if nothing ever matched.
  expect(matched).toBeGreaterThan(50);
});

function naive(
  { virtualHosts, ignorePortInHost }: RouteConfiguration,
  asked: RequestView,
  random: number,
): ReturnType<typeof matchRoute> {
  const lower = asked.authority.toLowerCase();
  const host = ignorePortInHost ? lower.replace(/:[^\]]*$/, "") : lower;
  const ranked = virtualHosts
    .map(({ domains: [domain = ""] }, index) => ({ index, rank: rankOf(domain.toLowerCase(), host) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank);
  const index = ranked[0]?.index;
  if (index === undefined) return undefined;
  const route = virtualHosts[index]?.routes.findIndex(({ match }) => naiveMatch(match, asked, random)) ?? -1;
  return route === -1 ? undefined : { virtualHost: index, route };
}

function rankOf(domain: string, host: string): number {
  if (domain === "*") return 1;
  if (domain.startsWith("*"))
    return isLonger(domain, host) && host.endsWith(domain.slice(1)) ? 1000 + domain.length : 0;
  if (domain.endsWith("*"))
    return isLonger(domain, host) && host.startsWith(domain.slice(0, -1)) ? 10 + domain.length : 0;
  return domain === host ? 10_000 : 0;
}

const isLonger = (domain: string, host: string) => host.length > domain.length - 1;

function naiveMatch(match: RouteMatch, asked: RequestView, random: number): boolean {
  const query = new Map<string, string>();
  for (const part of (asked.path.split("?")[1] ?? "").split("&")) {
    const [name = "", value = ""] = part.split("=");
    if (!query.has(name)) query.set(name, value);
  }
  const cookies = new Map<string, string>();
  for (const field of asked.values("cookie")) {
    const [name = "", value = ""] = field.split("=");
    if (!cookies.has(name)) cookies.set(name, value);
  }
  return (
    naivePath(match.path, asked) &&
    match.headers.every((header) => naiveHeader(header, asked)) &&
    match.queryParameters.every(({ name, condition }) => {
      const value = query.get(name);
      if (condition.match === "absent") return value === undefined;
      return value !== undefined && naiveValue(condition, value);
    }) &&
    match.cookies.every(({ name, condition, invert }) => {
      const value = cookies.get(name);
      return (value !== undefined && naiveValue(condition, value)) !== invert;
    }) &&
    (match.fraction === undefined || random % match.fraction.denominator < match.fraction.numerator)
  );
}

function naivePath(path: PathMatcher, asked: RequestView): boolean {
  if (path.match === "connect") return asked.method === "CONNECT";
  if (asked.method === "CONNECT") return false;
  const whole = asked.path.split("?")[0] ?? "";
  if (path.match === "regex") return new RegExp(`^(?:${path.pattern})$`).test(whole);
  const [subject, value] = path.caseSensitive ? [whole, path.value] : [whole.toLowerCase(), path.value.toLowerCase()];
  if (path.match === "exact") return subject === value;
  if (path.match === "prefix") return subject.startsWith(value);
  return subject === value || (subject.startsWith(value) && subject.charAt(value.length) === "/");
}

function naiveHeader({ name, condition, invert, missingIsEmpty }: HeaderMatcher, asked: RequestView): boolean {
  const pseudo = { ":method": [asked.method], ":path": asked.path === "" ? [] : [asked.path] }[name];
  const found = pseudo ?? asked.values(name);
  const values = found.length === 0 && missingIsEmpty ? [""] : found;
  if (condition.match === "present") return values.length > 0 !== invert;
  return values.length > 0 && values.some((value) => naiveValue(condition, value)) !== invert;
}

function naiveValue(condition: ValueCondition, value: string): boolean {
  if (condition.match === "present") return true;
  if (condition.match === "range") {
    return /^-?\d+$/.test(value) && BigInt(value) >= condition.start && BigInt(value) < condition.end;
  }
  if (condition.match === "regex") return new RegExp(`^(?:${condition.pattern})$`).test(value);
  const [subject, wanted] = condition.ignoreCase
    ? [value.toLowerCase(), condition.value.toLowerCase()]
    : [value, condition.value];
  if (condition.match === "exact") return subject === wanted;
  if (condition.match === "prefix") return subject.startsWith(wanted);
  if (condition.match === "suffix") return subject.endsWith(wanted);
  return subject.includes(wanted);
}

/** As a BPF program would: group by group, a binary search by hash, then a comparison of the text. */
function walkDomains(rows: RouteRows, host: string): number {
  for (const { kind, length, first, count } of groupsOf(rows)) {
    const isFit =
      kind === DomainKind.any || (kind === DomainKind.exact ? host.length === length : host.length > length);
    if (!isFit) continue;
    const part = kind === DomainKind.suffix ? host.slice(host.length - length) : host.slice(0, length);
    const hash = domainHash(latin1Bytes(part));
    let low = first;
    let high = first + count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows.domains[middle * domainWords] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    for (let row = low; row < first + count && rows.domains[row * domainWords] === hash; row++) {
      const offset = rows.domains[row * domainWords + 1] ?? 0;
      if (latin1Text(rows.pool.subarray(offset, offset + length)) === part)
        return rows.domains[row * domainWords + 2] ?? -1;
    }
  }
  return -1;
}

test("a walk over the rows alone finds the same virtual host", () => {
  fc.assert(
    fc.property(configuration, host, (configuration, host) => {
      const table = compileRouteTable({ ...configuration, ignorePortInHost: false });
      expect(walkDomains(table.rows, host.toLowerCase())).toBe(findVirtualHost(table, host));
    }),
    { numRuns: 500 },
  );
});

test("FNV-1a", () => {
  // https://datatracker.ietf.org/doc/html/draft-eastlake-fnv: test vectors for 32 bits.
  expect(domainHash(latin1Bytes(""))).toBe(0x811c9dc5);
  expect(domainHash(latin1Bytes("a"))).toBe(0xe40c292c);
  expect(domainHash(latin1Bytes("foobar"))).toBe(0xbf9cf968);
});
