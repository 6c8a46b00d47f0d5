// One HTTP/1.1 connection to an endpoint: one request at a time, whose response is read strictly and handed on as the bytes that
// came. Who uses it writes the request; this end knows where the response ends, and whether the connection can serve another.
import type { Socket } from "bun";
import type { Connection } from "./connector.ts";
import { Flow } from "./flow.ts";
import { decodeHead } from "./head-bytes.ts";
import { ChunkScanner } from "./wire/chunked.ts";
import { MessageHead, parseResponseHead } from "./wire/head.ts";

/** Why a request has no response, in Envoy's words (source/common/http/utility.cc, resetReasonToString). */
export type ResetReason =
  | "remote connection failure"
  | "connection timeout"
  | "connection termination"
  | "protocol error"
  | "overflow";

/** How the response's body ends. `tunnel`: it isn't HTTP any more. */
export type Framing = "none" | "length" | "chunked" | "close" | "tunnel";

/** Who sends a request. Each call is about the connection that was given by `onReady`. */
export interface UpstreamUser {
  /** The data of a chunked response is wanted without its framing: `upstream.scanner.ranges`. */
  readonly wantsData: boolean;
  /** Now the request can be written. */
  onReady(upstream: Upstream): void;
  /** There is no connection. */
  onUnavailable(reason: ResetReason): void;
  /** An interim response (1xx) of which nobody else takes notice. */
  onInterim(upstream: Upstream): void;
  /** The head is in `upstream.head`, and is `bytes` from `start`; the body's first bytes are `from` to `to`. */
  onResponse(upstream: Upstream, bytes: Buffer, start: number, from: number, to: number, isEnd: boolean): void;
  onBody(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void;
  /** The connection has ended before the response did. */
  onReset(upstream: Upstream, reason: ResetReason): void;
}

/** Whoever keeps the connection between requests. */
export interface UpstreamOwner {
  onConnected(upstream: Upstream): void;
  /** The response has ended and the connection can be used again. */
  onIdle(upstream: Upstream): void;
  onClosed(upstream: Upstream, wasConnected: boolean): void;
}

const LF = 10;
/** As long as a response's head may be. Envoy lets pass somewhat more than its 60 KiB, depending on how the bytes come. */
const limits = { maxBytes: 128 * 1024, maxFields: 100 };
const nothing = Buffer.alloc(0);

export class Upstream implements Connection {
  readonly flow = new Flow();
  readonly head = new MessageHead();
  /** How many requests it has been used for. */
  requests = 0;
  framing: Framing = "none";
  readonly scanner = new ChunkScanner();
  /** Some of the response has come. */
  hasResponse = false;
  /** Set by the user once the whole request is written. */
  isRequestSent = false;
  readonly #owner: UpstreamOwner;
  #user: UpstreamUser | undefined;
  #method = "";
  #mayTunnel = false;
  #isConnected = false;
  #isClosed = false;
  #isInHead = true;
  #isDelivering = false;
  /** The beginning of a head that hasn't come whole. */
  #partial: Buffer | undefined;
  #left = 0;

  constructor(owner: UpstreamOwner) {
    this.#owner = owner;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isBusy(): boolean {
    return this.#user !== undefined;
  }

  /** `mayTunnel`: the request asks for an upgrade, or is a CONNECT. */
  begin(user: UpstreamUser, method: string, mayTunnel: boolean): void {
    this.#user = user;
    this.#method = method;
    this.#mayTunnel = mayTunnel;
    this.#isInHead = true;
    this.hasResponse = this.isRequestSent = false;
    this.requests++;
  }

