// The matchers of a route as Envoy's JSON (envoy.config.route.v3.RouteMatch, envoy.type.matcher.v3.StringMatcher).
import type {
  CookieMatcher,
  Fraction,
  HeaderMatcher,
  PathMatcher,
  QueryParameterMatcher,
  RouteMatch,
  StringMatcher,
  ValueCondition,
} from "../../model/matcher.ts";
import type { JsonObject } from "./address.ts";

export function renderMatch(match: RouteMatch): JsonObject {
  const { headers, queryParameters, cookies, grpcOnly, fraction } = match;
  return {
    ...renderPath(match.path),
    ...(headers.length === 0 ? {} : { headers: headers.map(renderHeader) }),
    ...(queryParameters.length === 0 ? {} : { query_parameters: queryParameters.map(renderQueryParameter) }),
    ...(cookies.length === 0 ? {} : { cookies: cookies.map(renderCookie) }),
    ...(grpcOnly ? { grpc: {} } : {}),
    ...(fraction === undefined ? {} : { runtime_fraction: { default_value: renderFraction(fraction) } }),
  };
}

function renderPath(path: PathMatcher): JsonObject {
  if (path.match === "connect") return { connect_matcher: {} };
  if (path.match === "regex") return { safe_regex: { regex: path.pattern } };
  const field = { prefix: "prefix", exact: "path", separated_prefix: "path_separated_prefix" }[path.match];
  return { [field]: readable(path.value), ...(path.caseSensitive ? {} : { case_sensitive: false }) };
}

export function renderHeader({ name, condition, invert, missingIsEmpty }: HeaderMatcher): JsonObject {
  return {
    name,
    ...renderCondition(condition),
    ...(invert ? { invert_match: true } : {}),
    ...(missingIsEmpty ? { treat_missing_header_as_empty: true } : {}),
  };
}

function renderCondition(condition: ValueCondition): JsonObject {
  switch (condition.match) {
    case "present":
      return { present_match: true };
    case "range":
      // 64-bit integers are text in JSON.
      return { range_match: { start: String(condition.start), end: String(condition.end) } };
    default:
      return { string_match: renderStringMatcher(condition) };
  }
}

export function renderStringMatcher(matcher: StringMatcher): JsonObject {
  if (matcher.match === "regex") return { safe_regex: { regex: matcher.pattern } };
  return { [matcher.match]: readable(matcher.value), ...(matcher.ignoreCase ? { ignore_case: true } : {}) };
}

function renderQueryParameter({ name, condition }: QueryParameterMatcher): JsonObject {
  if (condition.match === "absent") return { name: readable(name), present_match: false };
  return { name: readable(name), ...renderCondition(condition) };
}

function renderCookie({ name, condition, invert }: CookieMatcher): JsonObject {
  return {
    name: readable(name),
    string_match: renderStringMatcher(condition),
    ...(invert ? { invert_match: true } : {}),
  };
}

const denominators = { 100: "HUNDRED", 10000: "TEN_THOUSAND", 1000000: "MILLION" } as const;

export function renderFraction({ numerator, denominator }: Fraction): JsonObject {
  return { numerator, denominator: denominators[denominator] };
}

/** The model has text as bytes of UTF-8, one character each. */
export function readable(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
