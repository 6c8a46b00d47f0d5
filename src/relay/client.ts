// What an exchange knows of the connection that its request came by, and asks of it.
import type { SocketAddress } from "../ip.ts";
import type { Flow } from "./flow.ts";
import type { Original } from "./protocol.ts";
import type { ListenerCounters } from "./stats.ts";
import type { IdleTimer, Timer } from "./timers.ts";

export interface Client {
  readonly flow: Flow;
  readonly address: SocketAddress;
  readonly original: Original;
  readonly counters: ListenerCounters;
  /** The exchange's timers, made once for all requests of the connection. */
  readonly timers: ExchangeTimers;
  /** The connection may serve another request after this one. */
  readonly staysOpen: boolean;
  /** The response is written; `keep`: the next request may begin. */
  done(keep: boolean): void;
  /** The response can't be completed: the client must see that it isn't whole. */
  abort(): void;
  /** Closes what can't go on; what was written is still sent. */
  end(): void;
  /** Nothing more comes from or goes to it. */
  finish(): void;
  /** What has come behind the request's head, now that it belongs to a tunnel. */
  takeHeld(): Buffer | undefined;
}

export interface ExchangeTimers {
  /** No byte either way for so long. */
  readonly idle: IdleTimer;
  readonly route: Timer;
  readonly perTry: Timer;
  readonly stream: Timer;
  readonly request: Timer;
  /** Before a retry, or as a fault. */
  readonly delay: Timer;
}
