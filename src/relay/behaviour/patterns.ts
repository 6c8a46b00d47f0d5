// Regular expressions of policies and rewrites, compiled once per worker. Text is as it was on the wire, one character a byte.
import type { Matcher, RE2JS } from "re2js";
import { compilePattern } from "../../model/pattern.ts";
import type { RegexRewrite } from "../../model/route.ts";

export class Patterns {
  readonly #compiled = new Map<string, RE2JS>();

  /** Whether the whole text matches. */
  matches(pattern: string, text: string): boolean {
    return this.#compile(pattern).testExact(text);
  }

  /** Every match replaced, as RE2::GlobalReplace does it. */
  replaceAll({ pattern, substitution }: RegexRewrite, text: string): string {
    return globalReplace(this.#compile(pattern), text, substitution);
  }

  /** Lets go of expressions that no route may have any more. */
  clear(): void {
    this.#compiled.clear();
  }

  #compile(pattern: string): RE2JS {
    const known = this.#compiled.get(pattern);
    if (known !== undefined) return known;
    const compiled = compilePattern(pattern);
    this.#compiled.set(pattern, compiled);
    return compiled;
  }
}

/** Unlike JavaScript's, an empty match right behind another match doesn't count (re2.cc, GlobalReplace). */
function globalReplace(pattern: RE2JS, text: string, substitution: string): string {
  const matcher = pattern.matcher(text);
  let replaced = "";
  let at = 0;
  let lastEnd = -1;
  while (at <= text.length && matcher.find(at)) {
    const start = matcher.start();
    const end = matcher.end();
    replaced += text.slice(at, start);
    if (start === end && start === lastEnd) {
      replaced += text.slice(start, start + 1);
      at = start + 1;
    } else {
      replaced += expand(substitution, matcher);
      at = lastEnd = end;
    }
  }
  return replaced + text.slice(at);
}

/** `\0` … `\9` and `\\`; a group that took no part is empty (re2.cc, Rewrite). */
function expand(substitution: string, matcher: Matcher): string {
  return substitution.replace(/\\([0-9\\])/g, (_, what: string) => {
    if (what === "\\") return what;
    const group = Number(what);
    return group <= matcher.groupCount() ? (matcher.group(group) ?? "") : "";
  });
}
