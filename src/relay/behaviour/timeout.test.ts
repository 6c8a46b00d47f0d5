import { describe, expect, test } from "bun:test";
import { forward, toCluster } from "../../model/http.fixture.ts";
import type { ForwardAction } from "../../model/route.ts";
import { type Pairs, request } from "./request.fixture.ts";
import { type RequestTimeouts, requestTimeouts } from "./timeout.ts";

const defaults: RequestTimeouts = {
  globalMs: 15_000,
  perTryMs: 0,
  perTryIdleMs: 0,
  maxStreamMs: undefined,
  idleMs: undefined,
  grpcTimeout: undefined,
};
const retry = (perTryTimeoutMs: number): Pick<ForwardAction, "retry"> => ({
  retry: {
    conditions: [],
    retries: 1,
    perTryTimeoutMs,
    perTryIdleTimeoutMs: 7,
    statusCodes: [],
    retriableHeaders: [],
    retriableRequestHeaders: [],
    backOff: { baseMs: 25, maxMs: 250 },
    rateLimitedBackOff: undefined,
    avoidPreviousHosts: false,
    hostSelectionAttempts: 1,
  },
});
const grpc = (timeout?: string): Pairs => [
  ["content-type", "application/grpc"],
  ...(timeout === undefined ? [] : [["grpc-timeout", timeout] as const]),
];

describe("requestTimeouts", () => {
  const cases: readonly (readonly [string, Partial<ForwardAction>, Pairs, Partial<RequestTimeouts>])[] = [
    ["the route's", { timeoutMs: 100 }, [], { globalMs: 100 }],
    ["none", { timeoutMs: 0 }, [], { globalMs: 0 }],
    ["per try", retry(50), [], { perTryMs: 50, perTryIdleMs: 7 }],
    ["per try as long as all", { timeoutMs: 50, ...retry(50) }, [], { globalMs: 50, perTryMs: 0, perTryIdleMs: 7 }],
    [
      "per try without limit of all",
      { timeoutMs: 0, ...retry(50) },
      [],
      { globalMs: 0, perTryMs: 50, perTryIdleMs: 7 },
    ],
    ["what the client asks for doesn't count", {}, [["x-envoy-upstream-rq-timeout-ms", "1"]], {}],
    ["idle", { idleTimeoutMs: 9 }, [], { idleMs: 9 }],
    // Asked of Envoy 1.40, with max_grpc_timeout 10s.
    ["gRPC", { grpcTimeoutHeaderMaxMs: 10_000 }, grpc("5S"), { globalMs: 5000, grpcTimeout: "5000m" }],
    ["gRPC without its own", { grpcTimeoutHeaderMaxMs: 10_000 }, grpc(), { globalMs: 10_000, grpcTimeout: "10000m" }],
    ["gRPC, too long", { grpcTimeoutHeaderMaxMs: 10_000 }, grpc("100S"), { globalMs: 10_000, grpcTimeout: "10000m" }],
    ["gRPC, uncapped", { grpcTimeoutHeaderMaxMs: 0 }, grpc("100S"), { globalMs: 100_000, grpcTimeout: "100000m" }],
    ["gRPC, uncapped and without its own", { grpcTimeoutHeaderMaxMs: 0 }, grpc(), { globalMs: 0 }],
    ["gRPC, nonsense", { grpcTimeoutHeaderMaxMs: 10_000 }, grpc("5x"), { globalMs: 10_000, grpcTimeout: "10000m" }],
    ["gRPC, rounded up", { grpcTimeoutHeaderMaxMs: 0 }, grpc("1001u"), { globalMs: 2, grpcTimeout: "2m" }],
    ["gRPC, hours", { grpcTimeoutHeaderMaxMs: 0 }, grpc("100H"), { globalMs: 360_000_000, grpcTimeout: "360000S" }],
    ["gRPC, not obeyed", {}, grpc("5S"), {}],
    ["not gRPC", { grpcTimeoutHeaderMaxMs: 10_000 }, [["grpc-timeout", "5S"]], {}],
    ["by stream", { maxStreamDurationMs: 30 }, [], { globalMs: 0, maxStreamMs: 30 }],
    [
      "by stream, as the client says",
      { maxStreamDurationMs: 30, grpcTimeoutHeaderMaxMs: 20 },
      grpc("1S"),
      { globalMs: 0, maxStreamMs: 20 },
    ],
  ];
  test.each(cases)("%s", (_, action, fields, expected) => {
    expect(requestTimeouts({ ...forward(toCluster("backend")), ...action }, request(fields))).toEqual({
      ...defaults,
      ...expected,
    });
  });
});
