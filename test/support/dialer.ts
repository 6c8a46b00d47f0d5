// A client that lives in a cgroup (or anywhere) and connects as often as a test asks: who answered, how often, and which
// errors came instead.
import { Companion } from "./companion.ts";
import { asIs, type Enter } from "./process.ts";

export interface DialRequest {
  readonly address: string;
  readonly port: number;
  /** written after the connection is there; for servers that wait to be asked */
  readonly send?: string;
  readonly timeoutMs: number;
  /** keep the connection open until `release` */
  readonly hold: boolean;
  /** the address to connect from; the kernel's choice where unset */
  readonly localAddress?: string;
}

/** `peer` is what getpeername says; `error` an errno name, or TIMEOUT, SILENT (nobody spoke), CLOSED. */
export type Answer = { readonly name: string; readonly peer: string } | { readonly error: string };

export interface DialOptions {
  readonly count?: number;
  readonly concurrency?: number;
  readonly send?: string;
  readonly timeoutMs?: number;
  readonly hold?: boolean;
  readonly localAddress?: string;
}

export class Dialer implements AsyncDisposable {
  private readonly companion: Companion;

  private constructor(companion: Companion) {
    this.companion = companion;
  }

  static start(enter: Enter = asIs): Dialer {
    return new Dialer(Companion.start("dialer.ts", enter));
  }

  get pid(): number {
    return this.companion.pid;
  }

  /** In the order in which they finished. */
  dial(address: string, port: number, options: DialOptions = {}): Promise<readonly Answer[]> {
    const defaults = { count: 1, concurrency: 1, timeoutMs: 10_000, hold: false };
    return this.companion.ask({ op: "dial", address, port, ...defaults, ...options });
  }

  /** How often each name answered, and each error came (as `!ECONNREFUSED`). */
  async tally(address: string, port: number, options: DialOptions = {}): Promise<Readonly<Record<string, number>>> {
    return tallyOf(await this.dial(address, port, options));
  }

  /** Closes what `hold` kept. */
  release(): Promise<void> {
    return this.companion.ask({ op: "release" });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.companion[Symbol.asyncDispose]();
  }
}

export function tallyOf(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const tally: Record<string, number> = {};
  for (const answer of answers) {
    const key = "name" in answer ? answer.name : `!${answer.error}`;
    tally[key] = (tally[key] ?? 0) + 1;
  }
  return tally;
}

/** A request for the `http` backends. */
export const HTTP_REQUEST = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
