// Retry policies. One that somebody asked for needs a per-request engine; the one that Istio puts on every route does not
// (istio: pilot/pkg/networking/core/route/retry/retry.go, DefaultPolicy), but is kept in the model all the same.
import type { RetryPolicy as RetryModel } from "../../model/route.ts";
import {
  type RetryPolicy,
  type RetryPolicy_RateLimitedRetryBackOff,
  type RetryPolicy_ResetHeader,
  RetryPolicy_ResetHeaderFormat,
  RetryPolicySchema,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { typeNameOf } from "./any.ts";
import { milliseconds } from "./duration.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { convertHeaderMatchers } from "./matcher.ts";
import { at } from "./report.ts";

const IMPLICIT_CONDITIONS = new Set([
  "connect-failure",
  "refused-stream",
  "unavailable",
  "cancelled",
  "retriable-status-codes",
  "reset-before-request",
]);
const IMPLICIT_RETRIES = 2;
const IMPLICIT_HOST_SELECTIONS = 5n;
const PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";
const PREVIOUS_HOSTS_NAME = "envoy.retry_host_predicates.previous_hosts";

/** Envoy ignores the others (retry_state_impl.cc, parseRetryOn, parseRetryGrpcOn). */
const KNOWN_CONDITIONS = new Set([
  ...IMPLICIT_CONDITIONS,
  "5xx",
  "gateway-error",
  "reset",
  "envoy-ratelimited",
  "retriable-4xx",
  "retriable-headers",
  "http3-post-connect-failure",
  "deadline-exceeded",
  "resource-exhausted",
  "internal",
]);

// Envoy's defaults (route_components.proto, RetryPolicy).
const DEFAULT_RETRIES = 1;
const DEFAULT_BASE_MS = 25;
const MAX_BACK_OFF_FACTOR = 10;
const DEFAULT_RATE_LIMITED_MAX_MS = 300_000;

/** `place` is the policy's. An explicit policy becomes a need of the place's owner, an implicit one a finding. */
export function convertRetryPolicy(policy: RetryPolicy, place: Place): RetryModel {
  inspect(RetryPolicySchema, policy, place);
  const conditions = convertConditions(policy.retryOn, place);
  reportIntent(policy, conditions, place);
  const { path, report } = place;
  return {
    conditions,
    retries: policy.numRetries ?? DEFAULT_RETRIES,
    perTryTimeoutMs: milliseconds(policy.perTryTimeout, "per_try_timeout", place) ?? 0,
    perTryIdleTimeoutMs: milliseconds(policy.perTryIdleTimeout, "per_try_idle_timeout", place) ?? 0,
    statusCodes: [...policy.retriableStatusCodes],
    retriableHeaders: convertHeaderMatchers(policy.retriableHeaders, at(path, "retriable_headers"), report),
    retriableRequestHeaders: convertHeaderMatchers(
      policy.retriableRequestHeaders,
      at(path, "retriable_request_headers"),
      report,
    ),
    backOff: convertBackOff(policy, inside(place, "retry_back_off")),
    rateLimitedBackOff:
      policy.rateLimitedRetryBackOff &&
      convertRateLimited(policy.rateLimitedRetryBackOff, inside(place, "rate_limited_retry_back_off")),
    avoidPreviousHosts: convertPredicates(policy.retryHostPredicate, place),
    hostSelectionAttempts: attemptsOf(policy.hostSelectionRetryMaxAttempts),
  };
}

function convertConditions(retryOn: string, { path, report }: Place): string[] {
  const all = retryOn.split(",").map((condition) => condition.trim());
  const unknown = all.filter((condition) => condition !== "" && !KNOWN_CONDITIONS.has(condition));
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name.slice(0, 40))).join(", ");
    report.note("ignored", at(path, "retry_on"), `${names.slice(0, 200)}: no such condition, for Envoy neither`);
  }
  return all.filter((condition) => KNOWN_CONDITIONS.has(condition));
}

