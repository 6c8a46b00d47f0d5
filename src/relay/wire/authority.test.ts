import { expect, test } from "bun:test";
import { type AuthorityOptions, stripAuthority } from "./authority.ts";

const options = (stripPort: AuthorityOptions["stripPort"], stripTrailingDot = false): AuthorityOptions => ({
  stripPort,
  stripTrailingDot,
});

/** What listeners of Envoy 1.40 on port 8080 make of it: any port, its own port, the dot, any port and the dot. */
test.each([
  ["h", "h", "h", "h", "h"],
  ["80", "80", "80", "80", "80"],
  ["h:80", "h", "h:80", "h:80", "h"],
  ["h:8080", "h", "h", "h:8080", "h"],
  ["h:", "h:", "h:", "h:", "h:"],
  [":80", "", ":80", ":80", ""],
  [":", ":", ":", ":", ":"],
  ["h:abc", "h:abc", "h:abc", "h:abc", "h:abc"],
  ["[::1]", "[::1]", "[::1]", "[::1]", "[::1]"],
  ["[::1]:80", "[::1]", "[::1]:80", "[::1]:80", "[::1]"],
  ["[::1]:8080", "[::1]", "[::1]", "[::1]:8080", "[::1]"],
  ["::1:80", "::1", "::1:80", "::1:80", "::1"],
  ["h.", "h.", "h.", "h", "h"],
  ["h.:80", "h.", "h.:80", "h:80", "h"],
  ["h..", "h..", "h..", "h.", "h."],
  ["h.:8080", "h.", "h.", "h:8080", "h"],
  ["h.a", "h.a", "h.a", "h.a", "h.a"],
  [".", ".", ".", "", ""],
  ["h:80.", "h:80.", "h:80.", "h:80", "h"],
  ["h.:", "h.:", "h.:", "h:", "h:"],
  ["h:+80", "h", "h:+80", "h:+80", "h"],
  ["h:08080", "h", "h", "h:08080", "h"],
  ["h:65536", "h", "h:65536", "h:65536", "h"],
  ["h:99999999999", "h:99999999999", "h:99999999999", "h:99999999999", "h:99999999999"],
  ["h:-1", "h:-1", "h:-1", "h:-1", "h:-1"],
  ["1.2.3.4:80", "1.2.3.4", "1.2.3.4:80", "1.2.3.4:80", "1.2.3.4"],
  ["1.2.3.4.", "1.2.3.4.", "1.2.3.4.", "1.2.3.4", "1.2.3.4"],
  ["[::1].:80", "[::1].", "[::1].:80", "[::1]:80", "[::1]"],
])("%s", (authority, any, matching, dot, anyAndDot) => {
  expect(stripAuthority(authority, options("no"), 8080)).toBe(authority);
  expect(stripAuthority(authority, options("any"), 8080)).toBe(any);
  expect(stripAuthority(authority, options("matching"), 8080)).toBe(matching);
  expect(stripAuthority(authority, options("no", true), 8080)).toBe(dot);
  expect(stripAuthority(authority, options("any", true), 8080)).toBe(anyAndDot);
});
