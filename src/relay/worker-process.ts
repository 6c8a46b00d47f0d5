// One relay worker as the agent sees it: a child process, what it has been told, and what it last said of itself.
import { encodeFrame, readFrames } from "./channel.ts";
import type { ChainKey, FromWorker, RelayChain, RelayCluster, RelayStats, ToWorker } from "./protocol.ts";

/** Everything that the relay should have. */
export interface RelayWant {
  readonly chains: ReadonlyMap<ChainKey, RelayChain>;
  readonly clusters: ReadonlyMap<string, RelayCluster>;
}

export const nothingWanted: RelayWant = { chains: new Map(), clusters: new Map() };

export interface WorkerEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** Once, when the process has ended; `how` is for people. */
  readonly onExit: (how: string) => void;
}

export class WorkerProcess {
  readonly pid: number;
  isListening = false;
  stats: RelayStats | undefined;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  #has: RelayWant = nothingWanted;
  #generation = 0;
  /** Of the last update. */
  #applied: Promise<void> = Promise.resolve();
  readonly #waiting = new Map<number, () => void>();

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#child = child;
    this.pid = child.pid;
  }

  /** `inherit`: descriptors that the worker finds as 3, 4, … */
  static spawn(command: readonly string[], inherit: readonly number[], events: WorkerEvents): WorkerProcess {
    const stdio = ["pipe", "pipe", "inherit", ...inherit] as unknown as ["pipe", "pipe", "inherit"];
    // In a session of its own: a signal that a terminal sends to the agent isn't for those who outlive it.
    const worker = new WorkerProcess(Bun.spawn([...command], { stdio, detached: true }));
    void worker.#follow(events);
    return worker;
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<number> {
    return this.#child.exited;
  }

  /** What is written to a process that has ended is lost, and need not be known. */
  send(message: ToWorker): void {
    try {
      this.#child.stdin.write(encodeFrame(message));
      Promise.resolve(this.#child.stdin.flush()).catch(() => {});
    } catch {
      // its end is noticed where its output is read
    }
  }

  /** Resolves when the worker serves by it, or has ended. */
  update(want: RelayWant): Promise<void> {
    const chains = changes(this.#has.chains, want.chains);
    const clusters = changes(this.#has.clusters, want.clusters);
    this.#has = want;
    if (chains.size === 0 && clusters.size === 0 && this.#generation > 0) return this.#applied;
    const generation = ++this.#generation;
    this.#applied = new Promise<void>((done) => this.#waiting.set(generation, done));
    this.send({ type: "update", generation, chains, clusters });
    return this.#applied;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** The process is no reason for the agent to stay. */
  release(): void {
    this.#child.unref();
  }

  async #follow({ onMessage, onExit }: WorkerEvents): Promise<void> {
    try {
      for await (const message of readFrames<FromWorker>(this.#child.stdout)) {
        if (message.type === "listening") this.isListening = true;
        if (message.type === "stats") this.stats = message.stats;
        if (message.type === "applied") this.#settle(message.generation);
        onMessage(message);
      }
    } catch {
      // A worker that can't be understood is as good as gone.
      this.kill();
    }
    const status = await this.#child.exited;
    this.isListening = false;
    this.#settle(this.#generation);
    onExit(`${this.#child.signalCode ?? `exit code ${status}`}`);
  }

  #settle(generation: number): void {
    for (const [waiting, done] of this.#waiting) {
      if (waiting > generation) continue;
      this.#waiting.delete(waiting);
      done();
    }
  }
}

/** By identity; undefined removes. */
function changes<K, V>(has: ReadonlyMap<K, V>, want: ReadonlyMap<K, V>): Map<K, V | undefined> {
  const changed = new Map<K, V | undefined>();
  if (has === want) return changed;
  for (const [key, value] of want) if (has.get(key) !== value) changed.set(key, value);
  for (const key of has.keys()) if (!want.has(key)) changed.set(key, undefined);
  return changed;
}
