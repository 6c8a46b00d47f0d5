// Runs the HTTP filters of a route in front of the router: each lets the request pass, answers it, or makes it wait.

import type { SocketAddress } from "../ip.ts";
import type { LocalRateLimitConfig, StatefulSessionConfig } from "../model/http.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import { addCorsHeaders, decideCors } from "./behaviour/cors.ts";
import { decideFault, faultAbortBody } from "./behaviour/fault.ts";
import type { Fields } from "./behaviour/fields.ts";
import type { EffectiveFilter } from "./behaviour/filter-config.ts";
import { decideRateLimit, rateLimitedBody } from "./behaviour/local-rate-limit.ts";
import { type LocalReply, localReply } from "./behaviour/local-reply.ts";
import { applyMutations } from "./behaviour/mutations.ts";
import { isAllowed, rbacDeniedBody, rbacDeniedStatus } from "./behaviour/rbac.ts";
import { hasSession, sessionCookie, sessionEndpoint } from "./behaviour/session.ts";
import type { TemplateContext } from "./behaviour/template.ts";
import type { Engine } from "./engine.ts";
import { changeable } from "./outbound.ts";
import type { ChainPlan } from "./plan.ts";
import { passNothing } from "./request.ts";

/** What the exchange does for its filters. */
export interface FilterHost {
  /** May be replaced by a filter that changes it. */
  request: HttpRequest;
  readonly context: TemplateContext;
  readonly cluster: string | undefined;
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  /** Goes on after so long. */
  delay(ms: number, then: () => void): void;
  /** Goes on once the whole body has come; 413 where it is longer. */
  collect(maxBytes: number, then: () => void): void;
  reply(reply: LocalReply): void;
  /** Applied to whatever response the client gets. */
  onResponse(change: (fields: Fields) => void): void;
  /** `strict`: there, or nowhere. Undefined: no such endpoint can be. */
  prefer(endpoint: SocketAddress | undefined, strict: boolean): void;
  /** The endpoint that answered, when the response is there. */
  readonly endpoint: SocketAddress | undefined;
  /** This request was delayed or aborted: counted until it ends. */
  countFault(): void;
}

export class FilterRun {
  readonly #engine: Engine;
  readonly #plan: ChainPlan;
  readonly #filters: readonly EffectiveFilter[];
  readonly #host: FilterHost;
  readonly #done: () => void;
  #next = 0;

  /** `done` is called once all have let the request pass. */
  constructor(
    engine: Engine,
    plan: ChainPlan,
    filters: readonly EffectiveFilter[],
    host: FilterHost,
    done: () => void,
  ) {
    this.#engine = engine;
    this.#plan = plan;
    this.#filters = filters;
    this.#host = host;
    this.#done = done;
  }

  run(): void {
    for (;;) {
      const filter = this.#filters[this.#next++];
      if (filter === undefined) {
        this.#done();
        return;
      }
      if (!this.#passes(filter)) return;
    }
  }

  /** False: the request has been answered, or `run` is called again later. */
  #passes(filter: EffectiveFilter): boolean {
    const host = this.#host;
    const { patterns, random, timers } = this.#engine;
    switch (filter.type) {
      case "fault":
        return this.#passesFault(filter);
      case "cors_policy": {
        const decision = decideCors(filter, host.request, random, patterns);
        if (decision.type === "preflight") host.reply(decision.reply);
        if (decision.type === "response") host.onResponse((fields) => addCorsHeaders(fields, filter, decision.origin));
        return decision.type !== "preflight";
      }
      case "rbac": {
        const input = { request: host.request, source: host.source, destination: host.destination };
        if (isAllowed(filter, input, patterns)) return true;
        host.reply(localReply(host.request, rbacDeniedStatus, rbacDeniedBody));
        return false;
      }
      case "local_rate_limit":
        return this.#passesRateLimit(filter);
      case "stateful_session":
        this.#followSession(filter, timers.date());
        return true;
      case "buffer":
        host.collect(filter.maxBytes, () => this.run());
        return false;
    }
  }

  #passesFault(filter: Extract<EffectiveFilter, { type: "fault" }>): boolean {
    const host = this.#host;
    const { patterns, random, faults } = this.#engine;
    const input = { request: host.request, cluster: host.cluster, active: faults.active, random };
    const { delayMs, abort } = decideFault(filter, input, patterns);
    if (delayMs === undefined && abort === undefined) return true;
    host.countFault();
    const then = (): boolean => {
      if (abort === undefined) return true;
      host.reply(localReply(host.request, abort.status, faultAbortBody, { grpcStatus: abort.grpcStatus }));
      return false;
    };
    if (delayMs === undefined) return then();
    host.delay(delayMs, () => {
      if (then()) this.run();
    });
    return false;
  }

  #passesRateLimit(filter: LocalRateLimitConfig): boolean {
    const host = this.#host;
    const { random, timers } = this.#engine;
    const decision = decideRateLimit(filter, this.#plan.bucket(filter), random, timers.date());
    if (decision === "pass") return true;
    if (decision === "not_enforced") {
      const changed = changeable(host.request, passNothing);
      applyMutations(changed.fields, filter.requestHeaders, host.context);
      host.request = changed;
      return true;
    }
    const change = (fields: Fields): void => applyMutations(fields, filter.responseHeaders, host.context);
    host.reply(localReply(host.request, filter.status, rateLimitedBody, { change }));
    return false;
  }

  #followSession(filter: StatefulSessionConfig, nowMs: number): void {
    const host = this.#host;
    const { request } = host;
    if (hasSession(filter, request, nowMs)) host.prefer(sessionEndpoint(filter, request, nowMs), filter.strict);
    host.onResponse((fields) => {
      const cookie = host.endpoint && sessionCookie(filter, request, host.endpoint, nowMs);
      if (cookie !== undefined) fields.add("set-cookie", cookie);
    });
  }
}
