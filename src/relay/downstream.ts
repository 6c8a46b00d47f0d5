// One connection of a client: reads heads strictly and one after the other, answers in order, and keeps what was sent ahead until its
// turn comes.
import type { Socket } from "bun";
import type { SocketAddress } from "../ip.ts";
import type { Client, ExchangeTimers } from "./client.ts";
import type { Engine } from "./engine.ts";
import { Exchange } from "./exchange.ts";
import { Flow, Hold } from "./flow.ts";
import { decodeHead, writeHead } from "./head-bytes.ts";
import type { ChainPlan } from "./plan.ts";
import type { Original } from "./protocol.ts";
import type { ListenerCounters } from "./stats.ts";
import { IdleTimer, Timer } from "./timers.ts";
import { PlainTunnel } from "./tunnel.ts";
import { looksLikeHttp, MessageHead, parseRequestHead } from "./wire/head.ts";
import { reasonPhrase } from "./wire/reason.ts";

/** Requests that are sent ahead are read no further than this. */
const maxHeld = 64 * 1024;
/** What a client that doesn't read may leave unread before its next request is looked at. */
const maxUnread = 64 * 1024;
/** A head must come within this, where request_headers_timeout says nothing: Envoy waits for ever. */
const defaultHeadMs = 60_000;
/** How long what a client still sends is read and thrown away, so that it can read why it was refused. */
const lingerMs = 1_000;

const LF = 10;

export class Downstream implements Client {
  readonly flow = new Flow();
  readonly address: SocketAddress;
  readonly original: Original;
  readonly counters: ListenerCounters;
  readonly timers: ExchangeTimers;
  readonly #engine: Engine;
  readonly #onClosed: (downstream: Downstream) => void;
  readonly #head = new MessageHead();
  /** Between requests, for a head, for a client to take note that it was refused. */
  readonly #wait: Timer;
  readonly #lifetime: Timer | undefined;
  #plan: ChainPlan;
  #generation: number;
  #exchange: Exchange | undefined;
  #tunnel: PlainTunnel | undefined;
  /** What has come and isn't used yet. */
  #held: Buffer | undefined;
  #requests = 0;
  #isKnownHttp = false;
  #isWaitingForHead = false;
  #isOld = false;
  #isEnded = false;
  #isLingering = false;
  #isClosed = false;
  /** This request's own wish. */
  #clientKeeps = true;

  constructor(
    engine: Engine,
    socket: Socket<unknown>,
    address: SocketAddress,
    original: Original,
    plan: ChainPlan,
    onClosed: (downstream: Downstream) => void,
  ) {
    this.#engine = engine;
    this.address = address;
    this.original = original;
    this.#plan = plan;
    this.#generation = engine.state.generation;
    this.#onClosed = onClosed;
    this.counters = engine.stats.listener(plan.chain.listener);
    this.counters.connections++;
    this.counters.activeConnections++;
    this.flow.attach(socket);
    this.timers = this.#makeTimers();
    this.#wait = new Timer(engine.timers, () => this.#guarded(() => this.#waitedLong()));
    const { maxConnectionMs } = plan.options.timeouts;
    if (maxConnectionMs > 0) {
      this.#lifetime = new Timer(engine.timers, () => this.#age());
      this.#lifetime.start(maxConnectionMs);
    }
    this.#waitForRequest();
  }

  get staysOpen(): boolean {
    const { maxRequestsPerConnection } = this.#plan.options;
    const hasLeft = maxRequestsPerConnection === 0 || this.#requests < maxRequestsPerConnection;
    return (
      this.#clientKeeps && hasLeft && !this.#isOld && !this.#engine.isDraining() && this.#currentPlan() !== undefined
    );
  }

