// What every connection of a worker shares.

import type { SocketAddress } from "../ip.ts";
import type { Patterns } from "./behaviour/patterns.ts";
import type { Connector } from "./connector.ts";
import type { Guard } from "./guard.ts";
import type { Original } from "./protocol.ts";
import type { Results } from "./results.ts";
import type { Shared } from "./shared.ts";
import type { State } from "./state.ts";
import type { Stats } from "./stats.ts";
import type { Timers } from "./timers.ts";

/** Where the peer of an accepted connection was going; undefined: it wasn't sent here by the mesh. Asked once per connection. */
export interface Origins {
  /** `local` is the address that the connection was accepted at. */
  take(client: SocketAddress, local: () => SocketAddress): Original | undefined;
}

export interface Engine {
  readonly timers: Timers;
  readonly state: State;
  readonly stats: Stats;
  readonly results: Results;
  readonly shared: Shared;
  readonly patterns: Patterns;
  readonly connector: Connector;
  readonly guard: Guard;
  readonly hostname: string;
  /** Evenly spread over [0, 1). */
  readonly random: () => number;
  /** Connections end with the request that they have. */
  readonly isDraining: () => boolean;
  /** Delayed or aborted by a fault at this moment, by all connections. */
  readonly faults: { active: number };
}
