// The number by which ring hash and maglev choose: from a field, a cookie, the client's address or a query parameter, policy after
// policy (source/common/http/hash_policy.cc). Asked for the request as it is sent, after the route's changes.

import { headerValues, queryParameter } from "../../compile/route-condition.ts";
import { formatAddress, formatSocketAddress, type SocketAddress } from "../../ip.ts";
import type { RequestView } from "../../model/request.ts";
import type { HashPolicy } from "../../model/route.ts";
import { cookieValue, setCookie } from "./cookies.ts";
import type { Patterns } from "./patterns.ts";

export interface HashInput {
  readonly request: RequestView;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

export interface RequestHash {
  /** Undefined where no policy found anything: then the choice is random. */
  readonly hash: bigint | undefined;
  /** Values of Set-Cookie fields for the response: cookies that policies made. */
  readonly setCookies: readonly string[];
}

const noHash: RequestHash = { hash: undefined, setCookies: [] };

export function requestHash(policies: readonly HashPolicy[], input: HashInput, patterns: Patterns): RequestHash {
  if (policies.length === 0) return noHash;
  const setCookies: string[] = [];
  let hash: bigint | undefined;
  for (const policy of policies) {
    const found = policyHash(policy, input, patterns, setCookies);
    // Rotated, so that the same policy twice doesn't cancel itself out.
    if (found !== undefined) hash = hash === undefined ? found : rotate(hash) ^ found;
    if (policy.terminal && hash !== undefined) break;
  }
  return { hash, setCookies };
}

function policyHash(
  policy: HashPolicy,
  { request, remote, local }: HashInput,
  patterns: Patterns,
  setCookies: string[],
): bigint | undefined {
  switch (policy.hash) {
    case "header": {
      const values = headerValues(request, policy.name);
      const { rewrite } = policy;
      return hashOfAll(rewrite === undefined ? values : values.map((value) => patterns.replaceAll(rewrite, value)));
    }
    case "cookie": {
      const sent = cookieValue(request, policy.name);
      if (sent !== "") return hashOf(sent);
      if (policy.ttlSeconds === undefined) return undefined;
      // The same for all requests of a connection, however they overtake each other (router.cc, addDownstreamSetCookie).
      const value = hex(hashOf(formatSocketAddress(remote) + formatSocketAddress(local)));
      setCookies.push(setCookie({ ...policy, ttlSeconds: policy.ttlSeconds, value }));
      return hashOf(value);
    }
    case "source_ip":
      return hashOf(formatAddress(remote.address));
    case "query_parameter": {
      const value = queryParameter(request.path, policy.name);
      return value === undefined ? undefined : hashOf(value);
    }
  }
}

/** In an order that doesn't depend on how they were sent; each is the seed of the next (common/hash.h, xxHash64 of a span). */
function hashOfAll(values: readonly string[]): bigint | undefined {
  if (values.length === 0) return undefined;
  return values.toSorted(byBytes).reduce((seed, value) => hashOf(value, seed), 0n);
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Of the bytes: text is one character a byte here. */
function hashOf(text: string, seed = 0n): bigint {
  return Bun.hash.xxHash64(Buffer.from(text, "latin1"), seed);
}

function rotate(hash: bigint): bigint {
  return BigInt.asUintN(64, (hash << 1n) | (hash >> 63n));
}

function hex(hash: bigint): string {
  return hash.toString(16).padStart(16, "0");
}
