// A relay worker's life: told what to do by the agent, it serves on when the agent has died, until another agent's relay has taken
// over.
import type { Clock } from "../clock.ts";
import { sleep, systemClock } from "../clock.ts";
import { RelayMaps } from "../dataplane/relay-maps.ts";
import { MeshError } from "../errors.ts";
import { SharedMemory } from "../libbpf/shared-memory.ts";
import { encodeFrame, readFrames } from "./channel.ts";
import type { FromWorker, RelayStats, RelayUpdate, ToWorker } from "./protocol.ts";
import { Relay } from "./relay.ts";
import { Shared, sharedBytes } from "./shared.ts";

export interface WorkerIo {
  /** Frames from the agent; it ends when the agent has died. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: (frame: Uint8Array) => void;
  readonly log: (text: string) => void;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

/** What the worker inherits, see protocol.ts. */
const descriptors = { memory: 3, relayed: 4, connections: 5, settings: 6 } as const;

const statsMs = 1_000;
/** How often a worker without an agent looks, and how long connections that were sent to it before may take to be accepted. */
const supersededMs = 1_000;
/** For connections whose requests are under way when the process is asked to end, or another relay has taken over. */
const signalDrainMs = 10_000;
const supersededDrainMs = 60_000;

type Start = Extract<ToWorker, { type: "start" }>;

/** Resolves when the worker has drained. Throws MeshError where it can't serve. */
export async function runWorker({ input, output, log, signal }: WorkerIo): Promise<void> {
  const worker = new Worker((message) => output(encodeFrame(message)), log);
  const stop = (): void => worker.drain(signalDrainMs);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  void worker.follow(readFrames<ToWorker>(input));
  try {
    await worker.ended;
  } finally {
    signal.removeEventListener("abort", stop);
    worker[Symbol.dispose]();
  }
}

class Worker implements Disposable {
  readonly #send: (message: FromWorker) => void;
  readonly #log: (text: string) => void;
  readonly #clock: Clock = systemClock;
  readonly #over = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  #start: Start | undefined;
  #maps: RelayMaps | undefined;
  #relay: Relay | undefined;
  #isListening = false;
  #hasAgent = true;
  #lastReport = "";

  constructor(send: (message: FromWorker) => void, log: (text: string) => void) {
    this.#send = send;
    this.#log = log;
  }

  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** Until the agent is gone; then looks after itself. */
  async follow(messages: AsyncIterable<ToWorker>): Promise<void> {
    try {
      for await (const message of messages) this.#obey(message);
    } catch (error) {
      // Before it listens a worker is of no use; afterwards the configuration that it has is better than none.
      if (!this.#isListening) {
        this.#end.reject(MeshError.from(error, "serve as a relay worker"));
        return;
      }
      this.#log(`relay worker: ${MeshError.from(error, "follow the agent").message}\n`);
    }
    this.#hasAgent = false;
    if (this.#isListening) await this.#serveAlone();
    else this.#end.resolve();
  }

  drain(deadlineMs: number): void {
    if (this.#relay === undefined) {
      this.#end.resolve();
      return;
    }
    this.#relay.drain(() => this.#end.resolve());
    void sleep(this.#clock, deadlineMs, this.#over.signal).then(() => this.#end.resolve());
  }

  [Symbol.dispose](): void {
    this.#over.abort();
    if (this.#hasAgent && this.#isListening) this.#report();
    this.#maps?.[Symbol.dispose]();
  }

  #obey(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.#begin(message);
        break;
      case "update":
        this.#apply(message);
        break;
      case "drain":
        this.drain(message.deadlineMs);
        break;
    }
  }

  #begin(start: Start): void {
    const { worker, workers } = start;
    const memory = SharedMemory.open(descriptors.memory, sharedBytes(workers));
    const maps = RelayMaps.adopt(descriptors);
    this.#start = start;
    this.#maps = maps;
    this.#relay = new Relay({
      clock: this.#clock,
      origins: maps,
      exempt: (fd) => maps.exempt(fd),
      shared: new Shared(memory.buffer, worker, workers),
      onResults: (results) => this.#tell({ type: "results", results }),
      log: this.#log,
    });
  }

  #apply(update: RelayUpdate): void {
    const relay = this.#relay;
    if (relay === undefined) throw new MeshError("unexpected", "apply an update: there was no start");
    relay.apply(update);
    if (!this.#isListening) this.#listen(relay);
    this.#tell({ type: "applied", generation: update.generation });
  }

  #listen(relay: Relay): void {
    for (const address of this.#start?.listen ?? []) relay.listen(address, (fd) => this.#maps?.mark(fd));
    this.#isListening = true;
    this.#tell({ type: "listening" });
    void this.#reportStats();
  }

  async #reportStats(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await sleep(this.#clock, statsMs, this.#over.signal);
      this.#report();
    }
  }

  /** What is as it was isn't told again. */
  #report(): void {
    const stats: RelayStats | undefined = this.#relay?.stats();
    const report = JSON.stringify(stats);
    if (stats === undefined || report === this.#lastReport) return;
    this.#lastReport = report;
    this.#tell({ type: "stats", stats });
  }

  #tell(message: FromWorker): void {
    if (this.#hasAgent) this.#send(message);
  }

  /** Connections keep coming until another agent's relay has the port, or the mesh is gone. */
  async #serveAlone(): Promise<void> {
    this.#log("relay worker: the agent has gone; serving on with the configuration that is in effect\n");
    while (!this.#over.signal.aborted && !this.#isSuperseded()) {
      await sleep(this.#clock, supersededMs, this.#over.signal);
    }
    // A connection that was sent here just before is still on its way.
    await sleep(this.#clock, supersededMs, this.#over.signal);
    this.drain(supersededDrainMs);
  }

  #isSuperseded(): boolean {
    const start = this.#start;
    if (start === undefined) return true;
    const pinned = RelayMaps.openPinned(start.maps);
    if (pinned === undefined) return true;
    using maps = pinned;
    const port = maps.relayPort();
    return !start.listen.some((address) => address.port === port);
  }
}
