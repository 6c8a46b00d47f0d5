// Whether a request is tried again, and when (source/common/router/retry_state_impl.cc). Budgets and circuit breakers are the
// caller's: it asks here first. The x-envoy-* fields by which clients could set this aren't looked at: Envoy removes them from every
// request whose sender isn't configured as internal, and nobody can be here.

import type { RequestView } from "../../model/request.ts";
import type { RetryPolicy } from "../../model/route.ts";
import { delayAtLeast, ExponentialBackOff } from "./back-off.ts";
import { firstValue, parseUnsigned, type ResponseView, requestHeaderHolds, responseHeaderHolds } from "./conditions.ts";
import type { Patterns } from "./patterns.ts";

export type AttemptOutcome =
  | (ResponseView & { readonly type: "response" })
  | {
      readonly type: "reset";
      /** connect_failure: no connection was made, also for lack of time. overflow: a circuit breaker refused it. */
      readonly reason: "connect_failure" | "reset" | "per_try_timeout" | "refused" | "overflow";
      /** Something of the request was sent. */
      readonly started: boolean;
    };

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  /** limit: it would have been, but all retries are used up. */
  | { readonly retry: false; readonly reason: "not_retriable" | "limit" };

export interface RetryOptions {
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly patterns: Patterns;
}

const tooEarly = 425;

/** Of one request. */
export class RetryState {
  readonly #conditions: ReadonlySet<string>;
  readonly #policy: RetryPolicy | undefined;
  readonly #options: RetryOptions;
  readonly #backOff: ExponentialBackOff;
  #remaining: number;

  constructor(policy: RetryPolicy | undefined, request: RequestView, options: RetryOptions) {
    this.#policy = policy;
    this.#options = options;
    this.#conditions = new Set(isRetriable(policy, request, options.patterns) ? policy?.conditions : []);
    this.#remaining = policy?.retries ?? 0;
    const { baseMs, maxMs } = policy?.backOff ?? { baseMs: 25, maxMs: 250 };
    this.#backOff = new ExponentialBackOff(baseMs, maxMs, options.random);
  }

  /** False: whatever happens, nothing is retried, and the request needn't be kept. */
  get isActive(): boolean {
    return this.#conditions.size > 0 && this.#remaining > 0;
  }

  /** Counts the retry that it grants. */
  shouldRetry(outcome: AttemptOutcome): RetryDecision {
    const isWanted = outcome.type === "response" ? this.#wantsAfterResponse(outcome) : this.#wantsAfterReset(outcome);
    if (!isWanted) return { retry: false, reason: "not_retriable" };
    if (this.#remaining === 0) return { retry: false, reason: "limit" };
    this.#remaining--;
    return { retry: true, delayMs: this.#delayAfter(outcome) };
  }

  #wantsAfterResponse(response: ResponseView): boolean {
    const { status } = response;
    const conditions = this.#conditions;
    // Somebody's Envoy further on says that there were too many.
    if (response.header("x-envoy-ratelimited") !== undefined) return conditions.has("envoy-ratelimited");
    if (conditions.has("5xx") && status >= 500 && status < 600) return true;
    if (conditions.has("gateway-error") && status >= 502 && status <= 504) return true;
    if (conditions.has("retriable-4xx") && status === 409) return true;
    if (conditions.has("retriable-status-codes") && this.#policy?.statusCodes.includes(status)) return true;
    if (conditions.has("retriable-headers") && this.#hasRetriableHeader(response)) return true;
    const grpc = grpcCondition(response);
    return grpc !== undefined && conditions.has(grpc);
  }

  #wantsAfterReset({ reason, started }: Extract<AttemptOutcome, { type: "reset" }>): boolean {
    const conditions = this.#conditions;
    if (reason === "overflow") return false;
    if (conditions.has("connect-failure") && reason === "connect_failure") return true;
    if (conditions.has("reset-before-request") && !started) return true;
    // No answer would have become a 503 or 504.
    if (conditions.has("reset") || conditions.has("5xx") || conditions.has("gateway-error")) return true;
    return conditions.has("refused-stream") && reason === "refused";
  }

  #hasRetriableHeader(response: ResponseView): boolean {
    const { patterns } = this.#options;
    return this.#policy?.retriableHeaders.some((matcher) => responseHeaderHolds(matcher, response, patterns)) ?? false;
  }

  #delayAfter(outcome: AttemptOutcome): number {
    if (outcome.type === "response") {
      if (outcome.status === tooEarly && outcome.header("x-envoy-ratelimited") === undefined) return 0;
      const askedMs = this.#askedDelay(outcome);
      if (askedMs !== undefined && askedMs > 1) return delayAtLeast(askedMs, this.#options.random);
    }
    return this.#backOff.nextMs();
  }

  /** What the server's fields ask for, the first that can be used (reset_header_parser.cc). */
  #askedDelay(response: ResponseView): number | undefined {
    const asked = this.#policy?.rateLimitedBackOff;
    for (const { name, format } of asked?.headers ?? []) {
      const seconds = parseUnsigned(firstValue(response, name));
      if (seconds === undefined) continue;
      const now = format === "seconds" ? 0 : Math.floor(this.#options.now() / 1000);
      const delayMs = (seconds - now) * 1000;
      if (delayMs >= 0 && delayMs <= (asked?.maxMs ?? 0)) return delayMs;
    }
    return undefined;
  }
}

/** retriable_request_headers, where there are any: one must hold. */
function isRetriable(policy: RetryPolicy | undefined, request: RequestView, patterns: Patterns): boolean {
  if (policy === undefined || policy.retriableRequestHeaders.length === 0) return policy !== undefined;
  return policy.retriableRequestHeaders.some((matcher) => requestHeaderHolds(matcher, request, patterns));
}

/** The condition for a gRPC response that has nothing but a status. */
function grpcCondition(response: ResponseView): string | undefined {
  switch (parseUnsigned(response.header("grpc-status"))) {
    case 1:
      return "cancelled";
    case 4:
      return "deadline-exceeded";
    case 8:
      return "resource-exhausted";
    case 13:
      return "internal";
    case 14:
      return "unavailable";
    default:
      return undefined;
  }
}
