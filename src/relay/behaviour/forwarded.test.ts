import { describe, expect, test } from "bun:test";
import { defaultHttpOptions } from "../../model/http.fixture.ts";
import type { HttpOptions } from "../../model/http.ts";
import { Fields } from "./fields.ts";
import {
  addForwarded,
  addsToRequests,
  addsToResponses,
  addToResponse,
  isStripped,
  setAttemptCount,
} from "./forwarded.ts";
import { type Pairs, socketAddress } from "./request.fixture.ts";
import { addRequestId, ensureRequestId } from "./request-id.ts";

const edge: Partial<HttpOptions> = { appendForwardedFor: true };
const loopback = { address: socketAddress("127.0.0.1:1").address, host: socketAddress("192.0.2.2:1").address };
const remote = { address: socketAddress("10.0.0.9:1").address, host: undefined };

describe("what clients may not say, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [name: string, Partial<HttpOptions>, boolean])[] = [
    ["x-envoy-retry-on", {}, true],
    ["x-envoy-max-retries", {}, true],
    ["x-envoy-upstream-rq-timeout-ms", {}, true],
    ["x-envoy-internal", {}, true],
    ["x-int", {}, true],
    ["x-other", {}, false],
    ["x-envoy-downstream-service-node", {}, false],
    ["x-envoy-downstream-service-node", edge, true],
    ["x-envoy-original-path", {}, false],
    ["x-envoy-original-path", edge, true],
    ["x-envoy-attempt-count", edge, false],
    ["x-envoy-fault-abort-request", edge, false],
  ];
  test.each(cases)("%s %j", (name, options, expected) => {
    expect(isStripped(name, { ...defaultHttpOptions, ...options }, ["x-int"])).toBe(expected);
  });
});

describe("addForwarded", () => {
  const cases: readonly (readonly [string, Partial<HttpOptions>, typeof loopback | typeof remote, Pairs, string])[] = [
    ["nothing configured", {}, remote, [["x-forwarded-for", "a"]], "x-forwarded-for: a\r\n"],
    ["client", edge, remote, [], "x-forwarded-for: 10.0.0.9\r\nx-forwarded-proto: http\r\n"],
    [
      "one more, and its proto isn't believed",
      edge,
      loopback,
      [
        ["X-Forwarded-For", "10.0.0.1"],
        ["x-forwarded-proto", "https"],
      ],
      "X-Forwarded-For: 10.0.0.1,192.0.2.2\r\nx-forwarded-proto: http\r\n",
    ],
    ["via", { via: "v" }, remote, [["via", "q"]], "via: q, v\r\n"],
    ["user agent", { addUserAgent: true }, remote, [], "user-agent: envoy\r\n"],
    ["user agent is there", { addUserAgent: true }, remote, [["User-Agent", "x"]], "User-Agent: x\r\n"],
  ];
  test.each(cases)("%s", (_, options, client, sent, expected) => {
    const fields = Fields.of(sent);
    const all = { ...defaultHttpOptions, ...options };
    addForwarded(fields, all, client);
    expect(fields.toString()).toBe(expected);
    expect(addsToRequests(all)).toBe(Object.keys(options).length > 0);
  });
});

describe("addToResponse", () => {
  const cases: readonly (readonly [string, Partial<HttpOptions>, Pairs, string])[] = [
    ["nothing configured", {}, [["Server", "nginx"]], "Server: nginx\r\n"],
    ["server", { serverName: "s" }, [["Server", "nginx"]], "Server: s\r\n"],
    [
      "server if absent",
      { serverName: "s", serverHeader: "append_if_absent" },
      [["Server", "nginx"]],
      "Server: nginx\r\n",
    ],
    ["server absent", { serverName: "s", serverHeader: "append_if_absent" }, [], "server: s\r\n"],
    ["server passes", { serverName: "s", serverHeader: "pass_through" }, [], ""],
    ["via", { via: "v" }, [], "via: v\r\n"],
  ];
  test.each(cases)("%s", (_, options, sent, expected) => {
    const fields = Fields.of(sent);
    const all = { ...defaultHttpOptions, ...options };
    addToResponse(fields, all);
    expect(fields.toString()).toBe(expected);
    if (!addsToResponses(all)) expect(fields.toString()).toBe(Fields.of(sent).toString());
  });
});

test("attempt count", () => {
  const fields = Fields.of([["X-Envoy-Attempt-Count", "9"]]);
  setAttemptCount(fields, 2);
  expect(fields.toString()).toBe("X-Envoy-Attempt-Count: 2\r\n");
});

describe("request identifiers", () => {
  const generated = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const asSent = /^abc$/;
  const cases: readonly (readonly [string, Partial<HttpOptions>, Pairs, RegExp | undefined])[] = [
    ["not asked for", {}, [], undefined],
    ["not asked for, sent", {}, [["x-request-id", "abc"]], asSent],
    ["made", { generateRequestId: true }, [], generated],
    ["made for an empty one", { generateRequestId: true }, [["x-request-id", ""]], generated],
    ["kept", { generateRequestId: true }, [["x-request-id", "abc"]], asSent],
    ["not believed at the edge", { generateRequestId: true, ...edge }, [["x-request-id", "abc"]], generated],
    [
      "preserved",
      { generateRequestId: true, preserveExternalRequestId: true, ...edge },
      [["x-request-id", "abc"]],
      asSent,
    ],
  ];
  test.each(cases)("%s", (_, options, sent, expected) => {
    const fields = Fields.of(sent);
    const id = ensureRequestId(fields, { ...defaultHttpOptions, ...options });
    if (expected === undefined) expect(id).toBeUndefined();
    else expect(id).toMatch(expected);
    expect(fields.get("x-request-id")).toBe(id);
  });

  test.each([
    [true, "x-request-id: abc\r\n"],
    [false, ""],
  ])("in responses: %p", (requestIdInResponse, expected) => {
    const fields = Fields.of([]);
    addRequestId(fields, { ...defaultHttpOptions, requestIdInResponse }, "abc");
    expect(fields.toString()).toBe(expected);
  });
});
