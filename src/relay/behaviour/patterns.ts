// Regular expressions of routes: RE2's syntax and linear time (re2js), compiled once per worker. Text comes as it was on the wire,
// one character a byte, while Envoy's RE2 reads UTF-8: what isn't ASCII is decoded for the match and encoded again.
import { type Matcher, RE2JS } from "re2js";
import type { RegexRewrite } from "../../model/route.ts";

export class Patterns {
  readonly #compiled = new Map<string, RE2JS>();

  /** Whether the whole text matches. */
  matches(pattern: string, text: string): boolean {
    return this.#compile(pattern).testExact(decode(text));
  }

  /** Every match replaced, as RE2::GlobalReplace does it. */
  replaceAll({ pattern, substitution }: RegexRewrite, text: string): string {
    const decoded = decode(text);
    // Bytes that aren't UTF-8 would come back changed: then each stands for itself.
    const isExact = encode(decoded) === text;
    const compiled = this.#compile(pattern);
    if (!isExact) return globalReplace(compiled, text, substitution);
    return encode(globalReplace(compiled, decoded, decode(substitution)));
  }

  /** Lets go of expressions that no route may have any more. */
  clear(): void {
    this.#compiled.clear();
  }

  #compile(pattern: string): RE2JS {
    const known = this.#compiled.get(pattern);
    if (known !== undefined) return known;
    const compiled = RE2JS.compile(pattern);
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

function decode(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}

function encode(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
