// A routed request on its way to its cluster: attempt after attempt until one has an answer that counts, or none may follow
// (source/common/router/router.cc).
import type { SocketAddress } from "../ip.ts";
import type { ForwardAction } from "../model/route.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import { RequestFields } from "./behaviour/fields.ts";
import { type AttemptOutcome, RetryState } from "./behaviour/retry.ts";
import type { RequestTimeouts } from "./behaviour/timeout.ts";
import type { Client } from "./client.ts";
import type { ClusterState, Target } from "./cluster.ts";
import type { Engine } from "./engine.ts";
import { Hold } from "./flow.ts";
import { replaceHead } from "./head-bytes.ts";
import { changedRequest, forwardedRequest } from "./head-text.ts";
import { type OutboundInput, prepareAttempt } from "./outbound.ts";
import { keptLimit } from "./pause.ts";
import type { Pool } from "./pool.ts";
import { HeadRequest, HeadResponse, passesWhole } from "./request.ts";
import type { RequestBody } from "./request-body.ts";
import { countStatus } from "./stats.ts";
import { IdleTimer } from "./timers.ts";
import type { ResetReason, Upstream, UpstreamUser } from "./upstream.ts";
import type { MessageHead } from "./wire/head.ts";

/** The head as the bytes that came, and the part of the body that came with it. */
export interface Raw {
  readonly bytes: Buffer;
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

export interface ForwardInput {
  readonly cluster: ClusterState;
  readonly action: ForwardAction;
  readonly timeouts: RequestTimeouts;
  readonly outbound: OutboundInput;
  readonly request: HttpRequest;
  readonly hash: bigint | undefined;
  /** An endpoint that a session asks for. */
  readonly preferred: SocketAddress | undefined;
  /** The session's endpoint, or none. */
  readonly isStrict: boolean;
  readonly mayTunnel: boolean;
  /** The client doesn't know chunks. */
  readonly unchunks: boolean;
  /** The whole body is wanted for something else, too. */
  readonly keepsBody: boolean;
  /** A longer body is sent once. */
  readonly bodyLimit: number;
}

/** The exchange that the request belongs to. */
export interface ForwardHost {
  readonly client: Client;
  readonly body: RequestBody;
  readonly raw: Raw;
  /** The client waits for leave to send the body. */
  sendContinue(): void;
  passInterim(upstream: Upstream): void;
  delay(ms: number, then: () => void): void;
  /** This response is the answer. */
  respond(upstream: Upstream, bytes: Buffer, start: number, from: number, to: number, isEnd: boolean): void;
  continueResponse(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void;
  /** There is no response. */
  fail(status: number, text: string, flags: string): void;
  /** It broke off after its head had gone to the client. */
  broken(): void;
}

/** RFC 9110, section 9.2.2: to send these twice is to send them once. */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage (RESPONSE_FLAGS) */
const flags: Readonly<Record<ResetReason, string>> = {
  "remote connection failure": "UF",
  "connection timeout": "UF",
  "connection termination": "UC",
  "protocol error": "UPE",
  overflow: "UO",
};

export class Forward implements UpstreamUser {
  /** From 1. */
  attempt = 0;
  target: Target | undefined;
  readonly #engine: Engine;
  readonly #host: ForwardHost;
  readonly #input: ForwardInput;
  readonly #retry: RetryState | undefined;
  /** Set only where the route limits how long nothing may come of an attempt's response (per_try_idle_timeout). */
  readonly #idle: IdleTimer | undefined;
  #pool: Pool | undefined;
  #upstream: Upstream | undefined;
  #hasAnswer = false;
  #holdsRetry = false;
  #retries = 0;
  /** All that has come of the body is still here, and not too much to be kept. */
  #canReplay: boolean;
  #isStaleRetried = false;
  /** Kept only where those are to be avoided. */
  readonly #tried: Target[] = [];

  constructor(engine: Engine, host: ForwardHost, input: ForwardInput) {
    this.#engine = engine;
    this.#host = host;
    this.#input = input;
    this.#canReplay = host.body.dataBytes <= input.bodyLimit;
    if (input.timeouts.perTryIdleMs > 0) this.#idle = this.#makeIdleTimer();
    const { retry } = input.action;
    if (retry !== undefined) {
      const options = { random: engine.random, now: () => engine.timers.date(), patterns: engine.patterns };
      this.#retry = new RetryState(retry, input.request, options);
    }
  }

  get wantsData(): boolean {
    return this.#input.unchunks;
  }

