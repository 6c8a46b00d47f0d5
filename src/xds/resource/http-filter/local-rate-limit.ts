// The local rate limit filter: one token bucket for all connections of a listener.

import type { HeaderAddition, HeaderMutations } from "../../../model/headers.ts";
import type { LocalRateLimitConfig } from "../../../model/http.ts";
import type { LocalRateLimit } from "../../gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts";
import type { TokenBucket } from "../../gen/envoy/type/v3/token_bucket_pb.ts";
import { milliseconds } from "../duration.ts";
import { convertAdditions } from "../header-mutations.ts";
import { inside, type Place } from "../inspect.ts";
import { fractionOf } from "../matcher.ts";
import { at } from "../report.ts";

// Envoy's rules (local_ratelimit_impl.cc, local_ratelimit.cc).
const LEAST_FILL_INTERVAL_MS = 50;
const TOO_MANY_REQUESTS = 429;

export function convertLocalRateLimit(config: LocalRateLimit, place: Place): LocalRateLimitConfig {
  const { path, report } = place;
  const added = convertAdditions(
    config.requestHeadersToAddWhenNotEnforced,
    at(path, "request_headers_to_add_when_not_enforced"),
    report,
  );
  return {
    type: "local_rate_limit",
    bucket: config.tokenBucket && convertBucket(config.tokenBucket, inside(place, "token_bucket")),
    enabled: fractionOf(config.filterEnabled?.defaultValue),
    enforced: fractionOf(config.filterEnforced?.defaultValue),
    status: statusOf(config.status?.code),
    responseHeaders: additions(
      convertAdditions(config.responseHeadersToAdd, at(path, "response_headers_to_add"), report),
    ),
    requestHeaders: additions(added),
    statPrefix: config.statPrefix,
  };
}

export function convertLocalRateLimitPerRoute(config: LocalRateLimit, place: Place): LocalRateLimitConfig {
  if (config.tokenBucket === undefined) place.report.reject(at(place.path, "token_bucket"), "must be set");
  return convertLocalRateLimit(config, place);
}

function convertBucket(bucket: TokenBucket, place: Place): LocalRateLimitConfig["bucket"] {
  const fillIntervalMs = milliseconds(bucket.fillInterval, "fill_interval", place) ?? 0;
  if (fillIntervalMs < LEAST_FILL_INTERVAL_MS)
    place.report.reject(at(place.path, "fill_interval"), `must be at least ${LEAST_FILL_INTERVAL_MS} ms`);
  return { maxTokens: bucket.maxTokens, tokensPerFill: bucket.tokensPerFill ?? 1, fillIntervalMs };
}

/** A status that is no error says 429 as well. */
function statusOf(code: number | undefined): number {
  return code === undefined || code < 400 ? TOO_MANY_REQUESTS : code;
}

function additions(add: readonly HeaderAddition[]): HeaderMutations {
  return { remove: [], add };
}
