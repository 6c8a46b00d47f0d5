import { describe, expect, test } from "bun:test";
import { everyRequest } from "../../model/http.fixture.ts";
import type { HeaderMatcher, RouteMatch } from "../../model/matcher.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const configuration = (match: string): string =>
  `name: r\nvirtual_hosts: [{ name: v, domains: ['*'], routes: [{ match: { ${match} }, route: { cluster: c } }] }]`;
const matchOf = (match: string): RouteMatch | undefined =>
  modelOf("route", configuration(match)).virtualHosts[0]?.routes[0]?.match;

describe("what a match becomes", () => {
  const cases: readonly [match: string, expected: Partial<RouteMatch>][] = [
    ["prefix: /", {}],
    ["prefix: ''", { path: { match: "prefix", value: "", caseSensitive: true } }],
    ["prefix: /a, case_sensitive: false", { path: { match: "prefix", value: "/a", caseSensitive: false } }],
    ["path: /é", { path: { match: "exact", value: "/\u00c3\u00a9", caseSensitive: true } }],
    ["path_separated_prefix: /a", { path: { match: "separated_prefix", value: "/a", caseSensitive: true } }],
    ["safe_regex: { google_re2: {}, regex: '/a+' }", { path: { match: "regex", pattern: "/a+" } }],
    ["connect_matcher: {}", { path: { match: "connect" } }],
    ["prefix: /, grpc: {}", { grpcOnly: true }],
    [
      "prefix: /, runtime_fraction: { default_value: { numerator: 50 }, runtime_key: k }",
      { fraction: { numerator: 50, denominator: 100 } },
    ],
    [
      "prefix: /, runtime_fraction: { default_value: { numerator: 7, denominator: TEN_THOUSAND } }",
      { fraction: { numerator: 7, denominator: 10_000 } },
    ],
    [
      "prefix: /, runtime_fraction: { default_value: { denominator: MILLION } }",
      { fraction: { numerator: 0, denominator: 1_000_000 } },
    ],
    [
      "prefix: /, query_parameters: [{ name: a }, { name: b, present_match: true }, { name: c, string_match: { suffix: X, ignore_case: true } }, { name: d, present_match: false }]",
      {
        queryParameters: [
          { name: "a", condition: { match: "present" } },
          { name: "b", condition: { match: "present" } },
          { name: "c", condition: { match: "suffix", value: "X", ignoreCase: true } },
          { name: "d", condition: { match: "absent" } },
        ],
      },
    ],
    [
      "prefix: /, cookies: [{ name: a, string_match: { safe_regex: { regex: x } }, invert_match: true }]",
      { cookies: [{ name: "a", condition: { match: "regex", pattern: "x" }, invert: true }] },
    ],
  ];
  test.each([...cases])("%s", (match, expected) => {
    expect(matchOf(match)).toEqual({ ...everyRequest, ...expected });
  });
});

describe("what a header matcher becomes", () => {
  const plain = { name: "a", invert: false, missingIsEmpty: false };
  const text = (match: "exact" | "prefix" | "suffix" | "contains", value: string, ignoreCase = false) => ({
    condition: { match, value, ignoreCase },
  });
  const cases: readonly [matcher: string, expected: Partial<HeaderMatcher>][] = [
    ["name: A", { condition: { match: "present" } }],
    ["name: Host, string_match: { exact: x }", { name: ":authority", ...text("exact", "x") }],
    ["name: ':Path', string_match: { prefix: / }", { name: ":path", ...text("prefix", "/") }],
    ["name: a, present_match: true", { condition: { match: "present" } }],
    ["name: a, present_match: true, invert_match: true", { condition: { match: "present" }, invert: true }],
    // Absence is the inversion of presence.
    ["name: a, present_match: false", { condition: { match: "present" }, invert: true }],
    ["name: a, present_match: false, invert_match: true", { condition: { match: "present" } }],
    ["name: a, exact_match: X", text("exact", "X")],
    // Deprecated and empty: any value that is there, but not a missing one, inverted or not.
    ["name: a, exact_match: ''", text("prefix", "")],
    ["name: a, string_match: { exact: '' }", text("exact", "")],
    ["name: a, prefix_match: X", text("prefix", "X")],
    ["name: a, suffix_match: X", text("suffix", "X")],
    ["name: a, contains_match: X", text("contains", "X")],
    ["name: a, safe_regex_match: { regex: 'x|y' }", { condition: { match: "regex", pattern: "x|y" } }],
    ["name: a, string_match: { contains: X, ignore_case: true }", text("contains", "X", true)],
    [
      "name: a, range_match: { start: -5, end: '9223372036854775807' }",
      { condition: { match: "range", start: -5n, end: 9223372036854775807n } },
    ],
    [
      "name: a, string_match: { exact: x }, invert_match: true, treat_missing_header_as_empty: true",
      { ...text("exact", "x"), invert: true, missingIsEmpty: true },
    ],
  ];
  test.each([...cases])("%s", (matcher, expected) => {
    expect(matchOf(`prefix: /, headers: [{ ${matcher} }]`)?.headers).toEqual([
      { ...plain, condition: { match: "present" }, ...expected },
    ]);
  });
});