  data(bytes: Buffer): void {
    if (this.#isLingering || this.#isClosed) return;
    if (this.#tunnel !== undefined) {
      this.#tunnel.pass(bytes);
      return;
    }
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#read(bytes);
      return;
    }
    this.timers.idle.touch();
    if (exchange.isTunnel) {
      exchange.pass(bytes);
      return;
    }
    if (exchange.body.isComplete) {
      this.#hold(bytes, 0);
      return;
    }
    const end = exchange.take(bytes);
    if (this.#exchange === exchange && exchange.isTunnel) return;
    this.#hold(bytes, end);
    if (this.#exchange === undefined) this.#continue();
  }

  drained(): void {
    this.flow.drain();
    if (this.#isLingering) this.#waitForEnd();
    else if (this.#exchange === undefined) this.#continue();
  }

  ended(): void {
    this.#isEnded = true;
    if (this.#isLingering) {
      this.#waitForEnd();
      return;
    }
    if (this.#tunnel !== undefined) this.#tunnel.clientEnded();
    else if (this.#exchange !== undefined) this.#exchange.clientEnded();
    else this.#close();
  }

  closed(): void {
    if (this.#isClosed) return;
    this.flow.closed();
    this.#gone();
  }

  /** The configuration has changed, or the worker is ending. */
  refresh(): void {
    if (this.#exchange === undefined && this.#tunnel === undefined && this.#held === undefined && !this.staysOpen)
      this.#close();
  }

  done(keep: boolean): void {
    this.#exchange = undefined;
    this.#head.reset("");
    if (!keep) {
      this.#linger();
      return;
    }
    if (this.#held !== undefined) {
      // The response's end is still being dealt with further up.
      this.#continueSoon();
    } else if (this.#isEnded) {
      this.#linger();
    } else {
      this.#waitForRequest();
      // The answer may have begun before the chain went, or the worker began to drain.
      this.refresh();
    }
  }

  abort(): void {
    this.flow.terminate();
    this.#gone();
  }

  end(): void {
    this.flow.close();
    this.#gone();
  }

  finish(): void {
    this.#linger();
  }

  takeHeld(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    this.flow.release(Hold.pipeline);
    return held;
  }

  #makeTimers(): ExchangeTimers {
    const { timers } = this.#engine;
    const timer = (which: "route" | "perTry" | "stream" | "request" | "delay"): Timer =>
      new Timer(timers, () => this.#guarded(() => this.#exchange?.timedOut(which)));
    return {
      idle: new IdleTimer(timers, () => this.#guarded(() => this.#exchange?.timedOut("idle"))),
      route: timer("route"),
      perTry: timer("perTry"),
      stream: timer("stream"),
      request: timer("request"),
      delay: timer("delay"),
    };
  }

  /** The chain as it is now; undefined: it is gone. */
  #currentPlan(): ChainPlan | undefined {
    const { state } = this.#engine;
    if (state.generation === this.#generation) return this.#plan;
    const plan = state.chain(this.original.key);
    if (plan === undefined) return undefined;
    this.#generation = state.generation;
    this.#plan = plan;
    return plan;
  }

  #waitForRequest(): void {
    this.#isWaitingForHead = false;
    const { connectionIdleMs } = this.#plan.options.timeouts;
    if (connectionIdleMs > 0) this.#wait.start(connectionIdleMs);
  }

  #waitForHead(): void {
    if (this.#isWaitingForHead) return;
    this.#isWaitingForHead = true;
    this.#wait.start(this.#plan.options.timeouts.requestHeadersMs || defaultHeadMs);
  }

  #waitedLong(): void {
    if (!this.#isLingering && this.#isWaitingForHead) {
      this.#refuse(408, "request header timeout", "head timeout");
    } else {
      this.#close();
    }
  }

  /** The next response says that it is the last. */
  #age(): void {
    this.#isOld = true;
    this.refresh();
  }

  #hold(bytes: Buffer, from: number): void {
    if (from >= bytes.length) return;
    const rest = from === 0 ? bytes : bytes.subarray(from);
    this.#held = this.#held === undefined ? rest : Buffer.concat([this.#held, rest]);
    if (this.#held.length > maxHeld) this.flow.hold(Hold.pipeline);
  }

  #continueSoon(): void {
    queueMicrotask(() => this.#guarded(() => this.#continue()));
  }

  #guarded(what: () => void): void {
    this.#engine.guard(what, () => this.abort());
  }

  /** What was sent ahead, once the client has read what it was answered. */
  #continue(): void {
    if (this.#exchange !== undefined || this.#isClosed || this.#isLingering) return;
    if (this.#held === undefined) {
      if (this.#isEnded) this.#close();
      return;
    }
    if (this.flow.queued > maxUnread) return;
    const held = this.takeHeld();
    if (held !== undefined) this.#parse(held);
  }

  #read(bytes: Buffer): void {
    if (this.#held === undefined) {
      this.#parse(bytes);
      return;
    }
    this.#hold(bytes, 0);
    // Only a line's end can complete a head, or show what is wrong with one.
    const isLong = (this.#held?.length ?? 0) > this.#plan.limits.maxBytes;
    if (isLong || !this.#isKnownHttp || bytes.includes(LF)) this.#continue();
  }

  #parse(bytes: Buffer): void {
    const plan = this.#currentPlan();
    if (plan === undefined) {
      this.#close();
      return;
    }
    if (!this.#isKnownHttp && !this.#sniff(bytes, plan)) return;
    const head = this.#head;
    const length = parseRequestHead(decodeHead(bytes, 0, plan.limits.maxBytes), head, plan.limits);
    if (length === 0) {
      this.#held = bytes;
      this.#waitForHead();
      if (this.#isEnded) this.#close();
      return;
    }
    if (length < 0) {
      this.#refuse(-length, isRefusedLate(head) ? "" : reasonPhrase(-length), head.problem);
      return;
    }
    this.#wait.stop();
    this.#isWaitingForHead = false;
    this.#requests++;
    this.#clientKeeps = head.minor === 1 ? !head.close : head.keepAlive && !head.close;
    const exchange = new Exchange(this.#engine, this, plan, head);
    this.#exchange = exchange;
    // The request line; empty lines may have come before it.
    const start = head.fieldsStart - head.method.length - head.target.length - requestLineRest;
    const end = exchange.begin(bytes, start, length);
    // It may have said so while the request before this one was being answered.
    if (this.#isEnded && this.#exchange === exchange) exchange.clientEnded();
    if (end >= bytes.length) return;
    if (exchange.isTunnel && this.#exchange === exchange) exchange.pass(bytes.subarray(end));
    else this.#holdAfter(bytes, end);
  }

  #holdAfter(bytes: Buffer, end: number): void {
    this.#hold(bytes, end);
    // An answer that was there at once: nobody else will look at what follows.
    if (this.#exchange === undefined) this.#continueSoon();
  }

  /** False: these aren't the first bytes of an HTTP/1 connection, or too few to tell. */
  #sniff(bytes: Buffer, plan: ChainPlan): boolean {
    const isHttp = looksLikeHttp(bytes.toString("latin1", 0, plan.limits.maxBytes + 1));
    if (isHttp === true) {
      this.#isKnownHttp = true;
      return true;
    }
    if (isHttp === undefined) {
      this.#held = bytes;
      this.#waitForHead();
      return false;
    }
    this.#wait.stop();
    const { plain } = plan.chain;
    const tunnel = plain && PlainTunnel.open(this.#engine, this, plain, bytes);
    if (tunnel === undefined) {
      this.#engine.stats.refuse(plain === undefined ? "not HTTP/1" : "not HTTP/1, and no endpoint");
      this.#close();
      return false;
    }
    this.#tunnel = tunnel;
    return false;
  }

  #refuse(status: number, body: string, reason: string): void {
    this.#engine.stats.refuse(reason);
    this.#head.reset("");
    const text =
      `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\ncontent-length: ${body.length}\r\n` +
      `${body === "" ? "" : "content-type: text/plain\r\n"}connection: close\r\n\r\n`;
    const bytes = Buffer.from(body, "latin1");
    writeHead(this.flow, text, bytes, 0, bytes.length);
    this.#linger();
  }

  /** A reset could overtake the last bytes that were sent: the client is told that it is over, and gets time to read. */
  #linger(): void {
    if (this.#isClosed) return;
    this.#isLingering = true;
    this.#held = undefined;
    this.flow.end();
    this.flow.release(Hold.pipeline);
    this.#waitForEnd();
  }

  /** A client that reads slowly gets its time, one that doesn't read at all is given up like any other. */
  #waitForEnd(): void {
    if (this.flow.queued > 0) this.#wait.start(this.#plan.options.timeouts.streamIdleMs || defaultHeadMs);
    else if (this.#isEnded) this.#close();
    else this.#wait.start(lingerMs);
  }

  #close(): void {
    if (this.#isClosed) return;
    if (this.flow.queued > 0 && !this.#isLingering) {
      this.#linger();
      return;
    }
    this.flow.close();
    this.#gone();
  }

  #gone(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wait.stop();
    this.#lifetime?.stop();
    this.#held = undefined;
    this.#tunnel?.abandon();
    this.#exchange?.abandon();
    this.#exchange = undefined;
    this.counters.activeConnections--;
    this.#onClosed(this);
  }
}

/** Envoy's codec lets these pass, and its connection manager says nothing more than the status. */
function isRefusedLate({ problem, text }: MessageHead): boolean {
  return (
    problem === "no Host field" || (problem === "request target" && text.slice(0, text.indexOf(" HTTP/")).includes("#"))
  );
}

/** Two spaces, the version and the line's end. */
const requestLineRest = " ".length + " HTTP/1.1".length + 2;
