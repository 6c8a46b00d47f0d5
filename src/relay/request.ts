// A request as it came, in the view that matchers and filters have of it; nothing is copied. And which of a message's fields end at
// this hop (RFC 9110, section 7.6.1).
import type { HttpRequest, ResponseView } from "./behaviour/conditions.ts";
import { Fields, RequestFields } from "./behaviour/fields.ts";
import { FieldKind, type MessageHead } from "./wire/head.ts";

export class HeadRequest implements HttpRequest {
  readonly head: MessageHead;
  readonly #passing: Passing;
  /** Normalised, where that is configured. */
  path: string;
  authority: string;

  /** Fields that end at this hop aren't the request's. */
  constructor(head: MessageHead, passing: Passing = passNothing) {
    this.head = head;
    this.#passing = passing;
    this.path = head.path;
    this.authority = head.authority;
  }

  get method(): string {
    return this.head.method;
  }

  get scheme(): "http" | "https" {
    return this.head.scheme;
  }

  header(lowerName: string): string | undefined {
    const values = this.values(lowerName);
    return values.length === 0 ? undefined : values.join(",");
  }

  values(lowerName: string): readonly string[] {
    return valuesOf(this.head, lowerName, (field) => !endsHere(this.head, field, this.#passing));
  }
}

/** A response as it came, as long as the connection that it came by has no other. */
export class HeadResponse implements ResponseView {
  readonly #head: MessageHead;

  constructor(head: MessageHead) {
    this.#head = head;
  }

  get status(): number {
    return this.#head.status;
  }

  header(lowerName: string): string | undefined {
    return this.#head.joined(lowerName);
  }

  values(lowerName: string): readonly string[] {
    return valuesOf(this.#head, lowerName, () => true);
  }
}

function valuesOf(head: MessageHead, lowerName: string, isWanted: (field: number) => boolean): readonly string[] {
  const values: string[] = [];
  for (let field = 0; field < head.count; field++) {
    if (head.isNamed(field, lowerName) && isWanted(field)) values.push(head.value(field));
  }
  return values;
}

/** What of the fields that belong to one hop goes on to the next all the same. */
export interface Passing {
  /** Connection and Upgrade: the next hop is asked to switch protocols, or has. */
  readonly upgrade: boolean;
  /** Expect: 100-continue. */
  readonly expect: boolean;
}

export const passNothing: Passing = { upgrade: false, expect: false };

/** Whether the message can be forwarded as the bytes that it is. */
export function passesWhole(head: MessageHead): boolean {
  return head.hopByHop === 0 && !head.nominated && head.minor === 1;
}

export function endsHere(head: MessageHead, field: number, passing: Passing): boolean {
  switch (head.kind[field]) {
    case FieldKind.connection:
    case FieldKind.upgrade:
      return !passing.upgrade;
    case FieldKind.keepAlive:
    case FieldKind.proxyConnection:
      return true;
    case FieldKind.te:
      // Trailers pass through here as they are.
      return !isTrailers(head.value(field));
    case FieldKind.expect:
      return head.expectContinue && !passing.expect;
    case FieldKind.other:
      return head.nominated && head.nominates(head.name(field).toLowerCase());
    default:
      return false;
  }
}

/** What is left of TE, where other codings stand beside `trailers`: those are this hop's. */
export function trailersField(head: MessageHead): string {
  if (!head.teTrailers) return "";
  for (let field = 0; field < head.count; field++) {
    if (head.kind[field] === FieldKind.te && isTrailers(head.value(field))) return "";
  }
  return "te: trailers\r\n";
}

function isTrailers(value: string): boolean {
  return value.toLowerCase() === "trailers";
}

/** To be changed. */
export function requestFields(request: HeadRequest, passing: Passing): RequestFields {
  const { head } = request;
  const fields = Fields.from(head, (field) => !endsHere(head, field, passing));
  if (trailersField(head) !== "") fields.set("te", "trailers");
  return new RequestFields(request, fields);
}
