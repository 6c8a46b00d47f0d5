// The agent's end of the relay: what of the compiled configuration the workers should have, before and after it is in effect in
// the kernel. Workers are started when the first listener needs them; a configuration without one costs no process.
import type { Compiled } from "../compile/compile.ts";
import type { SocketAddress } from "../ip.ts";
import { SharedMemory } from "../libbpf/shared-memory.ts";
import { reservePort } from "../libbpf/socket.ts";
import type { EndpointResult, RelayCluster, RelayStats } from "./protocol.ts";
import { sharedBytes, sharedRows } from "./shared.ts";
import { noStats } from "./sum.ts";
import { RelaySupervisor, type SupervisorOptions } from "./supervisor.ts";
import { nothingWanted, type RelayWant } from "./worker-process.ts";

/** A connection that was redirected by the rules before is accepted within this, or its worker is stuck anyway. */
const acceptMs = 1_000;

export interface RelayControlOptions
  extends Pick<SupervisorOptions, "command" | "workers" | "maps" | "nodeId" | "log" | "clock"> {
  /** Descriptors of the maps `relayed`, `connections` and `settings`; asked for when the first worker starts. */
  readonly mapDescriptors: () => readonly number[];
  /** Connections may be sent there from now on. */
  readonly onUp: (listen: readonly SocketAddress[]) => void;
  readonly onResults: (results: readonly EndpointResult[]) => void;
}

export class RelayControl implements Disposable {
  readonly #options: RelayControlOptions;
  readonly #resources = new DisposableStack();
  #supervisor: RelaySupervisor | undefined;
  #want: RelayWant = nothingWanted;
  readonly #rows = new Rows();
  #cancelSettling: () => void = () => {};

  constructor(options: RelayControlOptions) {
    this.#options = options;
  }

  /** Where the workers listen; undefined while none does. */
  get listen(): readonly SocketAddress[] | undefined {
    const supervisor = this.#supervisor;
    return supervisor?.workers.some(({ isListening }) => isListening) === true ? supervisor.listen : undefined;
  }

  get workers(): RelaySupervisor["workers"] {
    return this.#supervisor?.workers ?? [];
  }

  /**
   * Before a configuration takes effect in the kernel: the workers learn what is new, and keep what it will no longer have.
   * Resolves when they serve by it.
   */
  async prepare(compiled: Compiled): Promise<void> {
    const want = this.#wantOf(compiled);
    this.#cancelSettling();
    if (want.chains.size === 0 && this.#supervisor === undefined) return;
    this.#want = want;
    this.#supervisor ??= this.#start();
    // What goes, goes once no connection can be sent there any more.
    await this.#supervisor.apply(union(this.#supervisor.want, want));
  }

  /** After it has taken effect: what is gone is forgotten, once nothing that was sent there before can still wait to be accepted. */
  settle(): void {
    const want = this.#want;
    this.#cancelSettling();
    this.#cancelSettling = this.#options.clock.after(acceptMs, () => void this.#supervisor?.apply(want));
  }

  stats(): RelayStats {
    return this.#supervisor?.stats() ?? noStats;
  }

  /** Ends the workers, and resolves when they are gone. */
  async drain(deadlineMs: number): Promise<void> {
    await this.#supervisor?.drain(deadlineMs);
  }

  /** Leaves the workers to themselves. */
  [Symbol.dispose](): void {
    this.#cancelSettling();
    this.#supervisor?.[Symbol.dispose]();
    this.#resources[Symbol.dispose]();
  }

  #start(): RelaySupervisor {
    const port = this.#resources.use(reservePort());
    const memory = this.#resources.use(SharedMemory.create(sharedBytes(this.#options.workers)));
    return new RelaySupervisor({
      ...this.#options,
      listen: port.addresses,
      inherit: [memory.fd, ...this.#options.mapDescriptors()],
      onUp: () => this.#options.onUp(port.addresses),
    });
  }

  /** The same objects where nothing changed, so that only changes are told. */
  #wantOf({ relayed, relayedClusters, clusters }: Compiled): RelayWant {
    const wanted = new Map<string, RelayCluster>();
    for (const name of relayedClusters) {
      const compiled = clusters.get(name);
      if (compiled === undefined) continue;
      const { cluster, assignment } = compiled;
      const known = this.#want.clusters.get(name);
      const isSame = known?.cluster === cluster && known.assignment === assignment;
      wanted.set(name, isSame ? known : { cluster, assignment, row: this.#rows.of(name) });
    }
    this.#rows.keep(wanted);
    return { chains: relayed, clusters: wanted };
  }
}

function union(old: RelayWant, want: RelayWant): RelayWant {
  return {
    chains: new Map([...old.chains, ...want.chains]),
    clusters: new Map([...old.clusters, ...want.clusters]),
  };
}

/** Each cluster has a row of the shared memory while it is there. */
class Rows {
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  #next = 0;

  of(name: string): number {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    // More clusters than rows share the last one: their limits are reached together, earlier than alone.
    const row = this.#free.pop() ?? Math.min(this.#next++, sharedRows - 1);
    this.#rows.set(name, row);
    return row;
  }

  keep(wanted: ReadonlyMap<string, unknown>): void {
    for (const [name, row] of this.#rows) {
      if (wanted.has(name)) continue;
      this.#rows.delete(name);
      if (row < sharedRows - 1) this.#free.push(row);
    }
  }
}
