// Initial-fetch deadlines: every name that is waited for gets the same time, so the order of insertion is the order of expiry
// and one timer is enough.

import type { Clock } from "../clock.ts";
import type { ResourceType } from "../model/snapshot.ts";

/** A name, or a wildcard type as a whole (`name` undefined). */
export interface Awaited {
  readonly type: ResourceType;
  readonly name: string | undefined;
}

export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #expired: (awaited: readonly Awaited[]) => void;
  readonly #due = new Map<string, { readonly awaited: Awaited; readonly atMs: number }>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, timeoutMs: number, expired: (awaited: readonly Awaited[]) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#expired = expired;
  }

  /** Starts the time of a name; one that runs already goes on. */
  start(awaited: Awaited): void {
    const key = keyOf(awaited);
    if (this.#due.has(key)) return;
    this.#due.set(key, { awaited, atMs: this.#clock.now() + this.#timeoutMs });
    this.#arm();
  }

  stop(awaited: Awaited): void {
    this.#due.delete(keyOf(awaited));
    if (this.#due.size === 0) this.#disarm();
  }

  [Symbol.dispose](): void {
    this.#due.clear();
    this.#disarm();
  }

  #arm(): void {
    if (this.#cancel !== undefined) return;
    const [first] = this.#due.values();
    if (first === undefined) return;
    this.#cancel = this.#clock.after(Math.max(0, first.atMs - this.#clock.now()), () => {
      this.#cancel = undefined;
      this.#expire();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #expire(): void {
    const now = this.#clock.now();
    const over: Awaited[] = [];
    for (const [key, { awaited, atMs }] of this.#due) {
      if (atMs > now) break;
      over.push(awaited);
      this.#due.delete(key);
    }
    this.#arm();
    if (over.length > 0) this.#expired(over);
  }
}

function keyOf({ type, name }: Awaited): string {
  return name === undefined ? type : `${type} ${name}`;
}