  /** The connection that the request has, once there is one. */
  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  start(): void {
    if (this.#host.body.isComplete) this.#startRouteTimer();
    this.#try(false);
  }

  /** More of the body, `bytes` from `from` to `to`. */
  send(bytes: Buffer, from: number, to: number): void {
    const { body } = this.#host;
    const upstream = this.#upstream;
    upstream?.flow.write(bytes, from, to, true);
    const isWanted = this.#retry?.isActive === true || this.#input.keepsBody;
    const { bodyLimit } = this.#input;
    if (body.dataBytes > bodyLimit || body.keptBytes > keptLimit(bodyLimit)) this.#canReplay = false;
    if (upstream === undefined || (isWanted && this.#canReplay)) {
      // What nobody has taken yet is little: the client isn't read from until somebody can.
      body.keep(bytes, from, to);
    } else if (to > from) {
      this.#canReplay = false;
      body.drop();
    }
    if (!body.isComplete) return;
    this.#startRouteTimer();
    if (upstream !== undefined) this.#sent(upstream);
  }

  get canReplay(): boolean {
    return this.#canReplay;
  }

  /** Nobody wants the answer any more. */
  cancel(): void {
    this.#pool?.cancel(this);
    this.#pool = undefined;
    this.#upstream?.abandon();
    this.#upstream = undefined;
    this.ended();
  }

  /** The exchange is over. */
  ended(): void {
    this.#idle?.stop();
    this.#endRetry();
  }

  routeTimedOut(): void {
    this.#input.cluster.counters.timeouts++;
    this.#result("timeout");
    this.#giveUp(504, "upstream request timeout", "UT");
  }

  perTryTimedOut(): void {
    // As Envoy: a try that has begun its response in time is left to the route's timeout afterwards.
    if (this.#hasAnswer) this.#idle?.stop();
    else this.#tryTimedOut();
  }

  /** Also where the response has begun and nothing more comes: then it is broken off. */
  #tryTimedOut(): void {
    this.#input.cluster.counters.perTryTimeouts++;
    this.#result("timeout");
    this.#detach();
    if (this.#tryAgain({ type: "reset", reason: "per_try_timeout", started: true })) return;
    this.#giveUp(504, "upstream request timeout", "UT");
  }

  onReady(upstream: Upstream): void {
    const { body, client } = this.#host;
    this.#pool = undefined;
    this.#upstream = upstream;
    prepareAttempt(this.#input.request, this.#input.outbound, this.attempt, this.target?.hostname ?? "");
    this.#writeRequest(upstream);
    if (body.isComplete) {
      this.#sent(upstream);
    } else {
      upstream.flow.feeder = client.flow;
      this.#host.sendContinue();
    }
    client.flow.release(Hold.noDestination);
  }

  onUnavailable(reason: ResetReason): void {
    this.#pool = undefined;
    if (reason !== "overflow") this.#result(reason === "connection timeout" ? "timeout" : "connect_failure");
    this.#lost(reason, reason === "overflow" ? "overflow" : "connect_failure", false);
  }

  onInterim(upstream: Upstream): void {
    this.#host.passInterim(upstream);
  }

  onResponse(upstream: Upstream, bytes: Buffer, start: number, from: number, to: number, isEnd: boolean): void {
    const { head } = upstream;
    const { counters } = this.#input.cluster;
    if (this.#idle === undefined || upstream.framing === "tunnel") this.#stopTryTimers();
    this.#idle?.touch();
    countStatus(counters.statuses, head.status);
    this.#result(head.status);
    if (this.#retry !== undefined && this.#tryAgain(responseOutcome(head))) {
      this.#upstream = undefined;
      upstream.abandon();
      return;
    }
    if (this.#retries > 0 && head.status < 500) counters.retrySuccesses++;
    this.#hasAnswer = true;
    if (isEnd) this.#upstream = undefined;
    this.#host.respond(upstream, bytes, start, from, to, isEnd);
  }

  onBody(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    this.#idle?.touch();
    if (isEnd && upstream.framing !== "tunnel") this.#upstream = undefined;
    this.#host.continueResponse(upstream, bytes, from, to, isEnd);
  }

  onReset(upstream: Upstream, reason: ResetReason): void {
    this.#upstream = undefined;
    this.#stopTryTimers();
    this.#input.cluster.counters.resets++;
    if (this.#hasAnswer) {
      this.#host.broken();
      return;
    }
    if (this.#isStale(upstream, reason)) {
      this.#isStaleRetried = true;
      this.#try(true);
      return;
    }
    this.#result("reset");
    this.#lost(reason, "reset", true);
  }

  /** The endpoint closed a connection that it had kept open at the very moment when it was used again. */
  #isStale(upstream: Upstream, reason: ResetReason): boolean {
    if (this.#isStaleRetried || upstream.requests < 2 || upstream.hasResponse) return false;
    return reason === "connection termination" && this.#canReplay && idempotent.has(this.#input.request.method);
  }

  #try(isFresh: boolean): void {
    const { cluster, action, request, mayTunnel } = this.#input;
    const { client, body } = this.#host;
    this.attempt++;
    const target = this.#choose();
    if (target === undefined) {
      this.#giveUp(503, "no healthy upstream", "UH");
      return;
    }
    this.target = target;
    if (action.retry?.avoidPreviousHosts === true) this.#tried.push(target);
    const pool = cluster.pool(target, action.priority);
    this.#pool = pool;
    pool.request(this, request.method, mayTunnel, isFresh);
    if (this.#pool === pool && !body.isComplete) client.flow.hold(Hold.noDestination);
  }

  #choose(): Target | undefined {
    const { cluster, preferred, isStrict, hash, action } = this.#input;
    const { destination } = this.#host.client.original;
    if (preferred !== undefined && this.attempt === 1) {
      const target = cluster.endpointAt(preferred);
      if (target !== undefined || isStrict) return target;
    }
    if (isStrict) return undefined;
    let target = cluster.choose(hash, destination);
    if (action.retry?.avoidPreviousHosts !== true) return target;
    for (let i = 0; i < action.retry.hostSelectionAttempts && this.#wasTried(target); i++) {
      target = cluster.choose(hash, destination);
    }
    return target;
  }

  #wasTried(target: Target | undefined): boolean {
    return target !== undefined && this.#tried.includes(target);
  }

  /** In one write, where it is the bytes that came. */
  #writeRequest({ flow }: Upstream): void {
    const { raw, body } = this.#host;
    const { request, outbound } = this.#input;
    if (request instanceof HeadRequest && isUnchanged(request)) {
      flow.write(raw.bytes, raw.start, raw.end, true);
    } else {
      const text =
        request instanceof HeadRequest ? forwardedRequest(request, outbound.passing) : this.#changedText(request);
      // What is sent again is made anew of the parsed head.
      replaceHead(flow, text, raw.bytes, raw.start, raw.bodyStart, raw.end);
    }
    for (const part of body.kept) flow.write(part, 0, part.length, true);
  }

  #changedText(request: HttpRequest): string {
    if (!(request instanceof RequestFields)) throw new TypeError("a request of no known kind");
    return changedRequest(request);
  }

  /** The whole request is written. */
  #sent(upstream: Upstream): void {
    upstream.isRequestSent = true;
    const { perTryMs, perTryIdleMs } = this.#input.timeouts;
    if (perTryMs > 0 && (!this.#hasAnswer || this.#idle !== undefined)) this.#host.client.timers.perTry.start(perTryMs);
    this.#idle?.start(perTryIdleMs);
  }

  #makeIdleTimer(): IdleTimer {
    const { timers, guard } = this.#engine;
    const fire = (): void => this.#tryTimedOut();
    return new IdleTimer(timers, () => guard(fire, () => this.#host.client.abort()));
  }

  #stopTryTimers(): void {
    this.#host.client.timers.perTry.stop();
    this.#idle?.stop();
  }

  #startRouteTimer(): void {
    const { globalMs } = this.#input.timeouts;
    if (globalMs > 0) this.#host.client.timers.route.start(globalMs);
  }

  #lost(reason: ResetReason, outcome: "connect_failure" | "reset" | "overflow", started: boolean): void {
    this.#detach();
    if (this.#tryAgain({ type: "reset", reason: outcome, started })) return;
    const which = this.#retries > 0 ? "retried and the latest reset reason" : "reset reason";
    const text = `upstream connect error or disconnect/reset before headers. ${which}: ${reason}`;
    this.#giveUp(reason === "protocol error" ? 502 : 503, text, this.#flagsOf(reason));
  }

  /** False: this outcome is the last. Envoy retries only what has come whole. */
  #tryAgain(outcome: AttemptOutcome): boolean {
    const { cluster, action } = this.#input;
    if (this.#retry === undefined || this.#hasAnswer || !this.#canReplay || !this.#host.body.isComplete) return false;
    this.#endRetry();
    const decision = this.#retry.shouldRetry(outcome);
    if (!decision.retry || !cluster.beginRetry(action.priority)) return false;
    this.#holdsRetry = true;
    this.#retries++;
    cluster.counters.retries++;
    this.#stopTryTimers();
    this.#host.delay(decision.delayMs, () => this.#try(false));
    return true;
  }

  #endRetry(): void {
    if (this.#holdsRetry) this.#input.cluster.endRetry(this.#input.action.priority);
    this.#holdsRetry = false;
  }

  /** From what the attempt has, without a word to it. */
  #detach(): void {
    this.#stopTryTimers();
    this.#pool?.cancel(this);
    this.#pool = undefined;
    this.#upstream?.abandon();
    this.#upstream = undefined;
  }

  #flagsOf(reason: ResetReason): string {
    const flag = flags[reason];
    return this.#retry !== undefined && !this.#retry.isActive && this.#retries > 0 ? `${flag},URX` : flag;
  }

  #giveUp(status: number, text: string, responseFlags: string): void {
    this.#detach();
    this.#endRetry();
    if (this.#hasAnswer) this.#host.broken();
    else this.#host.fail(status, text, responseFlags);
  }

  #result(result: number | "connect_failure" | "timeout" | "reset"): void {
    if (this.target !== undefined) this.#engine.results.add(this.#input.cluster, this.target.address, result);
  }
}

function responseOutcome(head: MessageHead): AttemptOutcome {
  const response = new HeadResponse(head);
  return {
    type: "response",
    status: head.status,
    header: (name) => response.header(name),
    values: (name) => response.values(name),
  };
}

/** The bytes that came are the request to send: origin-form, with nothing that ends at this hop. */
function isUnchanged({ head, path, authority }: HeadRequest): boolean {
  return passesWhole(head) && path === head.target && authority === head.host;
}
