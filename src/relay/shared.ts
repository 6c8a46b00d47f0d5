// The memory that all relay workers of a host share: what circuit breakers count, and the token buckets of local rate limits. A
// worker writes only to its own counters, so that a crash loses nobody else's; a limit is compared with the sum of all.

/** Clusters that are counted apart from each other; any more share the last row. */
export const sharedRows = 16_384;

/** Open-addressed by their key: [key, the bucket's word]. */
const bucketSlots = 4_096;
const bucketWords = 2;
/** How far from its place a bucket may stand. */
const bucketProbes = 32;

export const Counter = { connections: 0, pending: 1, requests: 2, retries: 3 } as const;
export type Counter = (typeof Counter)[keyof typeof Counter];
const counters = 4;

export type Priority = "default" | "high";

const bytesPerCounter = Int32Array.BYTES_PER_ELEMENT;
const bucketBytes = bucketSlots * bucketWords * BigInt64Array.BYTES_PER_ELEMENT;

export function sharedBytes(workers: number): number {
  return bucketBytes + sharedRows * 2 * counters * workers * bytesPerCounter;
}

export class Shared {
  readonly #counters: Int32Array;
  readonly #buckets: BigInt64Array;
  readonly #worker: number;
  readonly #workers: number;

  /** What an earlier worker of this number has left in its counters is gone with its connections. */
  constructor(memory: ArrayBufferLike, worker: number, workers: number) {
    this.#worker = worker;
    this.#workers = workers;
    this.#buckets = new BigInt64Array(memory, 0, bucketSlots * bucketWords);
    this.#counters = new Int32Array(memory, bucketBytes, sharedRows * 2 * counters * workers);
    for (let at = worker; at < this.#counters.length; at += workers) this.#counters[at] = 0;
  }

  /** For a worker that is alone. */
  static local(): Shared {
    return new Shared(new ArrayBuffer(sharedBytes(1)), 0, 1);
  }

  usage(row: number, priority: Priority): Usage {
    const known = Math.min(row, sharedRows - 1);
    const first = (known * 2 + (priority === "high" ? 1 : 0)) * counters * this.#workers;
    return new Usage(this.#counters, first, this.#worker, this.#workers);
  }

  /** The word of the token bucket with this key (not 0), the same for all workers. Where there are too many, some share. */
  bucket(key: bigint): BigInt64Array {
    const home = Number(BigInt.asUintN(32, key)) % bucketSlots;
    for (let probe = 0; probe < bucketProbes; probe++) {
      const at = ((home + probe) % bucketSlots) * bucketWords;
      const owner = Atomics.compareExchange(this.#buckets, at, 0n, key);
      if (owner === 0n || owner === key) return this.#buckets.subarray(at + 1, at + bucketWords);
    }
    return this.#buckets.subarray(home * bucketWords + 1, (home + 1) * bucketWords);
  }
}

/** The four counters of a cluster and priority. */
export class Usage {
  readonly #counters: Int32Array;
  readonly #first: number;
  readonly #worker: number;
  readonly #workers: number;

  constructor(counters: Int32Array, first: number, worker: number, workers: number) {
    this.#counters = counters;
    this.#first = first;
    this.#worker = worker;
    this.#workers = workers;
  }

  /** Of all workers. */
  total(counter: Counter): number {
    const start = this.#first + counter * this.#workers;
    let sum = 0;
    for (let at = start; at < start + this.#workers; at++) sum += this.#counters[at] ?? 0;
    return sum;
  }

  add(counter: Counter, by: 1 | -1): void {
    const at = this.#first + counter * this.#workers + this.#worker;
    this.#counters[at] = (this.#counters[at] ?? 0) + by;
  }
}
