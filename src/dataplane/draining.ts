// Clusters and endpoints that are gone while connections to them live on: their counters stay, and their ids are not handed out
// again, until the last of these connections has ended. Otherwise its end would be counted to whoever has the id by then, and
// max_connections would lose a place.
import type { Freed } from "../compile/compile.ts";
import { pack, u32, unpack } from "../layout/codec.ts";
import type { Batch } from "./batches.ts";
import type { DataplaneMaps } from "./maps.ts";

/** Ids by kind. */
export interface DrainingIds {
  readonly clusters: readonly number[];
  readonly endpoints: readonly number[];
}

type StateMap = "cluster_states" | "endpoint_states";

export class Draining {
  readonly #maps: DataplaneMaps;
  readonly #ids: Readonly<Record<StateMap, Set<number>>>;

  /** `ids`: left by an earlier run. */
  constructor(maps: DataplaneMaps, { clusters, endpoints }: DrainingIds) {
    this.#maps = maps;
    this.#ids = { cluster_states: new Set(clusters), endpoint_states: new Set(endpoints) };
  }

  /** Of a batch of new entries those to write: counters that drain go on counting for a resource that has come back. */
  toPut(batch: Batch): Batch {
    if (!isStates(batch.map) || this.#ids[batch.map].size === 0) return batch;
    const draining = this.#ids[batch.map];
    const fresh = unpack(u32, batch.keys, batch.count).filter((id) => !draining.delete(id));
    if (fresh.length === batch.count) return batch;
    // All values are the same: new counters.
    return { ...batch, keys: pack(u32, fresh), count: fresh.length };
  }

  /** Of a batch of deletes those to do now. To be called when no program can choose these entries any more. */
  toDelete(batch: Batch): Batch {
    const { map } = batch;
    if (!isStates(map)) return batch;
    const [resting, draining] = this.#divide(map, unpack(u32, batch.keys, batch.count));
    if (draining.length === 0) return batch;
    for (const id of draining) this.#ids[map].add(id);
    return { ...batch, keys: pack(u32, resting), count: resting.length };
  }

  /** Removes the counters whose last connection has ended. What of `freed`, and of what drained before, is free now. */
  settle(freed: Freed): Freed {
    const stays = (map: StateMap) => (id: number) => !this.#ids[map].has(id);
    const clusters = freed.clusters.filter(stays("cluster_states"));
    const endpoints = freed.endpoints.filter(stays("endpoint_states"));
    return {
      ...freed,
      clusters: [...clusters, ...this.#takeRested("cluster_states")],
      endpoints: [...endpoints, ...this.#takeRested("endpoint_states")],
    };
  }

  #takeRested(map: StateMap): number[] {
    const [rested] = this.#divide(map, [...this.#ids[map]]);
    for (const id of rested) {
      this.#ids[map].delete(id);
      this.#maps[map].delete(id);
    }
    return rested;
  }

  #divide(map: StateMap, ids: readonly number[]): [resting: number[], draining: number[]] {
    const isActive = (id: number): boolean => (this.#maps[map].get(id)?.active ?? 0) > 0;
    const draining = ids.filter(isActive);
    if (draining.length === 0) return [[...ids], []];
    const active = new Set(draining);
    return [ids.filter((id) => !active.has(id)), draining];
  }
}

function isStates(map: string): map is StateMap {
  return map === "cluster_states" || map === "endpoint_states";
}
