import { describe, expect, test } from "bun:test";
import type { HealthCheck } from "../../model/cluster.ts";
import { HealthState, type ProbeResult } from "./health.ts";

const check: HealthCheck = {
  timeoutMs: 1000,
  intervalMs: 5000,
  noTrafficIntervalMs: 60_000,
  unhealthyIntervalMs: 2000,
  unhealthyThreshold: 2,
  healthyThreshold: 3,
  check: { type: "tcp", send: new Uint8Array(), receive: [] },
};
const results: Readonly<Record<string, ProbeResult>> = { p: "pass", f: "fail", t: "timeout" };

describe("HealthState", () => {
  // p = pass, f = fail, t = timeout; H = healthy after it, u = not.
  test.each([
    ["p", "H"],
    ["f", "u"],
    ["t", "u"],
    ["pt", "HH"],
    ["ptt", "HHu"],
    ["ptpt", "HHHH"],
    ["pf", "Hu"],
    ["tppp", "uuuH"],
    ["tpptppp", "uuuuuuH"],
    ["pfppp", "HuuuH"],
  ])("%s: %s", (sequence, expected) => {
    const state = new HealthState(check);
    let before = false;
    const seen = [...sequence].map((letter) => {
      const isChanged = state.observe(results[letter] ?? "fail");
      expect(isChanged).toBe(state.healthy !== before);
      before = state.healthy;
      return state.healthy ? "H" : "u";
    });
    expect(seen.join("")).toBe(expected);
  });

  test.each([
    ["p", true, 5000],
    ["pt", true, 2000],
    ["ptp", true, 5000],
    ["f", true, 2000],
    ["fp", true, 5000],
    ["p", false, 60_000],
  ])("%s, traffic %p: next in %d ms", (sequence, hasTraffic, expected) => {
    const state = new HealthState(check);
    for (const letter of sequence) state.observe(results[letter] ?? "fail");
    expect(state.nextDelayMs(hasTraffic)).toBe(expected);
  });
});
