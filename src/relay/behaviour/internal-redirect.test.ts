import { describe, expect, test } from "bun:test";
import type { InternalRedirectPolicy } from "../../model/route.ts";
import { internalRedirect } from "./internal-redirect.ts";
import { request } from "./request.fixture.ts";

const policy: InternalRedirectPolicy = { maxRedirects: 1, statusCodes: [302, 303], allowCrossScheme: false };

describe("locations, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [location: string | undefined, expected: string | undefined])[] = [
    ["http://x.y:99/zz?q#f", "x.y:99 /zz?q"],
    ["HTTP://u:p@x.y:99", "x.y:99 /"],
    ["http://[::1]:8/a", "[::1]:8 /a"],
    ["/zz", undefined],
    ["", undefined],
    [undefined, undefined],
    ["http://x.y?q", undefined],
    ["http://x.y/a b", undefined],
    ["http://x.y/\xe9", undefined],
    ["http://x_y/a", undefined],
    ["http://x,y/a", undefined],
    ["http://x:99999/a", undefined],
    ["http://x:/a", undefined],
    ["ftp://x/a", undefined],
    ["https://x/a", undefined],
  ];
  test.each(cases)("%p: %p", (location, expected) => {
    const target = internalRedirect(policy, request(), { status: 302, location }, 0);
    expect(target && `${target.authority} ${target.path}`).toBe(expected);
  });
});

describe("internalRedirect", () => {
  type Outcome = { method: string; dropsBody: boolean } | undefined;
  const cases: readonly (readonly [
    string,
    Partial<InternalRedirectPolicy>,
    method: string,
    status: number,
    followed: number,
    Outcome,
  ])[] = [
    ["followed", {}, "POST", 302, 0, { method: "POST", dropsBody: false }],
    ["303 becomes GET", {}, "POST", 303, 0, { method: "GET", dropsBody: true }],
    ["303 of HEAD", {}, "HEAD", 303, 0, { method: "HEAD", dropsBody: false }],
    ["another status", {}, "GET", 307, 0, undefined],
    ["once too often", {}, "GET", 302, 1, undefined],
    ["as often as allowed", { maxRedirects: 2 }, "GET", 302, 1, { method: "GET", dropsBody: false }],
  ];
  test.each(cases)("%s", (_, about, method, status, followed, expected) => {
    const location = "http://x.y/";
    const target = internalRedirect({ ...policy, ...about }, request([], { method }), { status, location }, followed);
    expect(target && { method: target.method, dropsBody: target.dropsBody }).toEqual(expected);
  });

  test("to another scheme, where it is allowed", () => {
    const target = internalRedirect(
      { ...policy, allowCrossScheme: true },
      request(),
      { status: 302, location: "https://x/a" },
      0,
    );
    expect(target).toEqual({ scheme: "https", authority: "x", path: "/a", method: "GET", dropsBody: false });
  });
});
