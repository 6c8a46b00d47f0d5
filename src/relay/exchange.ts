// One request and its response: admitted, routed, filtered, forwarded or answered here. What each step decides stands in its own
// module; here is their order, and what a client gets when something fails in between.
import type { SocketAddress } from "../ip.ts";
import type { ForwardAction } from "../model/route.ts";
import { admit } from "./admission.ts";
import { Answer } from "./answer.ts";
import { bodyLimit } from "./behaviour/body-limit.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import type { Fields } from "./behaviour/fields.ts";
import { requestHash } from "./behaviour/hash.ts";
import { directResponse, type LocalReply, localReply, redirectReply } from "./behaviour/local-reply.ts";
import { redirectLocation } from "./behaviour/redirect.ts";
import type { TemplateContext } from "./behaviour/template.ts";
import { requestTimeouts } from "./behaviour/timeout.ts";
import type { Client } from "./client.ts";
import { applyRouteTimers, startTimers, stopTimers } from "./deadlines.ts";
import type { Engine } from "./engine.ts";
import { type FilterHost, FilterRun } from "./filters.ts";
import { Hold } from "./flow.ts";
import { followRedirect } from "./follow.ts";
import { Forward, type ForwardHost, type Raw } from "./forward.ts";
import { type ChosenMirror, chooseMirrors, sendMirror } from "./mirror.ts";
import { changeable, outboundRequest } from "./outbound.ts";
import { Pause } from "./pause.ts";
import type { ChainPlan, RoutePlan } from "./plan.ts";
import { HeadRequest, type Passing } from "./request.ts";
import { RequestBody, unchunk } from "./request-body.ts";
import type { ResponseContext } from "./response-changes.ts";
import { clusterName, randomNumber, routeRequest } from "./routing.ts";
import { mayUpgrade, upgradeType } from "./upgrade.ts";
import type { Upstream } from "./upstream.ts";
import type { MessageHead } from "./wire/head.ts";

const nothing: Raw = { bytes: Buffer.alloc(0), start: 0, bodyStart: 0, end: 0 };

/** What is read of a body while nobody takes it. */
const maxUntaken = 1024 * 1024;

export class Exchange implements ForwardHost, FilterHost {
  readonly client: Client;
  readonly body = new RequestBody();
  raw: Raw;
  request: HttpRequest;
  readonly #engine: Engine;
  readonly #plan: ChainPlan;
  readonly #head: MessageHead;
  readonly #startedAtMs: number;
  readonly #random: number;
  #route: RoutePlan | undefined;
  #requestId: string | undefined;
  #forward: Forward | undefined;
  /** As it is sent to its cluster. */
  #outbound: HttpRequest;
  #preferred: SocketAddress | undefined;
  #isStrict = false;
  readonly #answer: Answer;
  #mirrors: readonly ChosenMirror[] = [];
  #redirects = 0;
  readonly #pause: Pause;
  /** Why there is no endpoint's response, by Envoy's names. */
  #flags = "";
  #isTunnel = false;
  #isFault = false;
  #isOver = false;
  #mustClose = false;
  #keepsAfterwards = false;
  #upstreamEnded = false;
  #clientEnded = false;

  constructor(engine: Engine, client: Client, plan: ChainPlan, head: MessageHead) {
    this.#engine = engine;
    this.client = client;
    this.#plan = plan;
    this.#head = head;
    this.raw = nothing;
    this.request = this.#outbound = new HeadRequest(head);
    this.#answer = new Answer(client, plan, head);
    this.#pause = new Pause(client.timers.delay);
    this.#startedAtMs = engine.timers.date();
    this.#random = randomNumber(engine.random);
    client.counters.requests++;
    client.counters.activeRequests++;
  }

  get isTunnel(): boolean {
    return this.#isTunnel;
  }

