import { describe, expect, test } from "bun:test";
import type { OutlierDetection } from "../../model/cluster.ts";
import type { EndpointResult } from "../protocol.ts";
import { OutlierDetector } from "./outlier.ts";

const defaults: OutlierDetection = {
  consecutive5xx: 5,
  consecutiveGatewayFailure: 5,
  consecutiveLocalOriginFailure: 5,
  enforcing5xx: 100,
  enforcingGatewayFailure: 0,
  enforcingLocalOriginFailure: 100,
  splitLocalOriginErrors: false,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 100,
  alwaysEjectOne: false,
  successRate: undefined,
  failurePercentage: undefined,
};
const endpoints = ["a", "b", "c", "d", "e"];
type Result = EndpointResult["result"];

function detector(
  about: Partial<OutlierDetection> = {},
  random = 0,
  of: readonly string[] = endpoints,
): OutlierDetector {
  const detector = new OutlierDetector({ ...defaults, ...about }, () => random);
  detector.setEndpoints(of, 0);
  return detector;
}

function record(to: OutlierDetector, endpoint: string, results: readonly Result[], nowMs = 0): void {
  for (const result of results) to.record(endpoint, result, nowMs);
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

function ejected(of: OutlierDetector): string {
  return [...of.ejected()].join("");
}

describe("runs of failures", () => {
  const split = { splitLocalOriginErrors: true } as const;
  const gateway = { consecutiveGatewayFailure: 2, enforcingGatewayFailure: 100, consecutive5xx: 0 } as const;
  const cases: readonly (readonly [string, Partial<OutlierDetection>, results: readonly Result[], expected: string])[] =
    [
      ["five", {}, times(5, 500), "a"],
      ["four", {}, times(4, 500), ""],
      ["interrupted", {}, [...times(4, 500), 200, ...times(4, 500)], ""],
      ["4xx isn't a failure", {}, times(9, 499), ""],
      [
        "connections that fail, resets and timeouts are failures too",
        {},
        ["connect_failure", "reset", "timeout", 500, 503],
        "a",
      ],
      ["switched off", { consecutive5xx: 0 }, times(99, 500), ""],
      ["gateway", gateway, [502, 504], "a"],
      ["other 5xx interrupt the gateway's", gateway, [502, 500, 504], ""],
      ["local failures count as gateway's", gateway, ["connect_failure", "timeout"], "a"],
      ["split: statuses apart", split, [...times(4, 500), ...times(4, "connect_failure" as const)], ""],
      ["split: local", split, times(5, "connect_failure"), "a"],
      [
        "split: an answer proves the connection",
        split,
        [...times(4, "connect_failure" as const), 500, "connect_failure"],
        "",
      ],
      ["split: so does a reset", split, times(9, "reset"), ""],
      ["split: statuses", split, times(5, 500), "a"],
    ];
  test.each(cases)("%s", (_, about, results, expected) => {
    const one = detector(about);
    record(one, "a", results);
    expect(ejected(one)).toBe(expected);
  });

  test.each([
    [0.49, "a"],
    [0.5, ""],
  ])("enforced in 50%% of the cases: %d", (random, expected) => {
    const one = detector({ enforcing5xx: 50 }, random);
    record(one, "a", times(5, 500));
    expect(ejected(one)).toBe(expected);
  });

  test("endpoints that aren't there are nothing", () => {
    const one = detector();
    record(one, "z", times(5, 500));
    record(one, "a", times(5, 500));
    one.setEndpoints(["b"], 0);
    expect(ejected(one)).toBe("");
  });
});

describe("how many may be out", () => {
  const cases: readonly (readonly [string, Partial<OutlierDetection>, of: readonly string[], expected: string])[] = [
    ["40% of five", { maxEjectionPercent: 40 }, endpoints, "ab"],
    ["39% of five", { maxEjectionPercent: 39 }, endpoints, "a"],
    ["10% of five", { maxEjectionPercent: 10 }, endpoints, ""],
    ["10% of five, but one", { maxEjectionPercent: 10, alwaysEjectOne: true }, endpoints, "a"],
    ["all", {}, ["a"], "a"],
  ];
  test.each(cases)("%s", (_, about, of, expected) => {
    const one = detector(about, 0, of);
    for (const endpoint of of) record(one, endpoint, times(5, 500));
    expect(ejected(one)).toBe(expected);
  });
});

describe("how long", () => {
  /** Ejects `a` and gives the time at which it came back, by ticks of 10 s. */
  function outage(one: OutlierDetector, from: number): number {
    record(one, "a", times(5, 500), from);
    let now = from;
    while (ejected(one) !== "" && now < from + 10_000_000) {
      now += 10_000;
      one.tick(now);
    }
    return now - from;
  }

  test("longer each time, up to the maximum", () => {
    const one = detector({ maxEjectionMs: 70_000 });
    let now = 0;
    const lengths = times(4, 0).map(() => {
      const length = outage(one, now);
      now += length;
      return length;
    });
    expect(lengths).toEqual([30_000, 60_000, 70_000, 70_000]);
  });

  test("shorter again after it has behaved for a while", () => {
    const one = detector();
    let now = outage(one, 0);
    now += outage(one, now);
    for (let i = 0; i < 2; i++) {
      now += 10_000;
      one.tick(now);
    }
    expect(outage(one, now)).toBe(30_000);
  });

  test("an active check that passes ends it", () => {
    const one = detector();
    record(one, "a", times(5, 500));
    one.pardon("a", 1000);
    expect(ejected(one)).toBe("");
    // And what came before is forgotten.
    record(one, "a", times(4, 500));
    expect(ejected(one)).toBe("");
  });
});

describe("by rates", () => {
  const successRate = { enforcing: 100, minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 };
  const failurePercentage = { enforcing: 100, threshold: 85, minimumHosts: 5, requestVolume: 50 };
  const off = { consecutive5xx: 0 } as const;

  /** One interval in which `a` had so many failures among 100 requests, and the others none. */
  function interval(one: OutlierDetector, failures: number, requests = 100): void {
    for (const endpoint of endpoints) {
      const bad = endpoint === "a" ? failures : 0;
      record(one, endpoint, [...times(bad, 500), ...times(requests - bad, 200)]);
    }
    one.tick(10_000);
  }

  // outlier_detection_impl.cc: of 50, 100, 100, 100, 100 the mean is 90, the deviation 20, the threshold 52.
  const cases: readonly (readonly [
    string,
    Partial<OutlierDetection>,
    failures: number,
    requests: number,
    expected: string,
  ])[] = [
    ["below the threshold of success", { ...off, successRate }, 50, 100, "a"],
    ["not far below the others", { ...off, successRate: { ...successRate, stdevFactor: 2100 } }, 50, 100, ""],
    ["too few requests", { ...off, successRate }, 50, 99, ""],
    ["too few endpoints", { ...off, successRate: { ...successRate, minimumHosts: 6 } }, 50, 100, ""],
    ["as many failures as the limit", { ...off, failurePercentage }, 85, 100, "a"],
    ["fewer failures", { ...off, failurePercentage }, 84, 100, ""],
    ["failures of too few requests", { ...off, failurePercentage }, 49, 49, ""],
    ["both at once", { ...off, successRate, failurePercentage }, 90, 100, "a"],
  ];
  test.each(cases)("%s", (_, about, failures, requests, expected) => {
    const one = detector(about);
    interval(one, failures, requests);
    expect(ejected(one)).toBe(expected);
  });

  test("each interval by itself", () => {
    const one = detector({ ...off, failurePercentage });
    interval(one, 84);
    interval(one, 0);
    expect(ejected(one)).toBe("");
  });
});
