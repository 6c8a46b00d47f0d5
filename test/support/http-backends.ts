// HTTP servers on every 127.x.y.z of a namespace that keep what they are sent and answer as a script says: see
// programs/http-backends.ts.
import { Companion } from "./companion.ts";
import type { Field, Framing } from "./http-text.ts";
import type { Enter } from "./process.ts";

/** Bytes (one character each), or something done between them. `hold` waits for release(). */
export type ReplyStep =
  | string
  | { readonly wait: number }
  | { readonly hold: true }
  | { readonly do: "close" | "reset" | "fin" | "echo" };

export interface EndpointScript {
  /** The n-th request's reply; the last one repeats. None: 200, and its letter (.1 is `a`). */
  readonly replies: readonly (readonly ReplyStep[])[];
  /** Answer as soon as the head is there. */
  readonly early?: boolean;
  /** Played as soon as a connection is accepted. */
  readonly accept?: readonly ReplyStep[];
}

export interface UpstreamRequest {
  readonly endpoint: string;
  /** The endpoint's n-th connection, from 0. */
  readonly connection: number;
  /** The endpoint's n-th request, from 0. */
  readonly turn: number;
  readonly head: string;
  readonly body: string;
  readonly framing: Framing;
  readonly trailers: readonly Field[];
  readonly isComplete: boolean;
  /** The connection ended before the request had. */
  isAborted: boolean;
  /** What came after the connection had become a tunnel. */
  tunnel: string;
}

export class HttpBackends implements AsyncDisposable {
  readonly #companion: Companion;

  private constructor(companion: Companion) {
    this.#companion = companion;
  }

  static async start(port: number, enter: Enter): Promise<HttpBackends> {
    const companion = Companion.start("http-backends.ts", enter);
    await companion.ask({ op: "listen", port });
    return new HttpBackends(companion);
  }

  /** By address. */
  script(scripts: Readonly<Record<string, EndpointScript>>): Promise<void> {
    return this.#companion.ask({ op: "scripts", scripts });
  }

  /** How many requests have begun at the addresses that begin with `prefix`, since they were last taken. */
  seen(prefix: string): Promise<number> {
    return this.#companion.ask({ op: "seen", prefix });
  }

  /** Lets go on what is held. */
  release(prefix: string): Promise<void> {
    return this.#companion.ask({ op: "release", prefix });
  }

  /** The requests since the last time; scripts begin anew. */
  take(prefix: string): Promise<readonly UpstreamRequest[]> {
    return this.#companion.ask({ op: "take", prefix });
  }

  /** Closes its connections. */
  disconnect(prefix: string): Promise<void> {
    return this.#companion.ask({ op: "disconnect", prefix });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#companion[Symbol.asyncDispose]();
  }
}
