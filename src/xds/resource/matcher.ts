// The matchers of headers, query parameters, cookies and text, with the meaning that Envoy gives them (header_utility.cc,
// config_utility.cc). What is no matcher was refused by inspection; here regular expressions are compiled once as well.
import type {
  CookieMatcher as CookieModel,
  Fraction,
  HeaderMatcher as HeaderModel,
  QueryParameterMatcher as QueryModel,
  StringMatcher as StringModel,
} from "../../model/matcher.ts";
import { wireText } from "../../model/wire-text.ts";
import type { RuntimeFractionalPercent } from "../gen/envoy/config/core/v3/base_pb.ts";
import type {
  CookieMatcher,
  HeaderMatcher,
  QueryParameterMatcher,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { StringMatcher } from "../gen/envoy/type/matcher/v3/string_pb.ts";
import { type FractionalPercent, FractionalPercent_DenominatorType } from "../gen/envoy/type/v3/percent_pb.ts";
import { convertRegex } from "./regex.ts";
import { at, type Report } from "./report.ts";

type Condition = Pick<HeaderModel, "condition" | "invert">;

/** Stands where a matcher was refused. */
const NOTHING: StringModel = { match: "exact", value: "", ignoreCase: false };

export function convertHeaderMatchers(
  matchers: readonly HeaderMatcher[],
  path: string,
  report: Report,
): readonly HeaderModel[] {
  return matchers.map((matcher, i) => convertHeaderMatcher(matcher, `${path}[${i}]`, report));
}

export function convertHeaderMatcher(matcher: HeaderMatcher, path: string, report: Report): HeaderModel {
  return {
    name: matchedName(matcher.name),
    ...convertCondition(matcher, path, report),
    missingIsEmpty: matcher.treatMissingHeaderAsEmpty,
  };
}

/** Envoy has no host header: HTTP/1's is the authority. */
function matchedName(name: string): string {
  const lower = name.toLowerCase();
  return lower === "host" ? ":authority" : lower;
}

function convertCondition(matcher: HeaderMatcher, path: string, report: Report): Condition {
  const specifier = matcher.headerMatchSpecifier;
  const invert = matcher.invertMatch;
  const text = (match: "exact" | "prefix" | "suffix" | "contains", value: string): Condition => ({
    condition: { match, value: wireText(value), ignoreCase: false },
    invert,
  });
  switch (specifier.case) {
    case undefined:
      return { condition: { match: "present" }, invert };
    case "presentMatch":
      return { condition: { match: "present" }, invert: invert === specifier.value };
    case "exactMatch":
      // The deprecated field's empty text is equal to every value that is there (HeaderDataExactMatch).
      return text(specifier.value === "" ? "prefix" : "exact", specifier.value);
    case "prefixMatch":
      return text("prefix", specifier.value);
    case "suffixMatch":
      return text("suffix", specifier.value);
    case "containsMatch":
      return text("contains", specifier.value);
    case "rangeMatch":
      return { condition: { match: "range", start: specifier.value.start, end: specifier.value.end }, invert };
    case "safeRegexMatch": {
      const pattern = convertRegex(specifier.value, at(path, "safe_regex_match"), report);
      return { condition: { match: "regex", pattern }, invert };
    }
    case "stringMatch":
      return { condition: convertStringMatcher(specifier.value, at(path, "string_match"), report), invert };
    default:
      return specifier satisfies never;
  }
}

/** An unset one was refused by inspection. */
export function convertStringMatcher(matcher: StringMatcher | undefined, path: string, report: Report): StringModel {
  if (matcher === undefined) return NOTHING;
  const { matchPattern, ignoreCase } = matcher;
  switch (matchPattern.case) {
    case "exact":
    case "prefix":
    case "suffix":
    case "contains":
      return { match: matchPattern.case, value: wireText(matchPattern.value), ignoreCase };
    case "safeRegex":
      return { match: "regex", pattern: convertRegex(matchPattern.value, at(path, "safe_regex"), report) };
    case "custom":
    case undefined:
      return NOTHING; // refused by inspection
    default:
      return matchPattern satisfies never;
  }
}

export function convertQueryParameter(matcher: QueryParameterMatcher, path: string, report: Report): QueryModel {
  const specifier = matcher.queryParameterMatchSpecifier;
  const name = wireText(matcher.name);
  if (specifier.case === "stringMatch")
    return { name, condition: convertStringMatcher(specifier.value, at(path, "string_match"), report) };
  const isAbsent = specifier.case === "presentMatch" && !specifier.value;
  return { name, condition: { match: isAbsent ? "absent" : "present" } };
}

export function convertCookie(matcher: CookieMatcher, path: string, report: Report): CookieModel {
  return {
    name: wireText(matcher.name),
    condition: convertStringMatcher(matcher.stringMatch, at(path, "string_match"), report),
    invert: matcher.invertMatch,
  };
}

/** Its runtime key is ignored; unset means none, as Envoy's filters read it. */
export function convertFraction(percent: RuntimeFractionalPercent | undefined): Fraction | undefined {
  return percent === undefined ? undefined : fractionOf(percent.defaultValue);
}

/** Unset: 0 %. */
export function fractionOf(percent: FractionalPercent | undefined): Fraction {
  return { numerator: percent?.numerator ?? 0, denominator: denominatorOf(percent) };
}

function denominatorOf(percent: FractionalPercent | undefined): Fraction["denominator"] {
  switch (percent?.denominator) {
    case FractionalPercent_DenominatorType.TEN_THOUSAND:
      return 10_000;
    case FractionalPercent_DenominatorType.MILLION:
      return 1_000_000;
    default:
      return 100;
  }
}
