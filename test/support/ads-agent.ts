// The agent's loop around an `Ads` client, as the agent runs it, without a data plane: what a test sees is what would be
// committed. Waiting is by events: a condition is looked at after every turn of the loop.

import { systemClock } from "../../src/clock.ts";
import { type GivenUp, type Ready, ready } from "../../src/model/ready.ts";
import { emptySnapshot, type Snapshot } from "../../src/model/snapshot.ts";
import { accept, wantedEndpoints, wantedRoutes } from "../../src/xds/accept.ts";
import { Ads } from "../../src/xds/ads.ts";
import type { AdsLimits, AdsOptions } from "../../src/xds/ads-options.ts";
import { identify } from "../../src/xds/node.ts";
import type { AdsEvent } from "../../src/xds/status.ts";

export interface AgentOptions extends Partial<AdsOptions> {
  readonly limits?: Partial<AdsLimits>;
  /** Runs before every commit: a data plane that takes its time. */
  readonly commit?: () => Promise<void>;
  readonly snapshot?: Snapshot;
}

export class AdsAgent implements AsyncDisposable {
  readonly ads: Ads;
  readonly events: AdsEvent[] = [];
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #snapshot: Snapshot;
  #ready: Ready | undefined;
  #commits = 0;
  #waiters: { readonly isMet: () => boolean; readonly resolve: () => void }[] = [];

  constructor(port: number, { commit = async () => {}, snapshot = emptySnapshot, ...options }: AgentOptions = {}) {
    this.#snapshot = snapshot;
    this.ads = new Ads({
      server: { host: "127.0.0.1", port },
      node: identify({}, { hostname: "vm", addresses: ["127.0.0.1"] }),
      userAgent: { name: "kmesh-edge", version: "0.1.0" },
      clock: systemClock,
      random: () => 0.5,
      report: (event) => {
        this.events.push(event);
        this.#look();
      },
      ...options,
      limits: { backoffBaseMs: 2, backoffMaxMs: 20, ...options.limits },
    });
    this.#loop = this.#run(commit);
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get ready(): Ready {
    return this.#ready ?? ready(emptySnapshot, undefined, this.ads.givenUp());
  }

  get givenUp(): GivenUp {
    return this.ads.givenUp();
  }

  get commits(): number {
    return this.#commits;
  }

  /** Resolves when the condition holds, after some turn of the loop or some event. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ isMet, resolve });
      this.#look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(commit: () => Promise<void>): Promise<void> {
    for await (const update of this.ads.responses(this.#stop.signal)) {
      const acceptance = await accept(this.#snapshot, update);
      this.#snapshot = acceptance.next;
      this.ads.reply(update, acceptance);
      this.ads.subscribe("endpoint", wantedEndpoints(this.#snapshot));
      this.ads.subscribe("route", wantedRoutes(this.#snapshot));
      if (this.ads.pending()) continue;
      this.#ready = ready(this.#snapshot, this.#ready, this.ads.givenUp());
      this.ads.expect(this.#ready.danglingClusters);
      await commit();
      this.#commits += 1;
      this.#look();
    }
  }

  #look(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.isMet()) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }
}
