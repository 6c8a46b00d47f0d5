// What BPF counts, as values: what the dataplane reads and the admin API shows.
import type { ClusterState, EndpointState, ListenerState } from "../layout/mesh.gen.ts";

export interface Counters {
  /** What became of each connect(): reason → count, over all CPUs. */
  readonly verdicts: ReadonlyMap<string, bigint>;
  /** By id. */
  readonly listeners: ReadonlyMap<number, ListenerState>;
  readonly clusters: ReadonlyMap<number, ClusterState>;
  readonly endpoints: ReadonlyMap<number, EndpointState>;
}
