// The matchers of filters and policies on one request or response, as Envoy's source/common/http/header_utility.cc and
// source/common/common/matchers.h evaluate them. Routes have their own, compiled interpreter.

import { asciiLower } from "../../compile/latin1.ts";
import { headerValues } from "../../compile/route-condition.ts";
import type { Fraction, HeaderMatcher, StringMatcher, ValueCondition } from "../../model/matcher.ts";
import type { RequestView } from "../../model/request.ts";
import type { Patterns } from "./patterns.ts";

/** Anything that has fields: a request, a response. Names are in lower case. */
export interface FieldSource {
  /** Each value by itself, in order. */
  values(name: string): readonly string[];
  /** All of them, joined by ","; undefined where there is none. */
  header(name: string): string | undefined;
}

/** A request as filters get it. */
export type HttpRequest = RequestView;

export interface ResponseView extends FieldSource {
  readonly status: number;
}

/** The first of several values: where Envoy doesn't trust the field, it looks at no other. */
export function firstValue(source: FieldSource, name: string): string | undefined {
  return source.values(name)[0];
}

export function requestHeaderHolds(matcher: HeaderMatcher, request: RequestView, patterns: Patterns): boolean {
  return headerHolds(matcher, headerValues(request, matcher.name), patterns);
}

export function requestHeadersHold(
  matchers: readonly HeaderMatcher[],
  request: RequestView,
  patterns: Patterns,
): boolean {
  return matchers.every((matcher) => requestHeaderHolds(matcher, request, patterns));
}

export function responseHeaderHolds(matcher: HeaderMatcher, response: ResponseView, patterns: Patterns): boolean {
  const values = matcher.name === ":status" ? [String(response.status)] : response.values(matcher.name);
  return headerHolds(matcher, values, patterns);
}

/** One of the values is enough. What isn't there doesn't match, inverted or not, but for the question whether it is. */
function headerHolds(matcher: HeaderMatcher, sent: readonly string[], patterns: Patterns): boolean {
  const { condition, invert, missingIsEmpty } = matcher;
  const values = sent.length === 0 && missingIsEmpty ? [""] : sent;
  if (condition.match === "present") return values.length > 0 !== invert;
  return values.length > 0 && values.some((value) => valueHolds(condition, value, patterns)) !== invert;
}

export function stringMatches(matcher: StringMatcher, text: string, patterns: Patterns): boolean {
  if (matcher.match === "regex") return patterns.matches(matcher.pattern, text);
  const value = matcher.ignoreCase ? asciiLower(matcher.value) : matcher.value;
  const subject = matcher.ignoreCase ? asciiLower(text) : text;
  switch (matcher.match) {
    case "exact":
      return subject === value;
    case "prefix":
      return subject.startsWith(value);
    case "suffix":
      return subject.endsWith(value);
    case "contains":
      return subject.includes(value);
  }
}

/** `random` is evenly spread over [0, 1); every fraction that is asked has its own. */
export function happens({ numerator, denominator }: Fraction, random: () => number): boolean {
  if (numerator <= 0) return false;
  return numerator >= denominator || random() * denominator < numerator;
}

/** The whole text is an unsigned decimal number, with blanks around it at most (absl::SimpleAtoi). */
export function parseUnsigned(text: string | undefined): number | undefined {
  const digits = text === undefined ? undefined : /^\s*\+?(\d+)\s*$/.exec(text)?.[1];
  const value = Number(digits);
  return digits !== undefined && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function valueHolds(
  condition: Exclude<ValueCondition, { match: "present" }>,
  value: string,
  patterns: Patterns,
): boolean {
  return condition.match === "range"
    ? isInRange(value, condition.start, condition.end)
    : stringMatches(condition, value, patterns);
}

const int64 = { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n };

function isInRange(text: string, start: bigint, end: bigint): boolean {
  const digits = /^\s*([+-]?)(\d{1,19})\s*$/.exec(text);
  if (digits === null) return false;
  const value = digits[1] === "-" ? -BigInt(digits[2] ?? 0) : BigInt(digits[2] ?? 0);
  if (value < int64.minimum || value > int64.maximum) return false;
  return value >= start && value < end;
}
