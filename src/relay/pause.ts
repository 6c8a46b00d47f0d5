// What a request waits for before it goes on: time, as a fault or before a retry, or the rest of its body.
import type { RequestBody } from "./request-body.ts";
import type { Timer } from "./timers.ts";

/**
 * How much of a body is kept where so much data is: the framing of small chunks is a few times as long as they are, but extensions
 * could be thousands of times as long.
 */
export function keptLimit(dataBytes: number): number {
  return 64 * 1024 + 8 * dataBytes;
}

export class Pause {
  readonly #timer: Timer;
  #afterDelay: (() => void) | undefined;
  #collecting: { readonly maxBytes: number; readonly then: (fits: boolean) => void } | undefined;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  delay(ms: number, then: () => void): void {
    this.#afterDelay = then;
    this.#timer.start(ms);
  }

  /** The timer has fired. */
  resume(): void {
    const then = this.#afterDelay;
    this.#afterDelay = undefined;
    then?.();
  }

  /** Until the whole body is there, or more of it than `maxBytes`. False: it is there already, or too much. */
  collect(body: RequestBody, maxBytes: number, then: (fits: boolean) => void): boolean {
    this.#collecting = { maxBytes, then };
    return this.grown(body);
  }

  /** More of the body has come. True: something still waits for it. */
  grown(body: RequestBody): boolean {
    const collecting = this.#collecting;
    if (collecting === undefined) return false;
    const fits = body.dataBytes <= collecting.maxBytes && body.keptBytes <= keptLimit(collecting.maxBytes);
    if (fits && !body.isComplete) return true;
    this.#collecting = undefined;
    collecting.then(fits);
    return false;
  }
}
