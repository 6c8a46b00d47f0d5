// What the client of one request is sent: interim responses, then an endpoint's response or one that is made here.
import type { LocalReply } from "./behaviour/local-reply.ts";
import type { Client } from "./client.ts";
import type { ChainPlan } from "./plan.ts";
import type { RequestBody } from "./request-body.ts";
import { ResponseWriter, writeReply } from "./response.ts";
import { ResponseChanges, type ResponseContext } from "./response-changes.ts";
import { countStatus } from "./stats.ts";
import type { Upstream } from "./upstream.ts";
import type { MessageHead } from "./wire/head.ts";

const continueResponse = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

export class Answer {
  readonly changes: ResponseChanges;
  readonly #client: Client;
  readonly #plan: ChainPlan;
  readonly #head: MessageHead;
  #writer: ResponseWriter | undefined;
  #isContinued = false;

  /** `head` is the request's. */
  constructor(client: Client, plan: ChainPlan, head: MessageHead) {
    this.#client = client;
    this.#plan = plan;
    this.#head = head;
    this.changes = new ResponseChanges(plan);
  }

  /** A response is on its way: there can be no other. */
  get hasBegun(): boolean {
    return this.#writer !== undefined;
  }

  /** The client takes the connection's end for the response's. */
  get endsByClose(): boolean {
    return this.#writer?.endsByClose === true;
  }

  /** Where the client waits for leave to send its body. */
  sendContinue(body: RequestBody): void {
    if (this.#head.expectContinue && !this.#plan.options.proxy100Continue && body.dataBytes === 0) this.#continue();
  }

  /** Others than 100 aren't passed on, as in Envoy. */
  passInterim({ head }: Upstream): void {
    if (head.status === 100 && this.#plan.options.proxy100Continue) this.#continue();
  }

  /** One that is made here, whole. */
  local({ status, fields, body }: LocalReply, keep: boolean, requestId: string | undefined): void {
    const { flow, counters } = this.#client;
    const isHead = this.#head.method === "HEAD";
    // As Envoy: there is nothing to tell the length of.
    if (isHead && body.length === 0) fields.remove("content-length");
    this.changes.ofAny(fields, requestId);
    countStatus(counters.statuses, status);
    writeReply(flow, { status, fields, body }, this.#head.minor, keep, isHead);
  }

  /** An endpoint's: `bytes` from `start` is its head, `from` to `to` the body's first part. */
  begin(
    upstream: Upstream,
    [bytes, start, from, to]: readonly [bytes: Buffer, start: number, from: number, to: number],
    isEnd: boolean,
    keep: boolean,
    context: ResponseContext,
  ): void {
    const { flow, counters } = this.#client;
    const { status } = upstream.head;
    countStatus(counters.statuses, status);
    this.#writer = new ResponseWriter(flow);
    flow.feeder = upstream.flow;
    const change = this.changes.ofResponse(status, context);
    this.#writer.begin(upstream, bytes, start, from, to, isEnd, { minor: this.#head.minor, keep, change });
  }

  body(upstream: Upstream, bytes: Buffer, from: number, to: number, isEnd: boolean): void {
    this.#writer?.body(upstream, bytes, from, to, isEnd);
  }

  #continue(): void {
    if (this.#isContinued || this.hasBegun) return;
    this.#isContinued = true;
    this.#client.flow.write(continueResponse, 0, continueResponse.length, true);
  }
}
