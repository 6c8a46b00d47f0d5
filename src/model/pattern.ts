// Regular expressions as Envoy has them: RE2's syntax and linear time, and both pattern and text are bytes. Text comes as it was on the
// wire, one character a byte (latin1), and a pattern is the bytes of its UTF-8, so that `.` is one byte (asked of Envoy 1.40).
import type { RE2JS } from "re2js";
import { wireText } from "./wire-text.ts";

/** Throws where it is no regular expression. */
export function compilePattern(pattern: string): RE2JS {
  // Loaded when the first pattern comes: its tables take longer to load than the agent has to start.
  const re2js = require("re2js") as typeof import("re2js");
  return re2js.RE2JS.compile(foldAsciiOnly(wireText(pattern)));
}

/**
 * `(?i)` of RE2 on bytes is about the letters of ASCII; re2js reads characters, and would find É (0xC9) for é (0xE9), and with it the
 * first bytes of quite other letters. Where such bytes and `(?i)` meet, they are taken out of its reach. (Classes of Unicode that tell
 * the cases apart, as in `(?i)\p{Lu}`, still fold.)
 */
export function foldAsciiOnly(pattern: string): string {
  if (!/\(\?[a-zA-Z]*i/.test(pattern) || !/[\x80-\xff]|\\[xpP0-7]/.test(pattern)) return pattern;
  let folds = false;
  const outer: boolean[] = [];
  return pattern.replace(token, (text) => {
    if (text === ")") folds = outer.pop() ?? false;
    else if (text.startsWith("(")) {
      const { flags, isGroup } = groupOf(text);
      if (isGroup) outer.push(folds);
      folds = flags ?? folds;
    } else if (folds) return text.startsWith("[") ? foldClass(text) : foldLiteral(text);
    return text;
  });
}

/** Of an escape, the last alternative takes the character behind the backslash. */
const escaped = /\\(?:x\{[0-9a-fA-F]*\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[pP](?:\{[^}]*\}|.)|[\s\S])/.source;
const classItem = `\\[:\\^?\\w*:\\]|${escaped}|[^\\]\\\\]`;
/** Quoted text, an escape, a class (a bracket that comes first in it is one of its characters), the begin of a group, or a character. */
const token = new RegExp(
  `\\\\Q[\\s\\S]*?(?:\\\\E|$)|${escaped}|\\[\\^?(?:\\](?:-(?:${classItem}))?)?(?:${classItem})*\\]|\\((?:\\?(?:P?<\\w*>|[a-zA-Z-]*[:)]))?|[\\s\\S]`,
  "g",
);

/** `flags`: whether `(?i)` is on within, if that is said; undefined: as before. */
function groupOf(text: string): { readonly flags: boolean | undefined; readonly isGroup: boolean } {
  const [, on = "", off = ""] = /^\(\?([a-zA-Z]*)-?([a-zA-Z]*)[:)]$/.exec(text) ?? [];
  const flags = off.includes("i") ? false : on.includes("i") ? true : undefined;
  return { flags, isGroup: !text.endsWith(")") };
}

function foldLiteral(text: string): string {
  if (text.startsWith("\\Q")) {
    return text
      .slice(2)
      .replace(/\\E$/, "")
      .replace(/[\s\S]/g, (char) => foldLiteral(/[\w\x80-\xff]/.test(char) ? char : `\\${char}`));
  }
  return isHigh(codeOf(text)) ? `(?-i:${text})` : text;
}

/** The class as it is, without `(?i)`, and the other case of its ASCII letters. */
function foldClass(text: string): string {
  const ranges = [...text.slice(1, -1).matchAll(range)].map(({ groups }) => {
    const first = codeOf(groups?.["first"] ?? "");
    return { first, last: groups?.["last"] === undefined ? first : codeOf(groups["last"]) };
  });
  if (!ranges.some(({ first, last }) => isHigh(first) || isHigh(last))) return text;
  const others = ranges.map((one) => shifted(one, "a", "z", -32) + shifted(one, "A", "Z", 32));
  return `(?-i:${text.slice(0, -1)}${others.join("")}])`;
}

const range = new RegExp(`(?<first>${classItem}|\\])(?:-(?<last>${classItem}))?`, "g");

interface Range {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** The part of a range that lies among these letters, in the other case. */
function shifted({ first, last }: Range, from: string, to: string, by: number): string {
  if (first === undefined || last === undefined) return "";
  const start = Math.max(first, from.charCodeAt(0));
  const end = Math.min(last, to.charCodeAt(0));
  return start > end ? "" : `${String.fromCharCode(start + by)}-${String.fromCharCode(end + by)}`;
}

/** The character that a piece of a pattern stands for; undefined where it stands for many, or for none. */
function codeOf(text: string): number | undefined {
  if (!text.startsWith("\\")) return text.length === 1 ? text.charCodeAt(0) : undefined;
  const [, hex] = /^\\x\{?([0-9a-fA-F]+)/.exec(text) ?? [];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  if (/^\\[0-7]+$/.test(text)) return Number.parseInt(text.slice(1), 8);
  return text.length === 2 && text.charCodeAt(1) >= 0x80 ? text.charCodeAt(1) : undefined;
}

function isHigh(code: number | undefined): boolean {
  return code !== undefined && code >= 0x80;
}
