// The relay as the agent sees it: keeps workers running on one private port, tells them what changed, and adds up their counters.
// Workers outlive the agent, as the kernel's programs do: they serve on until a new agent's relay has taken over.

import { type Clock, sleep } from "../clock.ts";
import { MeshError } from "../errors.ts";
import type { SocketAddress } from "../ip.ts";
import type { Log } from "../telemetry/log.ts";
import type { EndpointResult, FromWorker, RelayStats } from "./protocol.ts";
import { addStats, noStats } from "./sum.ts";
import { nothingWanted, type RelayWant, WorkerProcess } from "./worker-process.ts";

export interface SupervisorOptions {
  /** Starts a worker. */
  readonly command: readonly string[];
  readonly workers: number;
  /** Held by the agent for its workers. */
  readonly listen: readonly SocketAddress[];
  /** Descriptors that a worker finds as 3, 4, …: see protocol.ts. */
  readonly inherit: readonly number[];
  /** Directory with the pinned maps. */
  readonly maps: string;
  readonly nodeId: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Some worker serves: connections may be sent. Called again when the last one had gone. */
  readonly onUp: () => void;
  readonly onResults: (results: readonly EndpointResult[]) => void;
}

/** A worker that fails at once is started again more and more slowly. */
const firstRestartMs = 50;
const slowestRestartMs = 5_000;
/** One that has run for so long didn't fail at once. */
const stableMs = 10_000;
/** A worker that has not ended so long after its deadline won't. */
const killMs = 1_000;
/** A worker that doesn't answer must not hold up the others' configuration. */
const applyTimeoutMs = 5_000;

export class RelaySupervisor implements Disposable {
  readonly #options: SupervisorOptions;
  readonly #workers: (WorkerProcess | undefined)[];
  /** Of workers that have ended; nothing is active there. */
  #ended: RelayStats = noStats;
  #want: RelayWant = nothingWanted;
  readonly #stopped = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#workers = Array.from({ length: options.workers }, () => undefined);
  }

  get listen(): readonly SocketAddress[] {
    return this.#options.listen;
  }

  /** What the workers were told last. */
  get want(): RelayWant {
    return this.#want;
  }

  get workers(): readonly { readonly pid: number; readonly isListening: boolean }[] {
    return this.#workers.flatMap((worker) => (worker === undefined ? [] : [worker]));
  }

  /** Everything that the relay should have from now on; resolves when every worker serves by it. */
  async apply(want: RelayWant): Promise<void> {
    this.#want = want;
    this.#workers.forEach((worker, index) => {
      if (worker === undefined && !this.#stopped.signal.aborted) this.#start(index, firstRestartMs);
    });
    const applied = Promise.all(this.#workers.map((worker) => worker?.update(want)));
    const isOver = new AbortController();
    const timeout = sleep(this.#options.clock, applyTimeoutMs, isOver.signal).then(() => "timeout" as const);
    const first = await Promise.race([applied, timeout]);
    isOver.abort();
    if (first === "timeout") {
      this.#options.log.warn("relay workers don't answer", { workers: this.workers.map(({ pid }) => pid).join(" ") });
    }
  }

  stats(): RelayStats {
    return this.#workers.reduce((sum, worker) => addStats(sum, worker?.stats ?? noStats), this.#ended);
  }

  /** Ends the workers, and resolves when they are gone: they finish what they have within the deadline, and are killed after it. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stopped.abort();
    const workers = this.#workers.flatMap((worker) => worker ?? []);
    for (const worker of workers) worker.send({ type: "drain", deadlineMs });
    const cancel = this.#options.clock.after(deadlineMs + killMs, () => {
      for (const worker of workers) worker.kill();
    });
    await Promise.all(workers.map(({ ended }) => ended));
    cancel();
  }

  /** Leaves the workers to themselves. */
  [Symbol.dispose](): void {
    this.#stopped.abort();
    for (const worker of this.#workers) worker?.release();
  }

  #start(index: number, restartMs: number): void {
    const { command, inherit, listen, maps, workers, nodeId, log, clock } = this.#options;
    const startedAt = clock.now();
    const worker = WorkerProcess.spawn(command, inherit, {
      onMessage: (message) => this.#heard(index, message),
      onExit: (how) => {
        this.#ended = addStats(this.#ended, withoutActive(worker.stats ?? noStats));
        if (this.#workers[index] === worker) this.#workers[index] = undefined;
        if (this.#stopped.signal.aborted) return;
        const wait = clock.now() - startedAt > stableMs ? 0 : restartMs;
        log.error("relay worker ended; its connections are lost, and it is started again", { pid: worker.pid, how });
        void this.#restart(index, wait);
      },
    });
    this.#workers[index] = worker;
    worker.send({ type: "start", listen, maps, worker: index, workers, nodeId });
    void worker.update(this.#want);
  }

  async #restart(index: number, waitMs: number): Promise<void> {
    const { signal } = this.#stopped;
    const { clock, log } = this.#options;
    for (let wait = waitMs; !signal.aborted; wait = Math.min(2 * Math.max(wait, firstRestartMs), slowestRestartMs)) {
      await sleep(clock, wait, signal);
      if (signal.aborted) return;
      try {
        this.#start(index, Math.min(2 * Math.max(wait, firstRestartMs), slowestRestartMs));
        return;
      } catch (error) {
        // No process can be had just now: memory, descriptors, a limit of the unit.
        log.error("relay worker not started", { error: MeshError.from(error).reason });
      }
    }
  }

  #heard(index: number, message: FromWorker): void {
    const { onUp, onResults, log } = this.#options;
    if (message.type === "results") onResults(message.results);
    if (message.type !== "listening") return;
    log.info("relay worker listens", { pid: this.#workers[index]?.pid, worker: index });
    onUp();
  }
}

function withoutActive(stats: RelayStats): RelayStats {
  const still = <T extends object>(entries: Readonly<Record<string, T>>, none: Partial<T>): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, { ...entry, ...none }]));
  return {
    ...stats,
    listeners: still(stats.listeners, { activeConnections: 0, activeRequests: 0 }),
    clusters: still(stats.clusters, { activeConnections: 0, activeRequests: 0 }),
  };
}
