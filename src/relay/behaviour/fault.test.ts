import { describe, expect, test } from "bun:test";
import type { FaultConfig } from "../../model/http.ts";
import { decideFault, type FaultDecision, type FaultInput } from "./fault.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, randoms, request } from "./request.fixture.ts";

const patterns = new Patterns();
const always = { numerator: 100, denominator: 100 } as const;
const half = { numerator: 50, denominator: 100 } as const;
const none: FaultConfig = {
  type: "fault",
  delay: undefined,
  abort: undefined,
  headers: [],
  upstreamCluster: "",
  downstreamNodes: [],
  maxActive: undefined,
};
const abort503: FaultConfig = { ...none, abort: { by: "status", status: 503, fraction: always } };
const byHeader: FaultConfig = {
  ...none,
  delay: { by: "header", fraction: half },
  abort: { by: "header", fraction: always },
};
const nothing: FaultDecision = { delayMs: undefined, abort: undefined };
const aborted: FaultDecision = { delayMs: undefined, abort: { status: 503, grpcStatus: undefined } };

describe("decideFault", () => {
  type Case = readonly [string, FaultConfig, Pairs, Partial<FaultInput>, FaultDecision];
  const cases: readonly Case[] = [
    ["nothing configured", none, [], {}, nothing],
    ["abort", abort503, [], {}, aborted],
    [
      "gRPC abort",
      { ...none, abort: { by: "grpc", status: 5, fraction: always } },
      [],
      {},
      { delayMs: undefined, abort: { status: 200, grpcStatus: 5 } },
    ],
    [
      "delay alone",
      { ...none, delay: { by: "fixed", ms: 10, fraction: half } },
      [],
      { random: randoms(0.4) },
      { delayMs: 10, abort: undefined },
    ],
    [
      "no delay by chance",
      { ...none, delay: { by: "fixed", ms: 10, fraction: half } },
      [],
      { random: randoms(0.5) },
      nothing,
    ],
    [
      "each has a chance of its own",
      { ...none, delay: { by: "fixed", ms: 10, fraction: half }, abort: { by: "status", status: 500, fraction: half } },
      [],
      { random: randoms(0.9, 0.1) },
      { delayMs: undefined, abort: { status: 500, grpcStatus: undefined } },
    ],
    ["too many already", { ...abort503, maxActive: 2 }, [], { active: 2 }, nothing],
    ["one more", { ...abort503, maxActive: 2 }, [], { active: 1 }, aborted],
    ["another cluster", { ...abort503, upstreamCluster: "b" }, [], { cluster: "a" }, nothing],
    ["this cluster", { ...abort503, upstreamCluster: "b" }, [], { cluster: "b" }, aborted],
    ["another node", { ...abort503, downstreamNodes: ["n"] }, [], {}, nothing],
    ["this node", { ...abort503, downstreamNodes: ["n"] }, [["x-envoy-downstream-service-node", "n"]], {}, aborted],
    [
      "headers",
      { ...abort503, headers: [{ name: "x", condition: { match: "present" }, invert: false, missingIsEmpty: false }] },
      [],
      {},
      nothing,
    ],
    ["nothing asked for", byHeader, [], {}, nothing],
    [
      "delay asked for",
      byHeader,
      [["x-envoy-fault-delay-request", "7"]],
      { random: randoms(0.4) },
      { delayMs: 7, abort: undefined },
    ],
    [
      "less often than configured",
      byHeader,
      [
        ["x-envoy-fault-delay-request", "7"],
        ["x-envoy-fault-delay-request-percentage", "30"],
      ],
      { random: randoms(0.4) },
      nothing,
    ],
    [
      "not more often",
      byHeader,
      [
        ["x-envoy-fault-delay-request", "7"],
        ["x-envoy-fault-delay-request-percentage", "100"],
      ],
      { random: randoms(0.6) },
      nothing,
    ],
    // Asked of Envoy 1.40.
    [
      "the first of two",
      byHeader,
      [
        ["x-envoy-fault-abort-request", "503"],
        ["x-envoy-fault-abort-request", "504"],
      ],
      {},
      aborted,
    ],
    ["no status", byHeader, [["x-envoy-fault-abort-request", "600"]], {}, nothing],
    [
      "gRPC asked for",
      byHeader,
      [["x-envoy-fault-abort-grpc-request", "5"]],
      {},
      { delayMs: undefined, abort: { status: 200, grpcStatus: 5 } },
    ],
  ];
  test.each(cases)("%s", (_, config, fields, about, expected) => {
    const input: FaultInput = { request: request(fields), cluster: "a", active: 0, random: randoms(0), ...about };
    expect(decideFault(config, input, patterns)).toEqual(expected);
  });
});
