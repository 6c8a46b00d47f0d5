// Time as a value: the xDS client never reads a clock or starts a timer of its own, so that tests decide how time goes.

export interface Clock {
  /** Milliseconds since the epoch; for people to read. */
  date(): number;
  /** Monotonic milliseconds; for deadlines. */
  now(): number;
  /** Calls back once, after `ms`; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  date: () => Date.now(),
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
  });
}
