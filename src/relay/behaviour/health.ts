// What active health checks say about one endpoint: it can take several results in a row to change one's mind
// (source/extensions/health_checkers/common/health_checker_base_impl.cc). Asking is health-probe.ts's.
import type { HealthCheck } from "../../model/cluster.ts";

/** fail: the endpoint answered, and wrongly. timeout: no answer came, for lack of time or of a connection. */
export type ProbeResult = "pass" | "fail" | "timeout";

export class HealthState {
  readonly #check: HealthCheck;
  #healthy = false;
  #last: ProbeResult | undefined;
  /** Results in a row that speak against the present state. */
  #contrary = 0;

  /** Unhealthy until the first check has passed. */
  constructor(check: HealthCheck) {
    this.#check = check;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** Whether the result changed `healthy`. */
  observe(result: ProbeResult): boolean {
    const isFirst = this.#last === undefined;
    const isPassed = result === "pass";
    this.#last = result;
    if (isPassed === this.#healthy) {
      this.#contrary = 0;
      return false;
    }
    this.#contrary++;
    if (this.#contrary < this.#needed(result, isFirst)) return false;
    this.#healthy = isPassed;
    this.#contrary = 0;
    return true;
  }

  /** Until the next check. `hasTraffic`: the cluster ever had any. */
  nextDelayMs(hasTraffic: boolean): number {
    const { intervalMs, unhealthyIntervalMs, noTrafficIntervalMs } = this.#check;
    if (!hasTraffic) return Math.max(1, noTrafficIntervalMs);
    return Math.max(1, this.#last === "pass" ? intervalMs : unhealthyIntervalMs);
  }

  /** The first result is believed at once if it is good, which is quick at the start; and whoever says that it is ill, is. */
  #needed(result: ProbeResult, isFirst: boolean): number {
    switch (result) {
      case "pass":
        return isFirst ? 1 : this.#check.healthyThreshold;
      case "fail":
        return 1;
      case "timeout":
        return this.#check.unhealthyThreshold;
    }
  }
}
