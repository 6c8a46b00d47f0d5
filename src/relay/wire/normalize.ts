// Path normalisation as Envoy does it where it is switched on, before routing and for what is forwarded: escaped slashes, then
// RFC 3986 dot segments and unreserved escapes (by the rules of browsers' URL parsers), then repeated slashes. Never the query.
import type { HttpOptions } from "../../model/http.ts";
import { setOf } from "./characters.ts";

export type NormalizeOptions = Pick<HttpOptions, "normalizePath" | "mergeSlashes" | "escapedSlashes">;

export type NormalizedPath =
  | { readonly path: string }
  /** 400. */
  | { readonly reject: true }
  /** 307 to that path. */
  | { readonly redirect: string };

/** `path` is "/…", with its query. */
export function normalizePath(path: string, options: NormalizeOptions): NormalizedPath {
  const queryStart = path.indexOf("?");
  const raw = queryStart < 0 ? path : path.substring(0, queryStart);
  const query = queryStart < 0 ? "" : path.substring(queryStart);
  const unescaped = options.escapedSlashes === "keep" ? raw : unescapeSlashes(raw);
  const hadSlashes = unescaped !== raw;
  if (hadSlashes && options.escapedSlashes === "reject") return { reject: true };
  const canonical = options.normalizePath ? canonicalize(unescaped) : unescaped;
  if (canonical === undefined) return { reject: true };
  const result = (options.mergeSlashes ? mergeSlashes(canonical) : canonical) + query;
  return hadSlashes && options.escapedSlashes === "unescape_and_redirect" ? { redirect: result } : { path: result };
}

function unescapeSlashes(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll("%2F", "/").replaceAll("%2f", "/").replaceAll("%5C", "\\").replaceAll("%5c", "\\");
}

/** Undefined for %00. A backslash separates segments too, and what looks like a dot segment once unescaped is one. */
function canonicalize(path: string): string | undefined {
  if (isCanonical(path)) return path;
  const kept: string[] = [];
  const segments = path
    .substring(1)
    .split("/")
    .flatMap((segment) => withoutParameters(segment).split("\\"));
  for (const [i, raw] of segments.entries()) {
    const segment = canonicalSegment(raw);
    if (segment === undefined) return undefined;
    if (segment === "..") kept.pop();
    if (segment !== "." && segment !== "..") kept.push(segment);
    // A path that ends in a dot segment names a directory.
    else if (i === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}

/** `..;x` is a dot segment to servers that know path parameters (RFC 3986, section 3.3). */
function withoutParameters(segment: string): string {
  if (segment.startsWith("..;")) return "..";
  return segment.startsWith(".;") ? "." : segment;
}

/** RFC 3986, section 2.3. */
const unreserved = setOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
/** Allowed in a target, but not in a URL's path. */
const toEscape = setOf('"<>^`{|}');
const slow = setOf('%\\"<>^`{|}');

/** Most paths need nothing. */
function isCanonical(path: string): boolean {
  if (path.includes("/.")) return false;
  for (let i = 0; i < path.length; i++) {
    if (slow[path.charCodeAt(i)] === 1) return false;
  }
  return true;
}

function canonicalSegment(segment: string): string | undefined {
  let result = "";
  /** Where a % stands in the result that is no escape. */
  let percent = -1;
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (segment.charAt(i) !== "%") {
      result += toEscape[code] === 1 ? `%${code.toString(16).toUpperCase()}` : segment.charAt(i);
      continue;
    }
    const escaped = escapedCode(segment.substring(i + 1, i + 3));
    if (escaped === 0) return undefined;
    if (escaped === undefined) {
      percent = result.length;
      result += "%";
      continue;
    }
    i += 2;
    if (unreserved[escaped] === 1) {
      result = withoutNewEscape(result + String.fromCharCode(escaped), percent, segment.charAt(i + 1));
    } else result += segment.substring(i - 2, i + 1);
  }
  return result;
}

/** %2%65 must not become %2e, which the next reader would unescape once more: the first % is escaped then. */
function withoutNewEscape(result: string, percent: number, next: string): string {
  const length = result.length - percent;
  if (percent < 0 || length > 3) return result;
  const digits = result.substring(percent + 1) + (length === 2 ? next : "");
  return escapedCode(digits) === undefined
    ? result
    : `${result.substring(0, percent)}%25${result.substring(percent + 1)}`;
}

/** The code that two hexadecimal digits stand for; undefined where they aren't. */
function escapedCode(digits: string): number | undefined {
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** Envoy keeps a path of slashes alone as "//": it puts the first and the last one back. */
function mergeSlashes(path: string): string {
  if (!path.includes("//")) return path;
  const merged = path.split("/").filter((segment) => segment !== "");
  return `/${merged.join("/")}${path.endsWith("/") ? "/" : ""}`;
}
