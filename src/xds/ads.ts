// The ADS client: keeps one stream to the control plane open, for ever, and hands its responses to the agent's loop one by
// one. The loop decides what is accepted and what is subscribed to; nonces, versions, reconnects and deadlines are kept here.

import { sleep } from "../clock.ts";
import { MeshError } from "../errors.ts";
import type { ResourceType } from "../model/snapshot.ts";
import { type AdsLimits, type AdsOptions, defaultLimits } from "./ads-options.ts";
import { Backoff } from "./backoff.ts";
import { Connection, formatServer } from "./connection.ts";
import { type Awaited, Deadlines } from "./deadlines.ts";
import { DeltaStream } from "./delta.ts";
import type { DeltaDiscoveryRequest, DiscoveryRequest } from "./gen/envoy/service/discovery/v3/discovery_pb.ts";
import { describeRejections } from "./nack.ts";
import { toNode } from "./node.ts";
import { guardPings } from "./ping-guard.ts";
import { Queue } from "./queue.ts";
import { SotwStream } from "./sotw.ts";
import { type AdsEvent, type AdsStatus, Progress } from "./status.ts";
import { type AdsStream, type Expired, fetchOrder, type Response, type Variant } from "./stream.ts";
import { describeStreamError, isTooManyPings, isUnimplemented } from "./stream-error.ts";
import { isWildcard, type Outcome, Subscriptions } from "./subscriptions.ts";

/** What a queued response weighs beside its resources. */
const RESPONSE_BYTES = 1024;
/** How long a NACK waits that says the same as the one before. */
const REPEATED_NACK_MS = 1_000;
/** Requests that a server doesn't read; each is small, but they may not pile up for ever. */
const MAX_UNREAD_REQUESTS = 10_000;
const MAX_PING_INTERVAL_MS = 10 * 60_000;
/** Responses that may be taken together before a commit is due, however fast they come. */
const MAX_BURST = 64;

interface Inbound {
  readonly update: Response | Expired;
  /** Where a response came from; only that stream may carry its reply. */
  readonly stream: AdsStream | undefined;
}

