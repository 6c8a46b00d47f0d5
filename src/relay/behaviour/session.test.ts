import { describe, expect, test } from "bun:test";
import { formatSocketAddress } from "../../ip.ts";
import type { StatefulSessionConfig } from "../../model/http.ts";
import { request, socketAddress } from "./request.fixture.ts";
import { hasSession, sessionCookie, sessionEndpoint } from "./session.ts";

const now = 1_795_472_392_000;
/** What Envoy 1.40 gave for 127.0.0.1:40115 at `now`, with 100 s to live. */
const fromEnvoy = "Cg8xMjcuMC4wLjE6NDAxMTUQ7PiS2AY=";
const config: StatefulSessionConfig = {
  type: "stateful_session",
  cookie: { name: "ss", ttlSeconds: 100, path: "/sess" },
  strict: false,
};
const base64 = (bytes: string): string => Buffer.from(bytes, "latin1").toString("base64");

describe("sessionEndpoint", () => {
  const cases: readonly (readonly [string, value: string, expected: string | undefined])[] = [
    ["Envoy's own", fromEnvoy, "127.0.0.1:40115"],
    ["without expiry", base64("\n\x0b127.0.0.1:1"), "127.0.0.1:1"],
    ["IPv6", base64("\n\x0b[::1]:65535"), "[::1]:65535"],
    ["fields that aren't known", base64("\x18\x05\x22\x02ab\n\x0b127.0.0.1:1\x2d1234"), "127.0.0.1:1"],
    ["the older form", base64("127.0.0.1:40115"), "127.0.0.1:40115"],
    ["cut off", base64("\n\x0b127.0"), undefined],
    ["no address", base64("\n\x01x"), undefined],
    ["an empty message", base64("\x10\x01"), undefined],
    ["not base64", "!!!!", undefined],
    ["without padding", fromEnvoy.replace("=", ""), undefined],
    ["empty", "", undefined],
  ];
  test.each(cases)("%s", (_, value, expected) => {
    const endpoint = sessionEndpoint(config, request([["cookie", `ss=${value}`]], { path: "/sess/x" }), now);
    expect(endpoint && formatSocketAddress(endpoint)).toBe(expected);
  });

  test.each([
    [100, true],
    [101, false],
  ])("after %d s: %p", (seconds, expected) => {
    const sent = request([["cookie", `ss=${fromEnvoy}`]], { path: "/sess" });
    expect(hasSession(config, sent, now + seconds * 1000)).toBe(expected);
  });

  const paths: readonly (readonly [cookiePath: string, path: string, expected: boolean])[] = [
    ["", "/a", true],
    ["/", "/a", true],
    ["/sess", "/sess", true],
    ["/sess", "/sess?q", true],
    ["/sess", "/sess/x", true],
    ["/sess", "/session", false],
    ["/sess/", "/sess", false],
    ["/sess/", "/sess/x", true],
  ];
  test.each(paths)("path %s, %s", (cookiePath, path, expected) => {
    const scoped = { ...config, cookie: { name: "ss", ttlSeconds: 0, path: cookiePath } };
    expect(hasSession(scoped, request([["cookie", `ss=${fromEnvoy}`]], { path }), now)).toBe(expected);
  });

  test("no cookie configured", () => {
    expect(hasSession({ ...config, cookie: undefined }, request([["cookie", `ss=${fromEnvoy}`]]), now)).toBe(false);
  });
});

describe("sessionCookie", () => {
  const endpoint = socketAddress("127.0.0.1:40115");

  test("is byte for byte Envoy's", () => {
    const value = sessionCookie(config, request([], { path: "/sess/x" }), endpoint, now);
    expect(value).toBe(`ss="${fromEnvoy}"; Max-Age=100; Path=/sess; HttpOnly`);
  });

  test("without expiry", () => {
    const forever = { ...config, cookie: { name: "ss", ttlSeconds: 0, path: "" } };
    expect(sessionCookie(forever, request(), socketAddress("127.0.0.1:44395"), now)).toBe(
      'ss="Cg8xMjcuMC4wLjE6NDQzOTU="; HttpOnly',
    );
  });

  test.each([
    ["the same endpoint", "/sess", fromEnvoy, false],
    ["another endpoint", "/sess", base64("\n\x0b127.0.0.1:1"), true],
    ["elsewhere", "/other", "", false],
  ])("%s", (_, path, value, isSet) => {
    const sent = request([["cookie", `ss=${value}`]], { path });
    expect(sessionCookie(config, sent, endpoint, now) !== undefined).toBe(isSet);
  });
});
