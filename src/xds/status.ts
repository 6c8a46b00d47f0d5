// What `status` and the admin API show of the control plane connection: plain values.

import type { Clock } from "../clock.ts";
import type { ResourceType } from "../model/snapshot.ts";
import type { Response, Variant } from "./stream.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface TypeStatus {
  /** version_info (SotW) or system_version_info (delta) of the last response. */
  readonly version: string;
  readonly nonce: string;
  /** Resources that were accepted and are there. */
  readonly held: number;
  /** Names that were asked for and haven't come yet. */
  readonly missing: number;
  readonly acks: number;
  readonly nacks: number;
  readonly lastNack: { readonly date: number; readonly detail: string } | undefined;
}

export interface AdsStatus {
  /** host:port */
  readonly server: string;
  readonly variant: Variant;
  readonly connected: boolean;
  /** Dates are milliseconds since the epoch. */
  readonly connectedSince: number | undefined;
  /** Why the last stream ended or couldn't be opened; stays after a reconnect, as the reason of the last loss. */
  readonly lastError: string | undefined;
  readonly lastErrorDate: number | undefined;
  /** Streams tried so far. */
  readonly attempts: number;
  readonly lastResponseDate: number | undefined;
  /** Responses of types that weren't asked for. */
  readonly ignoredResponses: number;
  readonly types: { readonly [T in ResourceType]: TypeStatus };
}

/** What a log wants to know, when it happens. */
export type AdsEvent =
  | { readonly type: "connected"; readonly server: string; readonly variant: Variant }
  | { readonly type: "disconnected"; readonly reason: string; readonly retryMs: number }
  | { readonly type: "fell_back"; readonly variant: Variant; readonly reason: string }
  | { readonly type: "ignored"; readonly typeUrl: string }
  | { readonly type: "nacked"; readonly resourceType: ResourceType; readonly detail: string }
  | { readonly type: "expired"; readonly resourceType: ResourceType; readonly names: readonly string[] };

type Counters = { -readonly [K in keyof Omit<TypeStatus, "held" | "missing">]: TypeStatus[K] };

/** Keeps count for `AdsStatus`. */
export class Progress {
  /** host:port */
  readonly server: string;
  readonly #clock: Clock;
  readonly #types: { readonly [T in ResourceType]: Counters } = {
    cluster: newCounters(),
    endpoint: newCounters(),
    listener: newCounters(),
    route: newCounters(),
  };
  #connectedSince: number | undefined;
  #lastError: string | undefined;
  #lastErrorDate: number | undefined;
  #attempts = 0;
  #lastResponseDate: number | undefined;
  #ignoredResponses = 0;

  constructor(server: string, clock: Clock) {
    this.server = server;
    this.#clock = clock;
  }

  attempted(): void {
    this.#attempts += 1;
  }

  get isConnected(): boolean {
    return this.#connectedSince !== undefined;
  }

  connected(): void {
    this.#connectedSince = this.#clock.date();
  }

  disconnected(reason: string): void {
    this.#connectedSince = undefined;
    this.failed(reason);
  }

  failed(reason: string): void {
    this.#lastError = reason;
    this.#lastErrorDate = this.#clock.date();
  }

  ignored(): void {
    this.#ignoredResponses += 1;
  }

  received({ type, version, nonce }: Response): void {
    this.#lastResponseDate = this.#clock.date();
    Object.assign(this.#types[type], { version, nonce });
  }

  replied({ type }: Response, nack: string | undefined): void {
    const counters = this.#types[type];
    if (nack === undefined) {
      counters.acks += 1;
      return;
    }
    counters.nacks += 1;
    counters.lastNack = { date: this.#clock.date(), detail: nack };
  }

  status(variant: Variant, subscriptions: Subscriptions): AdsStatus {
    const ofType = (type: ResourceType): TypeStatus => ({
      ...this.#types[type],
      held: subscriptions.held(type).size,
      missing: subscriptions.missing(type).size,
    });
    return {
      server: this.server,
      variant,
      connected: this.isConnected,
      connectedSince: this.#connectedSince,
      lastError: this.#lastError,
      lastErrorDate: this.#lastErrorDate,
      attempts: this.#attempts,
      lastResponseDate: this.#lastResponseDate,
      ignoredResponses: this.#ignoredResponses,
      types: {
        cluster: ofType("cluster"),
        endpoint: ofType("endpoint"),
        listener: ofType("listener"),
        route: ofType("route"),
      },
    };
  }
}

function newCounters(): Counters {
  return { version: "", nonce: "", acks: 0, nacks: 0, lastNack: undefined };
}
