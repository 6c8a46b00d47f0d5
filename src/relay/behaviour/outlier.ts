// Outlier detection: endpoints whose requests fail are left out for a while (source/common/upstream/outlier_detection_impl.cc).
// One detector a cluster, fed with what all workers saw.
import type { OutlierDetection } from "../../model/cluster.ts";
import type { EndpointResult } from "../protocol.ts";
import { failurePercentageOutliers, type Rated, successRateOutliers } from "./success-rate.ts";

type Result = EndpointResult["result"];

/** Runs of failures, each with its own threshold and chance to count. */
type Run = "serverErrors" | "gatewayFailures" | "localFailures";

interface Monitor {
  readonly runs: Record<Run, number>;
  /** Since the last tick. */
  total: number;
  successes: number;
  ejectedAt: number | undefined;
  returnedAt: number | undefined;
  /** How many times the base ejection time is multiplied; goes down again while the endpoint behaves. */
  factor: number;
}

export class OutlierDetector {
  readonly #config: OutlierDetection;
  readonly #random: () => number;
  #monitors = new Map<string, Monitor>();

  /** `random` is evenly spread over [0, 1). */
  constructor(config: OutlierDetection, random: () => number) {
    this.#config = config;
    this.#random = random;
  }

  /** The cluster's endpoints from now on; those that stay keep their history. */
  setEndpoints(endpoints: readonly string[], _nowMs: number): void {
    this.#monitors = new Map(endpoints.map((endpoint) => [endpoint, this.#monitors.get(endpoint) ?? newMonitor()]));
  }

  /** Of an endpoint that isn't there any more: nothing. */
  record(endpoint: string, result: Result, nowMs: number): void {
    const monitor = this.#monitors.get(endpoint);
    if (monitor === undefined) return;
    if (!this.#config.splitLocalOriginErrors) {
      this.#countStatus(monitor, statusOf(result), nowMs);
      return;
    }
    // Whatever came after a connection proves that one could be made.
    if (result !== "connect_failure") monitor.runs.localFailures = 0;
    if (typeof result === "number") this.#countStatus(monitor, result, nowMs);
    else this.#countFailure(monitor, "localFailures", nowMs);
  }

  /** Every `intervalMs`: ends ejections, and compares the endpoints with each other. */
  tick(nowMs: number): void {
    for (const monitor of this.#monitors.values()) this.#returnIfDue(monitor, nowMs);
    this.#ejectByRate(nowMs);
    for (const monitor of this.#monitors.values()) this.#forgive(monitor, nowMs);
  }

  /** An active health check passed: that ends an ejection. */
  pardon(endpoint: string, nowMs: number): void {
    const monitor = this.#monitors.get(endpoint);
    if (monitor?.ejectedAt !== undefined) bringBack(monitor, nowMs);
  }

  ejected(): ReadonlySet<string> {
    return new Set(
      [...this.#monitors].flatMap(([endpoint, { ejectedAt }]) => (ejectedAt === undefined ? [] : [endpoint])),
    );
  }

  #countStatus(monitor: Monitor, status: number, nowMs: number): void {
    monitor.total++;
    if (status < 500 || status > 599) {
      monitor.successes++;
      monitor.runs.serverErrors = monitor.runs.gatewayFailures = 0;
      return;
    }
    if (status >= 502 && status <= 504) this.#countFailure(monitor, "gatewayFailures", nowMs);
    else monitor.runs.gatewayFailures = 0;
    this.#countFailure(monitor, "serverErrors", nowMs);
  }

  #countFailure(monitor: Monitor, run: Run, nowMs: number): void {
    const { threshold, enforcing } = this.#rules(run);
    monitor.runs[run]++;
    if (monitor.runs[run] !== threshold || monitor.ejectedAt !== undefined) return;
    this.#eject(monitor, enforcing, nowMs);
    monitor.runs[run] = 0;
  }

  #rules(run: Run): { readonly threshold: number; readonly enforcing: number } {
    const config = this.#config;
    switch (run) {
      case "serverErrors":
        return { threshold: config.consecutive5xx, enforcing: config.enforcing5xx };
      case "gatewayFailures":
        return { threshold: config.consecutiveGatewayFailure, enforcing: config.enforcingGatewayFailure };
      case "localFailures":
        return { threshold: config.consecutiveLocalOriginFailure, enforcing: config.enforcingLocalOriginFailure };
    }
  }

  /** Unless too many are out already, or chance (`enforcing` percent) is against it. */
  #eject(monitor: Monitor, enforcing: number, nowMs: number): void {
    const { maxEjectionPercent, alwaysEjectOne, baseEjectionMs, maxEjectionMs } = this.#config;
    const out = this.ejected().size;
    const isWithinLimit = (100 * (out + 1)) / this.#monitors.size <= Math.min(100, maxEjectionPercent);
    if (!isWithinLimit && !(alwaysEjectOne && out === 0)) return;
    if (this.#random() * 100 >= enforcing) return;
    monitor.ejectedAt = nowMs;
    if (monitor.factor * baseEjectionMs < maxEjectionMs + baseEjectionMs) monitor.factor++;
  }

  #returnIfDue(monitor: Monitor, nowMs: number): void {
    if (monitor.ejectedAt === undefined) return;
    const { baseEjectionMs, maxEjectionMs } = this.#config;
    if (nowMs - monitor.ejectedAt >= Math.min(baseEjectionMs * monitor.factor, maxEjectionMs))
      bringBack(monitor, nowMs);
  }

  #ejectByRate(nowMs: number): void {
    const rated: Rated<Monitor>[] = [];
    for (const monitor of this.#monitors.values()) {
      const { total, successes, ejectedAt } = monitor;
      monitor.total = monitor.successes = 0;
      if (ejectedAt === undefined && total > 0)
        rated.push({ of: monitor, rate: (100 * successes) / total, volume: total });
    }
    const { successRate, failurePercentage } = this.#config;
    if (successRate !== undefined) {
      for (const monitor of successRateOutliers(rated, successRate)) this.#eject(monitor, successRate.enforcing, nowMs);
    }
    if (failurePercentage === undefined) return;
    for (const monitor of failurePercentageOutliers(rated, failurePercentage)) {
      if (monitor.ejectedAt === undefined) this.#eject(monitor, failurePercentage.enforcing, nowMs);
    }
  }

  #forgive(monitor: Monitor, nowMs: number): void {
    const { ejectedAt, returnedAt } = monitor;
    if (ejectedAt !== undefined || returnedAt === undefined || nowMs - returnedAt < this.#config.intervalMs) return;
    monitor.factor = Math.max(0, monitor.factor - 1);
  }
}

function newMonitor(): Monitor {
  return {
    runs: { serverErrors: 0, gatewayFailures: 0, localFailures: 0 },
    total: 0,
    successes: 0,
    ejectedAt: undefined,
    returnedAt: undefined,
    factor: 0,
  };
}

/** With a clean record of runs, so that the next few failures don't eject it again. */
function bringBack(monitor: Monitor, nowMs: number): void {
  monitor.ejectedAt = undefined;
  monitor.returnedAt = nowMs;
  monitor.runs.serverErrors = monitor.runs.gatewayFailures = monitor.runs.localFailures = 0;
}

/** What a failure without response counts as, where the two kinds aren't told apart. */
function statusOf(result: Result): number {
  switch (result) {
    case "timeout":
      return 504;
    case "connect_failure":
    case "reset":
      return 503;
    default:
      return result;
  }
}