function reportIntent(policy: RetryPolicy, conditions: readonly string[], place: Place): void {
  if (policy.numRetries === 0 || conditions.length === 0) return;
  const explicit = explicitPart(policy, conditions);
  if (explicit !== undefined) {
    place.needs.push({ path: at(place.needPath, explicit), reason: "asks for retries of its own" });
  } else place.report.note("ignored", place.path, "Istio's implicit retries are made only where requests are relayed");
}

/** The first field that Istio's default doesn't explain. */
function explicitPart(policy: RetryPolicy, conditions: readonly string[]): string | undefined {
  if (!conditions.every((condition) => IMPLICIT_CONDITIONS.has(condition))) return "retry_on";
  if (policy.numRetries !== IMPLICIT_RETRIES) return "num_retries";
  if (!policy.retriableStatusCodes.every((code) => code === 503)) return "retriable_status_codes";
  const selections = policy.hostSelectionRetryMaxAttempts;
  return selections === 0n || selections === IMPLICIT_HOST_SELECTIONS ? undefined : "host_selection_retry_max_attempts";
}

type HostPredicate = RetryPolicy["retryHostPredicate"][number];

function convertPredicates(predicates: readonly HostPredicate[], { path, report }: Place): boolean {
  for (const [i, predicate] of predicates.entries()) {
    if (isPreviousHosts(predicate)) continue;
    report.reject(`${at(path, "retry_host_predicate")}[${i}]`, "isn't supported: only previous_hosts is");
  }
  return predicates.length > 0;
}

function isPreviousHosts({ name, configType }: HostPredicate): boolean {
  if (configType.case === undefined) return name === PREVIOUS_HOSTS_NAME;
  return typeNameOf(configType.value) === PREVIOUS_HOSTS;
}

/** Envoy rounds less than a millisecond up (retry_policy_impl.cc). */
function convertBackOff({ retryBackOff }: RetryPolicy, place: Place): RetryModel["backOff"] {
  if (retryBackOff === undefined) return { baseMs: DEFAULT_BASE_MS, maxMs: DEFAULT_BASE_MS * MAX_BACK_OFF_FACTOR };
  const baseMs = Math.max(milliseconds(retryBackOff.baseInterval, "base_interval", place) ?? 0, 1);
  const maxMs = milliseconds(retryBackOff.maxInterval, "max_interval", place);
  if (maxMs === undefined) return { baseMs, maxMs: baseMs * MAX_BACK_OFF_FACTOR };
  if (Math.max(maxMs, 1) < baseMs)
    place.report.reject(at(place.path, "max_interval"), "must not be less than base_interval");
  return { baseMs, maxMs: Math.max(maxMs, 1) };
}

function convertRateLimited(
  backOff: RetryPolicy_RateLimitedRetryBackOff,
  place: Place,
): NonNullable<RetryModel["rateLimitedBackOff"]> {
  const maxMs = milliseconds(backOff.maxInterval, "max_interval", place) ?? DEFAULT_RATE_LIMITED_MAX_MS;
  return { maxMs: Math.max(maxMs, 1), headers: backOff.resetHeaders.map(convertResetHeader) };
}

function convertResetHeader({
  name,
  format,
}: RetryPolicy_ResetHeader): NonNullable<RetryModel["rateLimitedBackOff"]>["headers"][number] {
  const isTimestamp = format === RetryPolicy_ResetHeaderFormat.UNIX_TIMESTAMP;
  return { name: name.toLowerCase(), format: isTimestamp ? "unix_timestamp" : "seconds" };
}

/** Unset: 1. The field has 64 bits, and a number of attempts needs far fewer. */
function attemptsOf(attempts: bigint): number {
  return attempts === 0n ? 1 : Number(attempts > 0xffffn ? 0xffffn : attempts < 0n ? 1n : attempts);
}
