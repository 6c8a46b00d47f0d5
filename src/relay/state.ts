// The chains and clusters that are in effect. An update is applied whole, between two events: a request that has been routed goes on
// with what was in effect then.
import { ClusterState, type ClusterTools } from "./cluster.ts";
import { ChainPlan } from "./plan.ts";
import type { ChainKey, RelayUpdate } from "./protocol.ts";
import type { Stats } from "./stats.ts";

export class State {
  readonly #chains = new Map<ChainKey, ChainPlan>();
  readonly #clusters = new Map<string, ClusterState>();
  readonly #tools: ClusterTools;
  readonly #stats: Stats;
  /** Grows with each update: what was looked up under an earlier one may be old. */
  generation = 0;

  constructor(tools: ClusterTools, stats: Stats) {
    this.#tools = tools;
    this.#stats = stats;
  }

  apply({ chains, clusters, generation }: RelayUpdate): void {
    for (const [name, cluster] of clusters) {
      const known = this.#clusters.get(name);
      if (cluster === undefined) {
        known?.drain();
        this.#clusters.delete(name);
      } else if (known !== undefined) {
        known.update(cluster);
      } else {
        this.#clusters.set(name, new ClusterState(cluster, this.#stats.cluster(name), this.#tools));
      }
    }
    for (const [key, chain] of chains) {
      if (chain === undefined) this.#chains.delete(key);
      else this.#chains.set(key, new ChainPlan(chain, this.#tools.shared));
    }
    this.generation = generation;
  }

  chain(key: ChainKey): ChainPlan | undefined {
    return this.#chains.get(key);
  }

  cluster(name: string): ClusterState | undefined {
    return this.#clusters.get(name);
  }

  /** Connections that no request is using. */
  drain(): void {
    for (const cluster of this.#clusters.values()) cluster.drain();
  }
}
