// The local rate limit filter and its bucket, which all workers draw from (source/common/common/token_bucket_impl.cc,
// AtomicTokenBucketImpl; source/extensions/filters/http/local_ratelimit/local_ratelimit.cc).
import type { LocalRateLimitConfig } from "../../model/http.ts";
import { happens } from "./conditions.ts";

export const rateLimitedBody = "local_rate_limited";

/** Bytes of shared memory that a bucket needs. */
export const bucketBytes = BigInt64Array.BYTES_PER_ELEMENT;

export type BucketConfig = NonNullable<LocalRateLimitConfig["bucket"]>;

/**
 * One word says it all: the time (in nanoseconds since the epoch) at which the bucket would have been empty. Zeroed memory is a full
 * bucket. It fills continuously, and a request takes one token.
 */
export class TokenBucket {
  readonly #word: BigInt64Array;
  readonly #maxTokens: number;
  readonly #tokensPerNs: number;

  /** `word[0]` may lie in memory that other processes use too. */
  constructor(word: BigInt64Array, { maxTokens, tokensPerFill, fillIntervalMs }: BucketConfig) {
    this.#word = word;
    this.#maxTokens = maxTokens;
    this.#tokensPerNs = tokensPerFill / (fillIntervalMs * 1e6);
  }

  /** `nowMs` since the epoch, fractions welcome: the one clock that all processes share. */
  take(nowMs: number): boolean {
    const now = BigInt(Math.floor(nowMs * 1000)) * 1000n;
    for (;;) {
      const emptyAt = Atomics.load(this.#word, 0);
      const tokens = this.#tokensAt(now, emptyAt);
      if (tokens < 1) {
        // The clock was set back: the bucket starts anew, empty, instead of staying shut until time catches up.
        if (emptyAt > now) Atomics.compareExchange(this.#word, 0, emptyAt, now);
        return false;
      }
      const next = now - BigInt(Math.round((tokens - 1) / this.#tokensPerNs));
      if (Atomics.compareExchange(this.#word, 0, emptyAt, next) === emptyAt) return true;
    }
  }

  #tokensAt(now: bigint, emptyAt: bigint): number {
    if (emptyAt === 0n) return this.#maxTokens;
    return Math.min(this.#maxTokens, Number(now - emptyAt) * this.#tokensPerNs);
  }
}

/** "not_enforced" goes on, with `requestHeaders` added. Without a bucket nothing is limited. */
export function decideRateLimit(
  { enabled, enforced }: LocalRateLimitConfig,
  bucket: TokenBucket | undefined,
  random: () => number,
  nowMs: number,
): "pass" | "not_enforced" | "limited" {
  if (bucket === undefined || !happens(enabled, random) || bucket.take(nowMs)) return "pass";
  return happens(enforced, random) ? "limited" : "not_enforced";
}
