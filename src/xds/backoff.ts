// Jittered exponential backoff between attempts to reach the control plane: Envoy's
// (source/common/common/backoff_strategy.cc, JitteredExponentialBackOffStrategy): full jitter over a window that doubles.

export interface BackoffOptions {
  /** The first window; 500 ms as Envoy's SubscriptionFactory::RetryInitialDelayMs. */
  readonly baseMs: number;
  /** The largest window; 30 s as Envoy's RetryMaxDelayMs. */
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #windowMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#windowMs = options.baseMs;
  }

  /** How long to wait before the next attempt. */
  next(): number {
    const windowMs = this.#windowMs;
    this.#windowMs = Math.min(windowMs * 2, this.#options.maxMs);
    return Math.floor(this.#options.random() * windowMs);
  }

  /** After a response: the server is well, the next loss starts from the base again (Envoy resets at the same point). */
  reset(): void {
    this.#windowMs = this.#options.baseMs;
  }
}
