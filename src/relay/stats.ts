// What a worker counts, and reports to the agent.
import type { DownstreamStats, RelayStats, UpstreamStats } from "./protocol.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly number[] ? number[] : T[K] };

export type ListenerCounters = Mutable<DownstreamStats>;
export type ClusterCounters = Mutable<UpstreamStats>;

export class Stats {
  readonly #listeners = new Map<string, ListenerCounters>();
  readonly #clusters = new Map<string, ClusterCounters>();
  readonly #refused = new Map<string, number>();

  /** The same object for a name as long as the worker runs. */
  listener(name: string): ListenerCounters {
    return entry(this.#listeners, name, () => ({
      connections: 0,
      activeConnections: 0,
      requests: 0,
      activeRequests: 0,
      statuses: [0, 0, 0, 0, 0],
    }));
  }

  cluster(name: string): ClusterCounters {
    return entry(this.#clusters, name, () => ({
      connections: 0,
      activeConnections: 0,
      connectFailures: 0,
      requests: 0,
      activeRequests: 0,
      statuses: [0, 0, 0, 0, 0],
      retries: 0,
      retrySuccesses: 0,
      timeouts: 0,
      perTryTimeouts: 0,
      resets: 0,
      overflows: 0,
      retryOverflows: 0,
      mirrored: 0,
    }));
  }

  /** A connection or request that was turned away, by a reason from a small set. */
  refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  report(): RelayStats {
    return {
      listeners: Object.fromEntries(this.#listeners),
      clusters: Object.fromEntries(this.#clusters),
      refused: Object.fromEntries(this.#refused),
    };
  }
}

export function countStatus(statuses: number[], status: number): void {
  const hundred = Math.min(Math.max(Math.trunc(status / 100), 1), 5) - 1;
  statuses[hundred] = (statuses[hundred] ?? 0) + 1;
}

function entry<V>(map: Map<string, V>, name: string, make: () => V): V {
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make();
  map.set(name, made);
  return made;
}
