import { describe, expect, test } from "bun:test";
import { Patterns } from "./patterns.ts";

const patterns = new Patterns();
const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("matches", () => {
  const cases: readonly (readonly [pattern: string, text: string, expected: boolean])[] = [
    ["a+", "aaa", true],
    ["a+", "aab", false],
    ["b|ab", "ab", true],
    ["", "", true],
    // Bytes, not characters.
    ["a.c", latin1("aéc"), false],
    ["aéc", latin1("aéc"), true],
    ["a..c", latin1("aéc"), true],
    ["a.c", "a\xffc", true],
  ];
  test.each(cases)("%s %s", (pattern, text, expected) => {
    expect(patterns.matches(pattern, text)).toBe(expected);
  });
});

describe("replaceAll is RE2::GlobalReplace", () => {
  const cases: readonly (readonly [pattern: string, substitution: string, text: string, expected: string])[] = [
    // Asked of Envoy 1.40.
    ["b*", "X", "/rw/re/abba", "X/XrXwX/XrXeX/XaXaX"],
    ["/redir/(.)(.)", "z\\2\\1\\\\", "/redir/reX", "zer\\X"],
    // re2/testing/re2_test.cc
    ["b*", "bb", "ababababab", "bbabbabbabbabbabb"],
    ["(qu|[b-df-hj-np-tv-z]*)([a-z]+)", "\\2\\1ay", "the quick brown fox", "ethay ickquay ownbray oxfay"],
    ["[a-z]", "-\\0-", "a b", "-a- -b-"],
    ["^a", "b", "aaa", "baa"],
    ["(a)|(b)", "[\\1\\2]", "ab", "[a][b]"],
    ["x", "y", "abc", "abc"],
    ["é", "e", latin1("café"), "cafe"],
    ["a", latin1("é"), "a", latin1("é")],
    // Not UTF-8: the bytes stay what they are.
    ["a", "b", "a\xff", "b\xff"],
  ];
  test.each(cases)("%s %s %s", (pattern, substitution, text, expected) => {
    expect(patterns.replaceAll({ pattern, substitution }, text)).toBe(expected);
  });
});
