import { expect, test } from "bun:test";
import { mirrorAuthority } from "./mirror.ts";

// Asked of Envoy 1.40.
test.each([
  ["a.b:81", "a.b-shadow:81"],
  ["a.b", "a.b-shadow"],
  ["[::1]:80", "[::1]-shadow:80"],
  ["[::1]", "[::1]-shadow"],
  ["a:b:c", "a:b-shadow:c"],
])("%s becomes %s", (authority, expected) => {
  expect(mirrorAuthority(authority, false)).toBe(expected);
  expect(mirrorAuthority(authority, true)).toBe(authority);
});
