import { describe, expect, test } from "bun:test";
import type { Fraction, HeaderMatcher, ValueCondition } from "../../model/matcher.ts";
import { happens, parseUnsigned, requestHeaderHolds, responseHeaderHolds } from "./conditions.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, request, response } from "./request.fixture.ts";

const patterns = new Patterns();

function matcher(condition: ValueCondition, about: Partial<HeaderMatcher> = {}): HeaderMatcher {
  return { name: "x-r", condition, invert: false, missingIsEmpty: false, ...about };
}

const exact = (value: string): ValueCondition => ({ match: "exact", value, ignoreCase: false });
const both: Pairs = [
  ["X-R", "a"],
  ["x-r", "b"],
];

describe("header matchers, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [string, HeaderMatcher, Pairs, boolean])[] = [
    ["the first of two", matcher(exact("a")), both, true],
    ["the last of two", matcher(exact("b")), both, true],
    ["not both together", matcher(exact("a,b")), both, false],
    ["one with a comma", matcher(exact("a,b")), [["x-r", "a,b"]], true],
    ["inverted: none may", matcher(exact("a"), { invert: true }), both, false],
    ["inverted: none does", matcher(exact("c"), { invert: true }), both, true],
    ["regex", matcher({ match: "regex", pattern: "b" }), both, true],
    ["missing", matcher(exact("a")), [], false],
    ["missing, inverted", matcher(exact("a"), { invert: true }), [], false],
    ["missing as empty", matcher(exact(""), { missingIsEmpty: true }), [], true],
    ["missing as empty, inverted", matcher(exact("a"), { missingIsEmpty: true, invert: true }), [], true],
    ["present", matcher({ match: "present" }), both, true],
    ["absent", matcher({ match: "present" }, { invert: true }), [], true],
    ["missing as empty is present", matcher({ match: "present" }, { missingIsEmpty: true }), [], true],
    ["range", matcher({ match: "range", start: 5n, end: 6n }), [["x-r", " +5 "]], true],
    ["end of range", matcher({ match: "range", start: 4n, end: 5n }), [["x-r", "5"]], false],
    ["negative", matcher({ match: "range", start: -5n, end: 0n }), [["x-r", "-5"]], true],
    ["no number", matcher({ match: "range", start: 5n, end: 6n }), [["x-r", "5x"]], false],
    [
      "user-agent is joined",
      matcher(exact("a,b"), { name: "user-agent" }),
      [
        ["user-agent", "a"],
        ["user-agent", "b"],
      ],
      true,
    ],
    ["pseudo-header", matcher(exact("a.example:81"), { name: ":authority" }), [], true],
    ["case", matcher({ match: "prefix", value: "AB", ignoreCase: true }), [["x-r", "abc"]], true],
  ];
  test.each(cases)("%s", (_, condition, fields, expected) => {
    expect(requestHeaderHolds(condition, request(fields), patterns)).toBe(expected);
  });

  test("of responses", () => {
    const status = matcher(exact("503"), { name: ":status" });
    expect(responseHeaderHolds(status, response(503), patterns)).toBe(true);
    expect(responseHeaderHolds(matcher(exact("b")), response(503, both), patterns)).toBe(true);
  });
});

describe("happens", () => {
  const cases: readonly (readonly [Fraction, random: number, expected: boolean])[] = [
    [{ numerator: 0, denominator: 100 }, 0, false],
    [{ numerator: 100, denominator: 100 }, 0.999_999, true],
    [{ numerator: 50, denominator: 100 }, 0.499, true],
    [{ numerator: 50, denominator: 100 }, 0.5, false],
    [{ numerator: 1, denominator: 1_000_000 }, 0.000_000_9, true],
    [{ numerator: 1, denominator: 1_000_000 }, 0.000_001, false],
  ];
  test.each(cases)("%p at %p", (fraction, random, expected) => {
    expect(happens(fraction, () => random)).toBe(expected);
  });
});

describe("parseUnsigned", () => {
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    ["5", 5],
    [" +5 ", 5],
    ["-5", undefined],
    ["5,6", undefined],
    ["", undefined],
    ["99999999999999999999", undefined],
    [undefined, undefined],
  ];
  test.each(cases)("%p", (text, expected) => {
    expect(parseUnsigned(text)).toBe(expected);
  });
});
