// What BPF counted, read from the kernel when somebody asks.
import { Verdict } from "../layout/mesh.gen.ts";
import type { Counters } from "../telemetry/counters.ts";
import type { DataplaneMaps } from "./maps.ts";

export function readCounters(maps: DataplaneMaps): Counters {
  return {
    verdicts: readVerdicts(maps),
    listeners: new Map(maps.listener_states.entries()),
    clusters: new Map(maps.cluster_states.entries()),
    endpoints: new Map(maps.endpoint_states.entries()),
  };
}

/** `VERDICT_NO_LISTENER` is `no_listener`. */
export const verdictNames: readonly string[] = Object.entries(Verdict)
  .filter(([name]) => name !== "VERDICT_COUNT")
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name.replace("VERDICT_", "").toLowerCase());

function readVerdicts(maps: DataplaneMaps): Map<string, bigint> {
  return new Map(
    verdictNames.map((name, verdict) => {
      const perCpu = maps.verdicts.getPerCpu(verdict) ?? [];
      return [name, perCpu.reduce((sum, count) => sum + count, 0n)];
    }),
  );
}
