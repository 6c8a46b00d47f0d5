// The response as the client gets it: the bytes that came, or a head with what was changed, and the body in a framing that the
// client's version of HTTP has.
import { Fields } from "./behaviour/fields.ts";
import type { LocalReply } from "./behaviour/local-reply.ts";
import type { Flow } from "./flow.ts";
import { replaceHead, writeHead } from "./head-bytes.ts";
import { changedResponse, forwardedResponse } from "./head-text.ts";
import { endsHere, type Passing, passesWhole, passNothing } from "./request.ts";
import type { Upstream } from "./upstream.ts";
import { FieldKind, type MessageHead } from "./wire/head.ts";
import { reasonPhrase } from "./wire/reason.ts";

const chunkEnd = Buffer.from("\r\n");
const bodyEnd = Buffer.from("0\r\n\r\n");

export interface ResponseOptions {
  /** The client's HTTP version. */
  readonly minor: 0 | 1;
  readonly keep: boolean;
  /** Undefined: nothing changes the fields. */
  readonly change: ((fields: Fields) => void) | undefined;
}

export class ResponseWriter {
  readonly #flow: Flow;
  /** The endpoint ends the body by closing: chunks end it here. */
  #isChunking = false;
  /** The client doesn't know chunks. */
  #isUnchunking = false;

  /** The client takes the connection's end for the body's. */
  endsByClose = false;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** The head, `bytes` from `start`, and the body's first part, `from` to `to`. */
  begin(
    upstream: Upstream,
    bytes: Buffer,
    start: number,
    from: number,
    to: number,
    isEnd: boolean,
    options: ResponseOptions,
  ): void {
    const { head, framing } = upstream;
    this.#isChunking = framing === "close" && options.minor === 1;
    this.#isUnchunking = framing === "chunked" && options.minor === 0;
    this.endsByClose = this.#isUnchunking || (framing === "close" && !this.#isChunking);
    const isPlain = options.change === undefined && options.minor === 1 && options.keep && !this.#isChunking;
    if (isPlain && passesWhole(head)) {
      this.#flow.write(bytes, start, to, true);
      return;
    }
    const text = this.#headText(head, framing === "tunnel", options);
    if (this.#isChunking || this.#isUnchunking) {
      this.#writeText(text);
      this.body(upstream, bytes, from, to, isEnd);
    } else {
      replaceHead(this.#flow, text, bytes, start, from, to);
    }
  }

  body(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    if (this.#isUnchunking) {
      this.#unchunk(upstream, bytes);
      return;
    }
    if (!this.#isChunking) {
      this.#flow.write(bytes, from, to, true);
      return;
    }
    if (to > from) {
      this.#writeText(`${(to - from).toString(16)}\r\n`);
      this.#flow.write(bytes, from, to, true);
      this.#flow.write(chunkEnd, 0, chunkEnd.length, true);
    }
    if (isEnd) this.#flow.write(bodyEnd, 0, bodyEnd.length, true);
  }

  #unchunk({ scanner }: Upstream, bytes: Buffer): void {
    const { ranges = [] } = scanner;
    for (let i = 0; i + 1 < ranges.length; i += 2) this.#flow.write(bytes, ranges[i] ?? 0, ranges[i + 1] ?? 0, true);
    ranges.length = 0;
  }

  #headText(head: MessageHead, isTunnel: boolean, { change, minor, keep }: ResponseOptions): string {
    const passing: Passing = isTunnel ? { upgrade: true, expect: false } : passNothing;
    const extra =
      (isTunnel ? "" : connectionField(minor, keep)) + (this.#isChunking ? "transfer-encoding: chunked\r\n" : "");
    const without = this.#isUnchunking ? FieldKind.transferEncoding : undefined;
    if (change === undefined) return forwardedResponse(head, passing, extra, without);
    const fields = Fields.from(head, (field) => head.kind[field] !== without && !endsHere(head, field, passing));
    change(fields);
    return changedResponse(head.status, head.reason, fields, extra);
  }

  #writeText(text: string): void {
    writeHead(this.#flow, text, chunkEnd, 0, 0);
  }
}

/** A response that is made here, whole. */
export function writeReply(
  flow: Flow,
  { status, fields, body }: LocalReply,
  minor: 0 | 1,
  keep: boolean,
  isHead: boolean,
): void {
  const text = changedResponse(status, reasonPhrase(status), fields, connectionField(minor, keep));
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  writeHead(flow, text, bytes, 0, isHead ? 0 : bytes.length);
}

function connectionField(minor: 0 | 1, keep: boolean): string {
  if (!keep) return "connection: close\r\n";
  return minor === 0 ? "connection: keep-alive\r\n" : "";
}
