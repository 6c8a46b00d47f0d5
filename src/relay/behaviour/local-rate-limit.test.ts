import { describe, expect, test } from "bun:test";
import { noMutations } from "../../model/headers.ts";
import type { LocalRateLimitConfig } from "../../model/http.ts";
import { decideRateLimit, TokenBucket } from "./local-rate-limit.ts";
import { randoms } from "./request.fixture.ts";

const start = 1_795_000_000_000;
/** 10 tokens, 2 more each 100 ms. */
const bucketConfig = { maxTokens: 10, tokensPerFill: 2, fillIntervalMs: 100 };

/** How many of 100 requests at that time pass. */
function passing(bucket: TokenBucket, nowMs: number): number {
  return Array.from({ length: 100 }, () => bucket.take(nowMs)).filter(Boolean).length;
}

describe("TokenBucket", () => {
  const newBucket = (word: BigInt64Array = new BigInt64Array(1)): TokenBucket => new TokenBucket(word, bucketConfig);

  test("begins full", () => {
    expect(passing(newBucket(), start)).toBe(10);
  });

  test.each([
    [0, 0],
    [49, 0],
    [50, 1],
    [99, 1],
    [250, 5],
    [500, 10],
    [3_600_000, 10],
  ])("after %d ms: %d", (elapsed, expected) => {
    const bucket = newBucket();
    passing(bucket, start);
    expect(passing(bucket, start + elapsed)).toBe(expected);
  });

  test("what isn't used up adds up, parts of a token too", () => {
    const bucket = newBucket();
    passing(bucket, start);
    let passed = 0;
    for (let elapsed = 1; elapsed <= 10_000; elapsed++) if (bucket.take(start + elapsed)) passed++;
    expect(passed).toBe(200);
  });

  test("two who share the memory share the tokens", () => {
    const word = new BigInt64Array(new SharedArrayBuffer(8));
    const [one, other] = [newBucket(word), newBucket(word)];
    expect(passing(one, start) + passing(other, start)).toBe(10);
  });

  test("fills again after the clock was set back", () => {
    const bucket = newBucket();
    passing(bucket, start);
    expect(bucket.take(start - 3_600_000)).toBe(false);
    expect(passing(bucket, start - 3_600_000 + 250)).toBe(5);
  });
});

describe("decideRateLimit", () => {
  const all = { numerator: 100, denominator: 100 } as const;
  const nobody = { numerator: 0, denominator: 100 } as const;
  const config: LocalRateLimitConfig = {
    type: "local_rate_limit",
    bucket: { ...bucketConfig, maxTokens: 1 },
    enabled: all,
    enforced: all,
    status: 429,
    responseHeaders: noMutations,
    requestHeaders: noMutations,
    statPrefix: "",
  };
  const second = (about: Partial<LocalRateLimitConfig>): string => {
    const merged = { ...config, ...about };
    const bucket = merged.bucket && new TokenBucket(new BigInt64Array(1), merged.bucket);
    decideRateLimit(merged, bucket, randoms(0), start);
    return decideRateLimit(merged, bucket, randoms(0), start);
  };
  const cases: readonly (readonly [string, Partial<LocalRateLimitConfig>, string])[] = [
    ["limited", {}, "limited"],
    ["not enforced", { enforced: nobody }, "not_enforced"],
    ["not enabled", { enabled: nobody }, "pass"],
    ["no bucket", { bucket: undefined }, "pass"],
    ["enough tokens", { bucket: bucketConfig }, "pass"],
  ];
  test.each(cases)("%s", (_, about, expected) => {
    expect(second(about)).toBe(expected);
  });
});
