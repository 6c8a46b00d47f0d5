// A control plane as a source of snapshots: what it says is accepted resource by resource, subscriptions follow, and each time that
// nothing more is queued the part that is warm is handed out.
import { type Cluster, unknownCluster } from "../model/cluster.ts";
import { type Ready, ready, type Waiting } from "../model/ready.ts";
import { emptySnapshot, type Rejection, type ResourceType, type Snapshot } from "../model/snapshot.ts";
import { accept, wantedEndpoints, wantedRoutes } from "./accept.ts";
import type { Ads } from "./ads.ts";
import type { AdsStatus } from "./status.ts";
import type { Expired, Response } from "./stream.ts";
import type { Outcome } from "./subscriptions.ts";

export class ControlPlane {
  readonly #ads: Ads;
  #said: Snapshot = emptySnapshot;
  #ready: Ready | undefined;
  readonly #heard = new Set<ResourceType>();
  #isComplete = false;
  /** `TYPE NAME` → why it was refused. */
  readonly #rejections = new Map<string, readonly Rejection[]>();
  /** Made once each: the compiler knows a resource by its identity. */
  readonly #unknown = new Map<string, Cluster>();

  constructor(ads: Ads) {
    this.#ads = ads;
  }

  /**
   * The first one comes when clusters and listeners were answered and nothing is waited for any more: half a snapshot must not replace
   * what an earlier run left in the kernel. Ends when the signal aborts; never throws.
   */
  async *snapshots(signal: AbortSignal): AsyncGenerator<Snapshot> {
    for await (const update of this.#ads.responses(signal)) {
      const before = this.#said;
      const outcome = await accept(before, update);
      this.#ads.reply(update, outcome);
      this.#said = outcome.next;
      this.#recordRejections(update, outcome);
      // Endpoints are by far the most frequent news, and name nothing further.
      if (outcome.next.cluster !== before.cluster) this.#ads.subscribe("endpoint", wantedEndpoints(outcome.next));
      if (outcome.next.listener !== before.listener) this.#ads.subscribe("route", wantedRoutes(outcome.next));
      if (update.kind === "response") this.#heard.add(update.type);
      if (this.#ads.pending()) continue;
      this.#ready = ready(outcome.next, this.#ready, this.#ads.givenUp());
      this.#ads.expect(this.#ready.danglingClusters);
      this.#isComplete ||=
        this.#ready.waiting.length === 0 && this.#heard.has("cluster") && this.#heard.has("listener");
      if (this.#isComplete) yield this.#withUnknownClusters(this.#ready);
    }
  }

  get rejections(): readonly Rejection[] {
    return [...this.#rejections.values()].flat();
  }

  get waiting(): readonly Waiting[] {
    return this.#ready?.waiting ?? [];
  }

  status(): AdsStatus {
    return this.#ads.status();
  }

  /** A response that is the full state ends every refusal that it doesn't repeat. */
  #recordRejections(update: Response | Expired, { accepted, removed, rejected }: Outcome): void {
    const { type } = update;
    const isFull = update.kind === "response" && update.isFullState;
    const ended = isFull
      ? [...this.#rejections.keys()].filter((key) => key.startsWith(`${type} `))
      : [...accepted.keys(), ...removed, ...rejected.map(({ name }) => name)].map((name) => `${type} ${name}`);
    for (const key of ended) this.#rejections.delete(key);
    for (const rejection of rejected) {
      const key = `${type} ${rejection.name}`;
      this.#rejections.set(key, [...(this.#rejections.get(key) ?? []), rejection]);
    }
  }

  /** A cluster that was refused is known, only not usable here: its listeners are left native and say why. */
  #withUnknownClusters({ snapshot, danglingClusters }: Ready): Snapshot {
    const unknown = [...danglingClusters].filter((name) => !this.#rejections.has(`cluster ${name}`));
    if (unknown.length === 0) return snapshot;
    const placeholders = unknown.map((name) => {
      const cluster = this.#unknown.get(name) ?? unknownCluster(name);
      this.#unknown.set(name, cluster);
      return [name, cluster] as const;
    });
    return { ...snapshot, cluster: new Map([...snapshot.cluster, ...placeholders]) };
  }
}
