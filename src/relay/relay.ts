// A relay without a process around it: the engine, its server, and how it ends. Tests run it as it is; worker.ts puts a process
// around it.
import { hostname } from "node:os";
import type { Clock } from "../clock.ts";
import type { SocketAddress } from "../ip.ts";
import { Patterns } from "./behaviour/patterns.ts";
import { Connector, type Exempt } from "./connector.ts";
import type { Engine, Origins } from "./engine.ts";
import { createGuard, createReport } from "./guard.ts";
import type { EndpointResult, RelayStats, RelayUpdate } from "./protocol.ts";
import { Results } from "./results.ts";
import { type Mark, Server } from "./server.ts";
import type { Shared } from "./shared.ts";
import { State } from "./state.ts";
import { Stats } from "./stats.ts";
import { Timers } from "./timers.ts";

export interface RelayOptions {
  readonly clock: Clock;
  readonly origins: Origins;
  readonly exempt: Exempt;
  readonly shared: Shared;
  readonly onResults: (results: readonly EndpointResult[]) => void;
  readonly log: (text: string) => void;
}

export class Relay {
  readonly #stats = new Stats();
  readonly #state: State;
  readonly #server: Server;
  readonly #patterns = new Patterns();
  #isDraining = false;

  constructor({ clock, origins, exempt, shared, onResults, log }: RelayOptions) {
    const report = createReport(this.#stats, log);
    const guard = createGuard(report);
    const timers = new Timers(clock, report);
    const connector = new Connector(exempt, guard);
    this.#state = new State({ timers, connector, shared }, this.#stats);
    const engine: Engine = {
      timers,
      connector,
      guard,
      shared,
      state: this.#state,
      stats: this.#stats,
      results: new Results(timers, onResults),
      patterns: this.#patterns,
      hostname: hostname(),
      random: Math.random,
      isDraining: () => this.#isDraining,
      faults: { active: 0 },
    };
    this.#server = new Server(engine, origins, guard);
  }

  get connections(): number {
    return this.#server.connections;
  }

  /** In effect for the next request. */
  apply(update: RelayUpdate): void {
    this.#state.apply(update);
    this.#patterns.clear();
    this.#server.refresh();
  }

  listen(address: SocketAddress, mark: Mark): void {
    this.#server.listen(address, mark);
  }

  stats(): RelayStats {
    return this.#stats.report();
  }

  /** Ends every connection at once. */
  abort(): void {
    this.#server.abort();
  }

  /** Accepts no more; each connection ends with the request that it has. `onEmpty` is called when none is left. */
  drain(onEmpty: () => void): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#server.drain(() => {
      this.#state.drain();
      onEmpty();
    });
  }
}