export class Ads {
  readonly #options: AdsOptions;
  readonly #limits: AdsLimits;
  readonly #subscriptions: Subscriptions;
  readonly #deadlines: Deadlines;
  readonly #backoff: Backoff;
  readonly #progress: Progress;
  readonly #inbox = new Queue<Inbound>(({ update }) =>
    update.kind === "response" ? update.byteLength + RESPONSE_BYTES : 0,
  );
  /** What the last NACK of a type said, if the last reply was one. */
  readonly #refused = new Map<ResourceType, string>();
  readonly #origins = new WeakMap<Response, AdsStream>();
  #stream: AdsStream | undefined;
  #variant: Variant;
  #pingIntervalMs: number;
  #burst = 0;

  constructor(options: AdsOptions) {
    const limits = { ...defaultLimits, ...options.limits };
    this.#options = options;
    this.#limits = limits;
    this.#variant = options.variant ?? "delta";
    this.#pingIntervalMs = limits.pingIntervalMs;
    this.#subscriptions = new Subscriptions(options.held);
    this.#progress = new Progress(formatServer(options.server), options.clock);
    this.#backoff = new Backoff({ baseMs: limits.backoffBaseMs, maxMs: limits.backoffMaxMs, random: options.random });
    this.#deadlines = new Deadlines(options.clock, limits.initialFetchTimeoutMs, (awaited) => this.#expire(awaited));
  }

  /**
   * Everything that the control plane says, from any number of streams, and the deadlines that pass; ends when the signal
   * aborts and never throws. To be iterated once. Each response is to be replied to before the next is taken.
   */
  async *responses(signal: AbortSignal): AsyncGenerator<Response | Expired> {
    guardPings();
    const stop = (): void => this.#inbox.end();
    signal.addEventListener("abort", stop);
    const connecting = this.#keepConnected(signal);
    try {
      while (!signal.aborted) {
        // Only now that the agent is back are its subscriptions complete, and is it known what may be fetched next.
        this.#startDueTypes();
        const inbound = await this.#inbox.next();
        if (inbound === undefined || signal.aborted) return;
        yield this.#handOut(inbound);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#inbox.end();
      this.#deadlines[Symbol.dispose]();
      if (signal.aborted) await connecting;
    }
  }

  /** True while more is queued that should be taken before a commit; now and then false, so that a flood can't put it off. */
  pending(): boolean {
    this.#burst += 1;
    if (this.#inbox.length > 0 && this.#burst < MAX_BURST) return true;
    this.#burst = 0;
    return false;
  }

  /** ACK, or NACK with every refused resource. Records what is held now. */
  reply(update: Response | Expired, outcome: Outcome): void {
    if (update.kind === "expired") return;
    const { type, version } = update;
    this.#subscriptions.record(type, version, outcome);
    this.#stopDeadlines(type, outcome);
    const error = outcome.rejected.length === 0 ? undefined : describeRejections(outcome.rejected);
    this.#progress.replied(update, error);
    const isRepeated = error !== undefined && this.#refused.get(type) === error;
    if (error === undefined) this.#refused.delete(type);
    else this.#refused.set(type, error);
    if (error !== undefined && !isRepeated) this.#report({ type: "nacked", resourceType: type, detail: error });
    const send = (): void => {
      const origin = this.#origins.get(update);
      if (origin !== undefined && origin === this.#stream) origin.reply(update, error);
    };
    // go-control-plane answers a SotW NACK at once with the same response: without a pause the two would go round for ever.
    if (isRepeated) this.#options.clock.after(REPEATED_NACK_MS, send);
    else send();
  }

  /** Replaces the names that are subscribed to of a type that comes by name. */
  subscribe(type: "endpoint" | "route", names: ReadonlySet<string>): void {
    const { added, removed } = this.#want(type, names);
    const hasChanged = added.length > 0 || removed.length > 0;
    // An empty first request would subscribe to everything.
    const isSubscribed = names.size > 0 || removed.length > 0;
    if (hasChanged && isSubscribed) this.#stream?.change(type, added, removed);
  }

  /** Replaces the names of clusters that something waits for; they come by themselves, or are given up in time. */
  expect(clusters: ReadonlySet<string>): void {
    this.#want("cluster", clusters);
  }

  /** Names that nothing should wait for any longer. */
  givenUp(): { readonly cluster: ReadonlySet<string>; readonly endpoint: ReadonlySet<string> } {
    return { cluster: this.#subscriptions.givenUp("cluster"), endpoint: this.#subscriptions.givenUp("endpoint") };
  }

  /** The versions of everything accepted, to be kept beside the resources on disk. */
  held(): { readonly [T in ResourceType]: ReadonlyMap<string, string> } {
    const held = (type: ResourceType): ReadonlyMap<string, string> => new Map(this.#subscriptions.held(type));
    return { cluster: held("cluster"), endpoint: held("endpoint"), listener: held("listener"), route: held("route") };
  }

  status(): AdsStatus {
    return this.#progress.status(this.#variant, this.#subscriptions);
  }

  #handOut({ update, stream }: Inbound): Response | Expired {
    if (update.kind === "expired") return update;
    const response = { ...update, wanted: this.#subscriptions.wanted(update.type) };
    if (stream !== undefined) this.#origins.set(response, stream);
    return response;
  }

  async #keepConnected(signal: AbortSignal): Promise<void> {
    let hasFallenBack = false;
    while (!signal.aborted) {
      // Everything received so far has to be dealt with first: the next stream says what is held.
      await this.#inbox.idle();
      if (signal.aborted) return;
      const failure = await this.#runStream(signal);
      if (signal.aborted) return;
      this.#progress.disconnected(failure.reason);
      const isOtherVariantNext = failure.isUnimplemented && this.#options.variant !== "sotw";
      if (isOtherVariantNext) {
        this.#variant = this.#variant === "delta" ? "sotw" : "delta";
        this.#report({ type: "fell_back", variant: this.#variant, reason: failure.reason });
      }
      const isAtOnce = isOtherVariantNext && !hasFallenBack;
      hasFallenBack = failure.isUnimplemented;
      const retryMs = isAtOnce ? 0 : this.#backoff.next();
      this.#report({ type: "disconnected", reason: failure.reason, retryMs });
      await sleep(this.#options.clock, retryMs, signal);
    }
  }

  /** Runs one stream to its end, which is always a failure but after our own abort. Never throws. */
  async #runStream(signal: AbortSignal): Promise<Failure> {
    this.#progress.attempted();
    const { server } = this.#progress;
    const stop = new AbortController();
    try {
      const options = { ...this.#limits, clock: this.#options.clock, pingIntervalMs: this.#pingIntervalMs };
      using connection = await Connection.open(this.#options.server, options, signal);
      const stream = this.#open(connection, AbortSignal.any([signal, stop.signal]), stop);
      this.#stream = stream;
      this.#startDueTypes();
      await this.#readAll(stream);
      return { reason: `${server} closed the stream`, isUnimplemented: false };
    } catch (thrown) {
      const cause = stop.signal.aborted ? stop.signal.reason : thrown;
      // As gRFC A8 asks of clients.
      if (isTooManyPings(cause)) this.#pingIntervalMs = Math.min(2 * this.#pingIntervalMs, MAX_PING_INTERVAL_MS);
      const reason = cause instanceof MeshError ? cause.reason : describeStreamError(cause, server);
      return { reason, isUnimplemented: isUnimplemented(cause) };
    } finally {
      this.#stream = undefined;
      stop.abort();
    }
  }

  #open({ client }: Connection, signal: AbortSignal, stop: AbortController): AdsStream {
    const node = toNode(this.#options.node, this.#options.userAgent);
    // An open connection says little: only who answers is connected.
    const onHeader = (): void => this.#answered();
    const requests = <T>(): { queue: Queue<T>; send: (request: T) => void } => {
      const queue = new Queue<T>();
      signal.addEventListener("abort", () => queue.end());
      const send = (request: T): void => {
        if (queue.length < MAX_UNREAD_REQUESTS) queue.push(request);
        else stop.abort(new MeshError("xds", `${this.#progress.server} doesn't read what it is sent`));
      };
      return { queue, send };
    };
    if (this.#variant === "delta") {
      const { queue, send } = requests<DeltaDiscoveryRequest>();
      return new DeltaStream(
        node,
        this.#subscriptions,
        send,
        client.deltaAggregatedResources(queue, { signal, onHeader }),
      );
    }
    const { queue, send } = requests<DiscoveryRequest>();
    return new SotwStream(
      node,
      this.#subscriptions,
      send,
      client.streamAggregatedResources(queue, { signal, onHeader }),
    );
  }

  async #readAll(stream: AdsStream): Promise<void> {
    for await (const update of stream.responses()) {
      this.#answered();
      this.#backoff.reset();
      if (update.kind === "ignored") {
        this.#progress.ignored();
        this.#report({ type: "ignored", typeUrl: update.typeUrl });
        continue;
      }
      this.#progress.received(update);
      await this.#inbox.room(this.#limits.readAheadBytes);
      this.#inbox.push({ update, stream });
    }
  }

  #answered(): void {
    if (this.#progress.isConnected || this.#stream === undefined) return;
    this.#progress.connected();
    this.#report({ type: "connected", server: this.#progress.server, variant: this.#variant });
  }

  #startDueTypes(): void {
    for (const type of this.#subscriptions.due()) {
      if (isWildcard(type) && !this.#subscriptions.isAnswered(type)) this.#deadlines.start({ type, name: undefined });
      this.#stream?.start(type);
    }
  }

  #want(type: ResourceType, names: ReadonlySet<string>): { added: readonly string[]; removed: readonly string[] } {
    const change = this.#subscriptions.want(type, names);
    const missing = this.#subscriptions.missing(type);
    for (const name of change.added) if (missing.has(name)) this.#deadlines.start({ type, name });
    for (const name of change.removed) this.#deadlines.stop({ type, name });
    return change;
  }

  #stopDeadlines(type: ResourceType, { accepted, removed, rejected }: Outcome): void {
    this.#deadlines.stop({ type, name: undefined });
    for (const name of accepted.keys()) this.#deadlines.stop({ type, name });
    for (const name of removed) this.#deadlines.stop({ type, name });
    for (const { name } of rejected) this.#deadlines.stop({ type, name });
  }

  #expire(awaited: readonly Awaited[]): void {
    for (const { type, name } of awaited) {
      if (name === undefined) this.#subscriptions.stopWaiting(type);
      else this.#subscriptions.giveUp(type, name);
    }
    for (const type of fetchOrder) {
      const ofType = awaited.filter((it) => it.type === type);
      if (ofType.length === 0) continue;
      const names = ofType.flatMap(({ name }) => (name === undefined ? [] : [name]));
      if (!this.#progress.isConnected && this.#stream !== undefined) {
        this.#progress.failed(
          `no answer from ${this.#progress.server} within ${this.#limits.initialFetchTimeoutMs} ms`,
        );
      }
      this.#report({ type: "expired", resourceType: type, names });
      this.#inbox.push({ update: { kind: "expired", type, names }, stream: undefined });
    }
  }

  #report(event: AdsEvent): void {
    this.#options.report?.(event);
  }
}

interface Failure {
  /** In the user's words. */
  readonly reason: string;
  readonly isUnimplemented: boolean;
}
