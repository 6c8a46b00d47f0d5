import { describe, expect, test } from "bun:test";
import type { RetryPolicy } from "../../model/route.ts";
import { ExponentialBackOff } from "./back-off.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, request, response } from "./request.fixture.ts";
import { type AttemptOutcome, RetryState } from "./retry.ts";

const base: RetryPolicy = {
  conditions: [],
  retries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  statusCodes: [],
  retriableHeaders: [],
  retriableRequestHeaders: [],
  backOff: { baseMs: 25, maxMs: 250 },
  rateLimitedBackOff: undefined,
  avoidPreviousHosts: false,
  hostSelectionAttempts: 1,
};
const now = 1_795_000_000_000;
const options = { random: () => 0.5, now: () => now, patterns: new Patterns() };

function state(policy: Partial<RetryPolicy>, fields: Pairs = []): RetryState {
  return new RetryState({ ...base, ...policy }, request(fields), options);
}

function answer(status: number, fields: Pairs = []): AttemptOutcome {
  return { type: "response", ...response(status, fields) };
}

function reset(reason: Extract<AttemptOutcome, { type: "reset" }>["reason"], started = true): AttemptOutcome {
  return { type: "reset", reason, started };
}

const limited: Pairs = [["x-envoy-ratelimited", "true"]];

describe("conditions", () => {
  const cases: readonly (readonly [conditions: string, what: string, AttemptOutcome, retried: boolean])[] = [
    ["", "503", answer(503), false],
    ["5xx", "500", answer(500), true],
    ["5xx", "499", answer(499), false],
    ["5xx", "600", answer(600), false],
    ["5xx", "reset", reset("reset"), true],
    ["5xx", "per-try timeout", reset("per_try_timeout"), true],
    ["5xx", "overflow", reset("overflow"), false],
    ["5xx", "rate limited", answer(503, limited), false],
    ["envoy-ratelimited", "rate limited", answer(429, limited), true],
    ["envoy-ratelimited", "429", answer(429), false],
    ["gateway-error", "501", answer(501), false],
    ["gateway-error", "502", answer(502), true],
    ["gateway-error", "504", answer(504), true],
    ["gateway-error", "505", answer(505), false],
    ["gateway-error", "reset", reset("reset"), true],
    ["reset", "reset", reset("reset"), true],
    ["reset", "connect failure", reset("connect_failure", false), true],
    ["reset", "503", answer(503), false],
    ["reset-before-request", "reset before", reset("reset", false), true],
    ["reset-before-request", "reset after", reset("reset", true), false],
    ["connect-failure", "connect failure", reset("connect_failure", false), true],
    ["connect-failure", "reset", reset("reset"), false],
    ["refused-stream", "refused", reset("refused", false), true],
    ["refused-stream", "reset", reset("reset"), false],
    ["retriable-4xx", "409", answer(409), true],
    ["retriable-4xx", "404", answer(404), false],
    ["retriable-status-codes", "a code of the list", answer(418), true],
    ["retriable-status-codes", "another", answer(503), false],
    ["retriable-headers", "header", answer(200, [["x-again", ""]]), true],
    ["retriable-headers", "no header", answer(200), false],
    ["cancelled", "gRPC 1", answer(200, [["grpc-status", "1"]]), true],
    ["deadline-exceeded", "gRPC 4", answer(200, [["grpc-status", "4"]]), true],
    ["resource-exhausted", "gRPC 8", answer(200, [["grpc-status", "8"]]), true],
    ["internal", "gRPC 13", answer(200, [["grpc-status", "13"]]), true],
    ["unavailable", "gRPC 14", answer(200, [["grpc-status", "14"]]), true],
    ["unavailable", "gRPC 13", answer(200, [["grpc-status", "13"]]), false],
    ["http3-post-connect-failure", "reset", reset("reset"), false],
  ];
  test.each(cases)("%s: %s", (condition, _, outcome, retried) => {
    const policy = {
      conditions: condition === "" ? [] : [condition],
      statusCodes: [418],
      retriableHeaders: [
        { name: "x-again", condition: { match: "present" }, invert: false, missingIsEmpty: false } as const,
      ],
    };
    expect(state(policy).shouldRetry(outcome).retry).toBe(retried);
  });
});

