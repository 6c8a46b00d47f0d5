// What an ADS client is given, and the limits that it keeps.
import type { Clock } from "../clock.ts";
import type { Server } from "./connection.ts";
import type { NodeIdentity, UserAgent } from "./node.ts";
import type { AdsEvent } from "./status.ts";
import type { Variant } from "./stream.ts";
import type { HeldVersions } from "./subscriptions.ts";

export interface AdsOptions {
  readonly server: Server;
  readonly node: NodeIdentity;
  readonly userAgent: UserAgent;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** delta (the default) falls back to SotW where the server doesn't offer it. */
  readonly variant?: Variant;
  /** Resources that the agent's first snapshot holds already (last known good), with their versions. */
  readonly held?: HeldVersions;
  /** Told at once what happens to the connection; must not throw. */
  readonly report?: (event: AdsEvent) => void;
  readonly limits?: Partial<AdsLimits>;
}

export interface AdsLimits {
  /** How long a name, or the first response of CDS and LDS, is waited for; Envoy's ConfigSource.initial_fetch_timeout. */
  readonly initialFetchTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /**
   * A stream that is silent this long is asked for a sign of life, and given up if there is none in time. Servers hang up on who
   * asks too often: Istiod below 15 s (half of its own interval), grpc-go's default is 5 min: the interval is doubled then.
   */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A larger message ends the stream. */
  readonly readMaxBytes: number;
  /** What is read ahead of the agent; beyond it the server is slowed down by flow control. */
  readonly readAheadBytes: number;
}

export const defaultLimits: AdsLimits = {
  initialFetchTimeoutMs: 15_000,
  connectTimeoutMs: 5_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 10_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
  readMaxBytes: 256 << 20,
  readAheadBytes: 16 << 20,
};