  /** The user doesn't want the rest of the response. The connection is of use only if there is none. */
  abandon(): void {
    this.#user = undefined;
    if (!this.#isDelivering) this.close();
  }

  /** At once; the user isn't told. */
  close(): void {
    if (this.#isClosed) return;
    this.#user = undefined;
    this.flow.terminate();
    this.#gone();
  }

  opened(socket: Socket<unknown>): void {
    this.#isConnected = true;
    this.flow.attach(socket);
    this.#owner.onConnected(this);
  }

  drained(): void {
    this.flow.drain();
  }

  data(bytes: Buffer): void {
    if (this.#user === undefined) {
      // Nobody has asked: whatever this is, it must not become the answer to the next request.
      this.close();
      return;
    }
    this.hasResponse = true;
    if (this.#isInHead) this.#readHead(bytes);
    else this.#readBody(bytes, 0);
  }

  ended(): void {
    if (this.framing === "tunnel" && !this.#isInHead && this.#user !== undefined) {
      this.#user.onBody(this, nothing, 0, 0, true);
      return;
    }
    this.flow.close();
    this.#lost(false);
  }

  closed(isReset: boolean): void {
    this.flow.closed();
    this.#lost(isReset);
  }

  /** The owner hears of it first: the user may ask for another connection at once. */
  #lost(isReset: boolean): void {
    const user = this.#user;
    this.#user = undefined;
    this.#gone();
    const endsByClose = this.framing === "tunnel" || (this.framing === "close" && !isReset);
    if (endsByClose && !this.#isInHead) user?.onBody(this, nothing, 0, 0, true);
    else user?.onReset(this, "connection termination");
  }

  #gone(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#partial = undefined;
    this.#owner.onClosed(this, this.#isConnected);
  }

  #readHead(bytes: Buffer): void {
    const all = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
    // Only a line's end can complete a head that wasn't: one that trickles in isn't read anew with each byte.
    if (this.#partial !== undefined && all.length <= limits.maxBytes && !bytes.includes(LF)) {
      this.#partial = all;
      return;
    }
    this.#partial = undefined;
    let start = 0;
    for (;;) {
      const length = parseResponseHead(decodeHead(all, start, limits.maxBytes), this.head, limits);
      if (length < 0) {
        this.#refuse();
        return;
      }
      if (length === 0) {
        this.#partial = start === 0 ? all : all.subarray(start);
        return;
      }
      if (this.head.status >= 200 || this.head.status === 101) {
        this.#begin(all, start, start + length);
        return;
      }
      this.#user?.onInterim(this);
      start += length;
      if (start === all.length) return;
    }
  }

  #begin(bytes: Buffer, start: number, bodyStart: number): void {
    const { head } = this;
    const isSwitch = head.status === 101 || (this.#method === "CONNECT" && head.status < 300);
    if (isSwitch && !this.#mayTunnel) {
      this.#refuse();
      return;
    }
    this.#isInHead = false;
    this.framing = isSwitch ? "tunnel" : this.#bodyFraming();
    if (this.framing === "chunked") {
      this.scanner.reset();
      if (this.#user?.wantsData === true) this.scanner.ranges = [];
    }
    this.#left = head.contentLength;
    const end = this.#consume(bytes, bodyStart);
    if (end < 0) {
      this.#refuse();
      return;
    }
    this.#deliver(end === bytes.length, () => {
      this.#user?.onResponse(this, bytes, start, bodyStart, end, this.#isComplete());
    });
  }

  /** RFC 9112, section 6.3. */
  #bodyFraming(): Framing {
    const { status, chunked, contentLength } = this.head;
    if (this.#method === "HEAD" || status === 204 || status === 304 || contentLength === 0) return "none";
    if (chunked) return "chunked";
    return contentLength > 0 ? "length" : "close";
  }

  #readBody(bytes: Buffer, from: number): void {
    const end = this.#consume(bytes, from);
    if (end < 0) {
      this.#refuse();
      return;
    }
    this.#deliver(end === bytes.length, () => {
      this.#user?.onBody(this, bytes, from, end, this.#isComplete());
    });
  }

  /** How far the response's body goes in these bytes; below 0: it is malformed. */
  #consume(bytes: Buffer, from: number): number {
    switch (this.framing) {
      case "none":
        return from;
      case "length": {
        const end = Math.min(bytes.length, from + this.#left);
        this.#left -= end - from;
        return end;
      }
      case "chunked": {
        const end = this.scanner.feed(bytes, from, bytes.length);
        return this.scanner.state === "error" ? -1 : end;
      }
      case "close":
      case "tunnel":
        return bytes.length;
    }
  }

  #isComplete(): boolean {
    switch (this.framing) {
      case "none":
        return true;
      case "length":
        return this.#left === 0;
      case "chunked":
        return this.scanner.state === "done";
      case "close":
      case "tunnel":
        return false;
    }
  }

  /** Bytes behind the response's end were sent by a peer that has lost count: nothing more is believed of it. */
  #deliver(isExact: boolean, deliver: () => void): void {
    const isComplete = this.#isComplete();
    this.#isDelivering = true;
    deliver();
    this.#isDelivering = false;
    if (this.#isClosed) return;
    if (!isComplete) {
      if (this.#user === undefined) this.close();
      return;
    }
    this.#user = undefined;
    this.flow.feeder = undefined;
    const { close, keepAlive, minor } = this.head;
    const staysOpen = minor === 1 ? !close : keepAlive && !close;
    if (isExact && staysOpen && this.isRequestSent && this.flow.queued === 0) this.#owner.onIdle(this);
    else this.close();
  }

  #refuse(): void {
    const user = this.#user;
    this.close();
    user?.onReset(this, "protocol error");
  }
}