  /** The head is `bytes` from `start`, the body begins at `bodyStart`. Returns where what has come of the request ends. */
  begin(bytes: Buffer, start: number, bodyStart: number): number {
    const { body } = this;
    body.begin(this.#head);
    const end = body.isComplete ? bodyStart : body.feed(bytes, bodyStart);
    this.raw = { bytes, start, bodyStart, end: Math.max(end, bodyStart) };
    startTimers(this.client.timers, this.#plan.options.timeouts, body.isComplete);
    if (end < 0) this.#refuseBody();
    else this.#admit();
    return end < 0 ? bytes.length : end;
  }

  /** More of the body; returns where the request ends. */
  take(bytes: Buffer): number {
    const end = this.body.feed(bytes, 0);
    if (end < 0) {
      this.#refuseBody();
      return bytes.length;
    }
    if (this.body.isComplete) this.client.timers.request.stop();
    if (this.#forward === undefined) {
      this.#collect(bytes, end);
    } else {
      this.#forward.send(bytes, 0, end);
      if (this.body.isComplete) this.#sendMirrors();
    }
    return end;
  }

  /** Bytes for the other end of a tunnel. */
  pass(bytes: Buffer): void {
    this.#forward?.upstream?.flow.write(bytes, 0, bytes.length, true);
  }

  /** The client sends no more. */
  clientEnded(): void {
    if (this.#isTunnel) {
      this.#clientEnded = true;
      this.#forward?.upstream?.flow.end();
      if (this.#upstreamEnded) this.#finish(false);
    } else if (!this.body.isComplete) {
      this.client.end();
    }
  }

  /** The client's connection is gone. */
  abandon(): void {
    if (this.#isOver) return;
    this.#forward?.cancel();
    this.#end();
  }

  timedOut(which: "idle" | "route" | "perTry" | "stream" | "request" | "delay"): void {
    switch (which) {
      case "delay":
        this.#pause.resume();
        return;
      case "route":
        this.#forward?.routeTimedOut();
        return;
      case "perTry":
        this.#forward?.perTryTimedOut();
        return;
      case "idle":
        this.#expire(this.#timeoutStatus(), "stream timeout");
        return;
      case "stream":
        this.#expire(this.#timeoutStatus(), "downstream duration timeout");
        return;
      case "request":
        this.#expire(408, "request timeout");
        return;
    }
  }

  // What filters ask for.

  get context(): TemplateContext {
    const { client } = this;
    return {
      request: this.request,
      response: undefined,
      protocol: this.#head.minor === 0 ? "HTTP/1.0" : "HTTP/1.1",
      startTimeMs: this.#startedAtMs,
      remote: client.address,
      local: client.original.destination,
      upstream: this.endpoint,
      cluster: this.cluster,
      routeName: this.#route?.route.name ?? "",
      responseFlags: this.#flags,
      hostname: this.#engine.hostname,
    };
  }

  get cluster(): string | undefined {
    return this.#route && clusterName(this.#route, this.request);
  }

  get source(): SocketAddress {
    return this.client.address;
  }

  get destination(): SocketAddress {
    return this.client.original.destination;
  }

  get endpoint(): SocketAddress | undefined {
    return this.#forward?.target?.address;
  }

  delay(ms: number, then: () => void): void {
    this.#pause.delay(ms, then);
  }

  collect(maxBytes: number, then: () => void): void {
    const isWaiting = this.#pause.collect(this.body, maxBytes, (fits) => {
      if (!fits) {
        this.reply(localReply(this.request, 413, "Payload Too Large"));
        return;
      }
      this.#measureBody();
      then();
    });
    if (isWaiting) this.sendContinue();
  }

  onResponse(change: (fields: Fields) => void): void {
    this.#answer.changes.add(change);
  }

  prefer(endpoint: SocketAddress | undefined, strict: boolean): void {
    this.#preferred = endpoint;
    this.#isStrict = strict;
  }

  countFault(): void {
    if (!this.#isFault) this.#engine.faults.active++;
    this.#isFault = true;
  }

  /** An answer of our own. */
  reply(reply: LocalReply): void {
    if (this.#answer.hasBegun) {
      this.broken();
      return;
    }
    this.#forward?.cancel();
    const keep = this.#keeps();
    this.#answer.local(reply, keep, this.#requestId);
    this.#finish(keep);
  }

  // What the way to the cluster says.

  sendContinue(): void {
    this.#answer.sendContinue(this.body);
  }

  passInterim(upstream: Upstream): void {
    this.#answer.passInterim(upstream);
  }

  respond(upstream: Upstream, bytes: Buffer, start: number, from: number, to: number, isEnd: boolean): void {
    if (this.#follows(upstream)) return;
    this.body.drop();
    this.#mirrors = [];
    if (upstream.framing === "tunnel") this.#becomeTunnel(upstream);
    const keep = this.#keeps() && !this.#endsByClose(upstream);
    this.#answer.begin(upstream, [bytes, start, from, to], isEnd, keep || this.#isTunnel, this.#responseContext());
    if (isEnd) this.#finish(keep);
    else if (this.#isTunnel) this.#passHeld(upstream);
    else this.#keepsAfterwards = keep;
  }

  continueResponse(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    this.client.timers.idle.touch();
    this.#answer.body(upstream, bytes, from, to, isEnd);
    if (!isEnd) return;
    if (!this.#isTunnel) {
      this.#finish(this.#keepsAfterwards);
      return;
    }
    this.#upstreamEnded = true;
    this.client.flow.end();
    if (this.#clientEnded) this.#finish(false);
  }

  fail(status: number, text: string, flags: string): void {
    this.#flags = flags;
    const change = (fields: Fields): void => {
      this.#answer.changes.byRoute(fields, undefined, this.#responseContext());
      this.#answer.changes.byAttempts(fields, this.#responseContext());
    };
    this.reply(localReply(this.request, status, text, { change }));
  }

  broken(): void {
    if (this.#isOver) return;
    this.#forward?.cancel();
    this.#end();
    // Where only the connection's end tells that a body is whole, it must not look like that.
    if (this.#answer.endsByClose) this.client.abort();
    else this.client.end();
  }

  #admit(): void {
    const { client } = this;
    const input = {
      client: client.address,
      localPort: client.original.destination.port,
      passing: this.#passing(),
    };
    const admission = admit(this.#plan, this.#head, input);
    switch (admission.type) {
      case "refused":
        this.#engine.stats.refuse(admission.reason);
        this.#mustClose = true;
        this.reply(localReply(this.request, admission.status, admission.body));
        return;
      case "redirected":
        this.reply(redirectReply(this.request, 307, admission.path));
        return;
      case "admitted":
        this.request = admission.request;
        this.#requestId = admission.requestId;
        this.#findRoute();
        return;
    }
  }

  #findRoute(): void {
    const { request } = this;
    const hash = (action: ForwardAction): bigint | undefined => this.#requestHash(action, request).hash;
    const routed = routeRequest(this.#plan, { request, random: this.#random, hash });
    if (routed.type === "reply") {
      this.reply(routed.reply);
      return;
    }
    const { plan } = routed;
    this.#route = plan;
    if (!mayUpgrade(upgradeType(this.#head), plan.route.action, this.#plan.options)) {
      this.#mustClose = true;
      this.reply(localReply(request, 403, ""));
      return;
    }
    applyRouteTimers(this.client.timers, plan.route.action, request);
    if (plan.filters.length === 0) this.#act();
    else new FilterRun(this.#engine, this.#plan, plan.filters, this, () => this.#act()).run();
  }

  #act(): void {
    const route = this.#route;
    if (route === undefined) return;
    const { action, match } = route.route;
    const { request } = this;
    const change = (fields: Fields): void => this.#answer.changes.byRoute(fields, undefined, this.#responseContext());
    switch (action.type) {
      case "redirect": {
        const location = redirectLocation(action, request, match.path, this.#engine.patterns);
        this.reply(redirectReply(request, action.status, location, change));
        return;
      }
      case "direct_response":
        this.reply(directResponse(action, request, change));
        return;
      case "forward":
        this.#startForward(route, action);
        return;
    }
  }

  #startForward(plan: RoutePlan, action: ForwardAction): void {
    const name = clusterName(plan, this.request);
    const cluster = name === undefined ? undefined : this.#engine.state.cluster(name);
    if (cluster === undefined) {
      this.fail(action.notFoundStatus, "", "NC");
      return;
    }
    const timeouts = requestTimeouts(action, this.request);
    const { patterns } = this.#engine;
    const { grpcTimeout } = timeouts;
    const context = (): TemplateContext => this.context;
    const outbound = { plan, action, context, passing: this.#passing(), grpcTimeout, patterns };
    const request = outboundRequest(this.request, outbound);
    const { hash, setCookies } = this.#requestHash(action, request);
    for (const cookie of setCookies) this.onResponse((fields) => fields.add("set-cookie", cookie));
    this.#mirrors = action.mirrors.length === 0 ? [] : chooseMirrors(action.mirrors, request, this.#engine);
    this.#outbound = request;
    this.#forward = new Forward(this.#engine, this, {
      cluster,
      action,
      timeouts,
      outbound,
      request,
      hash,
      preferred: this.#preferred,
      isStrict: this.#isStrict,
      unchunks: this.#head.minor === 0,
      mayTunnel: upgradeType(this.#head) !== "",
      bodyLimit: bodyLimit(action, this.#plan.options),
      keepsBody: this.#mirrors.length > 0 || action.internalRedirect !== undefined,
    });
    this.#forward.start();
    if (this.body.isComplete) this.#sendMirrors();
  }

  /** The request has come whole; what of its body isn't here any more was too much to keep. */
  #sendMirrors(): void {
    // One that was answered at once is over, and its head isn't there any more.
    if (this.#isOver || this.#mirrors.length === 0 || this.#forward?.canReplay !== true) return;
    const input = { request: this.#outbound, body: this.#bodyParts(), original: this.client.original };
    const action = this.#route?.route.action;
    const timeoutMs = action?.type === "forward" ? action.timeoutMs : 0;
    for (const mirror of this.#mirrors) sendMirror(this.#engine, mirror, { ...input, timeoutMs });
    this.#mirrors = [];
  }

  #bodyParts(): readonly Buffer[] {
    const { bytes, bodyStart, end } = this.raw;
    return [bytes.subarray(bodyStart, end), ...this.body.kept];
  }

  /** The response is a redirect that isn't for the client. */
  #follows({ head }: Upstream): boolean {
    const action = this.#route?.route.action;
    if (action?.type !== "forward" || action.internalRedirect === undefined) return false;
    if (!this.body.isComplete || this.#forward?.canReplay !== true) return false;
    const followed = followRedirect(action.internalRedirect, this.request, head, this.#redirects, this.#passing());
    if (followed === undefined) return false;
    this.#redirects++;
    this.#forward.cancel();
    this.#forward = undefined;
    this.#answer.changes.reset();
    this.request = followed.request;
    if (followed.dropsBody) this.#replaceBody();
    this.client.timers.route.stop();
    this.#findRoute();
    return true;
  }

  /** A chunked body that is there whole is sent with its length (buffer_filter.cc, maybeAddContentLength). */
  #measureBody(): void {
    if (!this.#head.chunked) return;
    const data = unchunk(Buffer.concat(this.#bodyParts()));
    if (data === undefined) return;
    const changed = changeable(this.request, this.#passing());
    changed.fields.remove("transfer-encoding");
    changed.fields.set("content-length", String(data.length));
    this.request = changed;
    this.#replaceBody(data);
  }

  /** Nothing of what came is the request's body any more; `data` is, where there is some. */
  #replaceBody(data?: Buffer): void {
    this.body.drop();
    this.raw = nothing;
    if (data !== undefined) this.body.keep(data, 0, data.length);
  }

  #requestHash(action: ForwardAction, request: HttpRequest): ReturnType<typeof requestHash> {
    const { address, original } = this.client;
    const input = { request, remote: address, local: original.destination };
    return requestHash(action.hashPolicies, input, this.#engine.patterns);
  }

  #responseContext(): ResponseContext {
    return {
      route: this.#route,
      template: () => this.context,
      requestId: this.#requestId,
      attempt: this.#forward?.attempt ?? 0,
    };
  }

  #passing(): Passing {
    return { upgrade: upgradeType(this.#head) !== "", expect: this.#plan.options.proxy100Continue };
  }

  /** The connection may serve another request: only a request that has come whole leaves it where the next one begins. */
  #keeps(): boolean {
    return this.body.isComplete && !this.#mustClose && this.client.staysOpen;
  }

  /** Where the client's version has no other way to tell the end of the body. */
  #endsByClose({ framing }: Upstream): boolean {
    return this.#head.minor === 0 && (framing === "close" || framing === "chunked");
  }

  #refuseBody(): void {
    this.#engine.stats.refuse(this.body.problem || "body");
    this.#mustClose = true;
    this.reply(localReply(this.request, 400, "Bad Request"));
  }

  /** Bytes of a body that nobody takes yet. */
  #collect(bytes: Buffer, end: number): void {
    this.body.keep(bytes, 0, end);
    if (this.#pause.grown(this.body) || this.#isOver || this.#forward !== undefined) return;
    if (this.body.keptBytes > maxUntaken) this.client.flow.hold(Hold.noDestination);
  }

  #timeoutStatus(): 408 | 504 {
    return this.body.isComplete ? 504 : 408;
  }

  #expire(status: number, text: string): void {
    if (!this.#answer.hasBegun) this.reply(localReply(this.request, status, text));
    else this.broken();
  }

  /** From here on bytes go both ways as they come. */
  #becomeTunnel(upstream: Upstream): void {
    this.#isTunnel = true;
    this.body.isComplete = true;
    this.client.timers.route.stop();
    upstream.flow.feeder = this.client.flow;
  }

  #passHeld(upstream: Upstream): void {
    const held = this.client.takeHeld();
    if (held !== undefined) upstream.flow.write(held, 0, held.length, true);
  }

  #finish(keep: boolean): void {
    if (this.#isOver) return;
    if (this.#isTunnel) this.#endTunnel();
    this.#end();
    this.client.done(keep);
  }

  /** Both ends have ended it in order: a reset could overtake the last bytes. */
  #endTunnel(): void {
    const flow = this.#forward?.upstream?.flow;
    if (flow?.queued === 0) flow.close();
    this.#forward?.cancel();
  }

  #end(): void {
    this.#isOver = true;
    const { timers, counters, flow } = this.client;
    counters.activeRequests--;
    if (this.#isFault) this.#engine.faults.active--;
    this.#forward?.ended();
    flow.feeder = undefined;
    flow.release(Hold.noDestination);
    stopTimers(timers);
  }
}
