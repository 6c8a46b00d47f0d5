import { beforeEach, describe, expect, test } from "bun:test";
import { ManualClock } from "../test/support/manual-clock.ts";
import { endpoint, locality } from "./compile/cluster.fixture.ts";
import { Health, type Probe } from "./health.ts";
import { formatSocketAddress } from "./ip.ts";
import { type Cluster, type HealthCheck, type OutlierDetection, unknownCluster } from "./model/cluster.ts";
import type { EndpointAssignment } from "./model/endpoint.ts";
import { emptySnapshot, type Snapshot } from "./model/snapshot.ts";
import { Log } from "./telemetry/log.ts";

const check: HealthCheck = {
  timeoutMs: 1_000,
  intervalMs: 10_000,
  noTrafficIntervalMs: 60_000,
  unhealthyIntervalMs: 10_000,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
  check: { type: "tcp", send: new Uint8Array(), receive: [] },
};

const outliers: OutlierDetection = {
  consecutive5xx: 3,
  consecutiveGatewayFailure: 0,
  consecutiveLocalOriginFailure: 0,
  enforcing5xx: 100,
  enforcingGatewayFailure: 0,
  enforcingLocalOriginFailure: 0,
  splitLocalOriginErrors: false,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 100,
  alwaysEjectOne: false,
  successRate: undefined,
  failurePercentage: undefined,
};

const [one, two] = ["127.0.0.1:1", "127.0.0.1:2"] as const;
const assignment: EndpointAssignment = {
  name: "service",
  overprovisioningPercent: 140,
  localities: [locality([endpoint(one), endpoint(two)])],
};

function snapshotOf(fields: Partial<Cluster>): Snapshot {
  const cluster: Cluster = { ...unknownCluster("c"), discovery: { type: "eds", serviceName: "service" }, ...fields };
  return {
    ...emptySnapshot,
    cluster: new Map([["c", cluster]]),
    endpoint: new Map([["service", assignment]]),
  };
}

/** Of the assignment that the cluster gets. */
function unhealthyIn(snapshot: Snapshot): string[] {
  const cluster = snapshot.cluster.get("c");
  const found = cluster?.discovery.type === "static" ? cluster.discovery.assignment : snapshot.endpoint.get("service");
  const endpoints = (found?.localities ?? []).flatMap((it) => it.endpoints);
  return endpoints.filter(({ health }) => health === "unhealthy").map(({ address }) => formatSocketAddress(address));
}

describe("health", () => {
  let clock: ManualClock;
  let health: Health;
  let changes: number;
  /** What the endpoints answer to checks. */
  let answers: Map<string, Awaited<ReturnType<Probe>>>;
  let probes: string[];

  beforeEach(() => {
    clock = new ManualClock();
    changes = 0;
    probes = [];
    answers = new Map([
      [one, "pass"],
      [two, "pass"],
    ]);
    health = new Health({
      clock,
      random: () => 0,
      log: new Log(
        "error",
        () => {},
        () => new Date(0),
      ),
      probe: async (address) => {
        const name = formatSocketAddress(address);
        probes.push(name);
        return answers.get(name) ?? "timeout";
      },
      onChange: () => changes++,
    });
  });

  /** Lets what waits for a probe's answer go on. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };

  test("nothing to watch leaves the snapshot as it is", () => {
    const source = snapshotOf({});
    expect(health.overlay(source).endpoint).toBe(source.endpoint);
    expect(clock.timers).toBe(0);
  });

  test.each<[string, Partial<Cluster>]>([
    ["EDS", {}],
    ["static", { discovery: { type: "static", assignment } }],
  ])("an endpoint that fails its checks is unhealthy until it passes them again: %s", async (_name, fields) => {
    const source = snapshotOf({ ...fields, healthChecks: [check] });
    // Before anything is known, the control plane's word stands.
    expect(unhealthyIn(health.overlay(source))).toEqual([]);
    await settle();
    expect(changes).toBe(2);
    expect(unhealthyIn(health.overlay(source))).toEqual([]);

    answers.set(two, "fail");
    clock.advance(check.intervalMs);
    await settle();
    const marked = health.overlay(source);
    expect(unhealthyIn(marked)).toEqual([two]);
    expect(health.overlay(source)).toBe(marked);

    answers.set(two, "pass");
    clock.advance(check.unhealthyIntervalMs);
    await settle();
    // Once isn't twice.
    expect(unhealthyIn(health.overlay(source))).toEqual([two]);
    clock.advance(check.intervalMs);
    await settle();
    expect(unhealthyIn(health.overlay(source))).toEqual([]);
    health[Symbol.dispose]();
  });

  test("an endpoint that is gone isn't asked any more, and neither is anyone after the end", async () => {
    health.overlay(snapshotOf({ healthChecks: [check] }));
    await settle();
    expect(probes).toEqual([one, two]);
    const fewer = { ...assignment, localities: [locality([endpoint(one)])] };
    const source = snapshotOf({ healthChecks: [check] });
    health.overlay({ ...source, endpoint: new Map([["service", fewer]]) });
    // The checks are others' objects: everything begins anew.
    await settle();
    probes.length = 0;
    clock.advance(check.intervalMs);
    await settle();
    expect(probes).toEqual([one]);
    health[Symbol.dispose]();
    clock.advance(10 * check.intervalMs);
    await settle();
    expect(probes).toEqual([one]);
    expect(clock.timers).toBe(0);
  });

  test("a check that passes ends an ejection", async () => {
    const source = snapshotOf({ outlierDetection: outliers, healthChecks: [check] });
    health.overlay(source);
    await settle();
    health.record(Array.from({ length: 3 }, () => ({ cluster: "c", endpoint: one, result: 503 })));
    expect(unhealthyIn(health.overlay(source))).toEqual([one]);
    clock.advance(check.intervalMs - 1);
    await settle();
    expect(unhealthyIn(health.overlay(source))).toEqual([one]);
    clock.advance(1);
    await settle();
    expect(unhealthyIn(health.overlay(source))).toEqual([]);
    health[Symbol.dispose]();
  });

  test("outliers among relayed requests are unhealthy for their time", async () => {
    const source = snapshotOf({ outlierDetection: outliers });
    health.overlay(source);
    const failed = { cluster: "c", endpoint: one, result: 503 };
    health.record([failed, failed]);
    expect(changes).toBe(0);
    health.record([failed, { cluster: "unknown", endpoint: one, result: 503 }]);
    expect(changes).toBe(1);
    expect([...health.unhealthy("c")]).toEqual([one]);
    expect(unhealthyIn(health.overlay(source))).toEqual([one]);
    // Ended by a sweep, each of which begins when the one before has ended.
    for (let sweep = 0; sweep < 5; sweep++) {
      clock.advance(outliers.intervalMs);
      await settle();
    }
    expect(unhealthyIn(health.overlay(source))).toEqual([]);
    health[Symbol.dispose]();
    expect(clock.timers).toBe(0);
  });
});
