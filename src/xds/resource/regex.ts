// Regular expressions are RE2's, in Envoy and here: what can't be compiled is refused when the configuration arrives, not when the
// first request does. They stay text in the model.
import { compilePattern } from "../../model/pattern.ts";
import type { RegexRewrite } from "../../model/route.ts";
import { wireText } from "../../model/wire-text.ts";
import type { RegexMatchAndSubstitute, RegexMatcher } from "../gen/envoy/type/matcher/v3/regex_pb.ts";
import { reasonOf } from "./any.ts";
import { at, type Report } from "./report.ts";

export function convertRegex(matcher: RegexMatcher | undefined, path: string, report: Report): string {
  const pattern = matcher?.regex ?? "";
  compile(pattern, at(path, "regex"), report);
  return pattern;
}

export function convertRegexRewrite(rewrite: RegexMatchAndSubstitute, path: string, report: Report): RegexRewrite {
  const pattern = rewrite.pattern?.regex ?? "";
  const groups = compile(pattern, at(path, "pattern.regex"), report);
  if (groups !== undefined) checkSubstitution(rewrite.substitution, groups, at(path, "substitution"), report);
  return { pattern, substitution: wireText(rewrite.substitution) };
}

/** The number of its groups; undefined if it isn't a regular expression. */
function compile(pattern: string, path: string, report: Report): number | undefined {
  try {
    return compilePattern(pattern).groupCount();
  } catch (cause) {
    report.reject(path, `is no RE2 regular expression: ${reasonOf(cause)}`);
    return undefined;
  }
}

/** RE2::CheckRewriteString: `\0` to `\9` are groups, `\\` is a backslash, and nothing else may follow one. */
function checkSubstitution(text: string, groups: number, path: string, report: Report): void {
  for (const [, escaped = ""] of text.matchAll(/\\([\s\S]?)/g)) {
    if (escaped === "\\") continue;
    if (!/^[0-9]$/.test(escaped)) report.reject(path, "must have a digit or a backslash after each backslash");
    else if (Number(escaped) > groups) report.reject(path, `\\${escaped} is no group: the pattern has ${groups}`);
  }
}