const EXTENSION = '{ name: x, typed_config: { "@type": type.googleapis.com/google.protobuf.Duration, value: 1s } }';

describe("what is refused, and where", () => {
  const path = "virtual_hosts[0].routes[0].match";
  const cases: readonly [match: string, ...problems: string[]][] = [
    ["case_sensitive: true", `${path}.path_specifier: one of its fields must be set`],
    [
      "safe_regex: { regex: '(' }",
      `${path}.safe_regex.regex: is no RE2 regular expression: error parsing regexp: missing closing ): \`(\``,
    ],
    [
      "prefix: /, headers: [{ name: a, safe_regex_match: { regex: '(?=x)' } }]",
      `${path}.headers[0].safe_regex_match.regex: is no RE2 regular expression: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
    [
      "prefix: /, headers: [{ name: a, string_match: { safe_regex: { regex: '\\1' } } }]",
      `${path}.headers[0].string_match.safe_regex.regex: is no RE2 regular expression: error parsing regexp: invalid escape sequence: \`\\1\``,
    ],
    ["safe_regex: { regex: '' }", `${path}.safe_regex.regex: must not be empty`],
    ["prefix: /, headers: [{ name: '' }]", `${path}.headers[0].name: must not be empty`],
    ["prefix: /, headers: [{ name: a, prefix_match: '' }]", `${path}.headers[0].prefix_match: must not be empty`],
    [
      "prefix: /, headers: [{ name: a, string_match: {} }]",
      `${path}.headers[0].string_match.match_pattern: one of its fields must be set`,
    ],
    [
      `prefix: /, headers: [{ name: a, string_match: { custom: ${EXTENSION} } }]`,
      `${path}.headers[0].string_match.custom: extensions aren't supported: use exact, prefix, suffix, contains or safe_regex`,
    ],
    ["path_separated_prefix: /a/", `${path}.path_separated_prefix: must match ^[^?#]+[^?#/]$`],
    ["prefix: /, cookies: [{ name: a }]", `${path}.cookies[0].string_match: must be set`],
    ["prefix: /, runtime_fraction: {}", `${path}.runtime_fraction.default_value: must be set`],
    ["prefix: /, tls_context: { presented: true }", `${path}.tls_context: requests are plaintext`],
    [
      "prefix: /, dynamic_metadata: [{ filter: f, path: [{ key: k }], value: { present_match: true } }]",
      `${path}.dynamic_metadata: requests carry no metadata and no filter state that could be matched`,
    ],
    [
      "prefix: /, filter_state: [{ key: k, string_match: { exact: x } }]",
      `${path}.filter_state: requests carry no metadata and no filter state that could be matched`,
    ],
    [
      `path_match_policy: ${EXTENSION}`,
      `${path}.path_match_policy: path extensions aren't supported: use prefix, path, path_separated_prefix or safe_regex`,
    ],
  ];
  test.each([...cases])("%s", (match, ...problems) => {
    expect(rejectionsOf("route", configuration(match))).toEqual(problems);
  });
});
