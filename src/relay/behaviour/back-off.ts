// How long a retry waits (source/common/common/backoff_strategy.cc).

/** Full jitter: anything from 0 up to an interval that doubles from the base to the maximum. */
export class ExponentialBackOff {
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(baseMs: number, maxMs: number, random: () => number) {
    this.#nextMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  nextMs(): number {
    const interval = this.#nextMs;
    this.#nextMs = interval < this.#maxMs / 2 ? interval * 2 : this.#maxMs;
    return Math.floor(this.#random() * interval);
  }
}

/** At least what the server asked for, and up to half as much again. */
export function delayAtLeast(intervalMs: number, random: () => number): number {
  return intervalMs + Math.floor(random() * Math.floor(intervalMs / 2));
}