describe("limits", () => {
  test("as many as the policy says", () => {
    const twice = state({ conditions: ["5xx"], retries: 2 });
    expect(twice.isActive).toBe(true);
    expect([1, 2, 3].map(() => twice.shouldRetry(answer(500)).retry)).toEqual([true, true, false]);
    expect(twice.isActive).toBe(false);
    expect(twice.shouldRetry(answer(500))).toEqual({ retry: false, reason: "limit" });
    expect(twice.shouldRetry(answer(200))).toEqual({ retry: false, reason: "not_retriable" });
  });

  test("no policy", () => {
    const none = new RetryState(undefined, request(), options);
    expect(none.isActive).toBe(false);
    expect(none.shouldRetry(reset("connect_failure")).retry).toBe(false);
  });

  test.each([
    ["one of the request's headers holds", [["x-idempotent", "1"]] as Pairs, true],
    ["none does", [] as Pairs, false],
  ])("%s", (_, fields, isActive) => {
    const present = { condition: { match: "present" }, invert: false, missingIsEmpty: false } as const;
    const retriableRequestHeaders = [
      { name: "x-never", ...present },
      { name: "x-idempotent", ...present },
    ];
    expect(state({ conditions: ["5xx"], retriableRequestHeaders }, fields).isActive).toBe(isActive);
  });

  test("what the client asks for doesn't count", () => {
    const asked = state({}, [
      ["x-envoy-retry-on", "5xx"],
      ["x-envoy-max-retries", "9"],
    ]);
    expect(asked.isActive).toBe(false);
  });
});

describe("delays", () => {
  test("double up to the maximum, with full jitter", () => {
    const backOff = new ExponentialBackOff(25, 250, () => 0.999_999);
    expect(Array.from({ length: 6 }, () => backOff.nextMs())).toEqual([24, 49, 99, 199, 249, 249]);
    expect(new ExponentialBackOff(25, 250, () => 0).nextMs()).toBe(0);
  });

  const rateLimitedBackOff = {
    maxMs: 10_000,
    headers: [
      { name: "retry-after", format: "seconds" },
      { name: "x-reset", format: "unix_timestamp" },
    ],
  } as const;
  const at = (seconds: number): string => String(now / 1000 + seconds);
  const cases: readonly (readonly [string, Pairs, expectedMs: number])[] = [
    ["none asked for", [], 12],
    ["seconds", [["retry-after", "4"]], 5000],
    [
      "the first of two",
      [
        ["retry-after", "4"],
        ["retry-after", "8"],
      ],
      5000,
    ],
    ["a time", [["x-reset", at(8)]], 10_000],
    ["too long", [["retry-after", "11"]], 12],
    [
      "too long, then another",
      [
        ["retry-after", "11"],
        ["x-reset", at(4)],
      ],
      5000,
    ],
    ["past", [["x-reset", at(-1)]], 12],
    ["no number", [["retry-after", "Tue, 03 Nov 2026 09:05:07 GMT"]], 12],
    ["nothing to wait for", [["retry-after", "0"]], 12],
  ];
  test.each(cases)("%s", (_, fields, expected) => {
    const decision = state({ conditions: ["5xx"], rateLimitedBackOff }).shouldRetry(answer(503, fields));
    expect(decision).toEqual({ retry: true, delayMs: expected });
  });

  test("too early is retried at once", () => {
    const decision = state({ conditions: ["retriable-status-codes"], statusCodes: [425] }).shouldRetry(answer(425));
    expect(decision).toEqual({ retry: true, delayMs: 0 });
  });
});
