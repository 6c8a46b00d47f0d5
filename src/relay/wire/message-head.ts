// One message's head as ranges of the text that it arrived in, so that it can be forwarded without being rebuilt: no name or value
// is copied until somebody asks for it. One object serves every message of a connection; parsing allocates only what it must.
import { COMMA, isWord, skipBlanks, skipBlanksBack } from "./characters.ts";
import { FieldKind } from "./field-kind.ts";

export class MessageHead {
  /** What all offsets point into: latin1, one character a byte. */
  text = "";
  method = "";
  /** As sent. */
  target = "";
  scheme: "http" | "https" = "http";
  /** Of an absolute-form or CONNECT target, which RFC 9112, section 3.2.2 puts before Host; otherwise Host. As sent. */
  authority = "";
  /** With query; "" for CONNECT, "/…" or "*" otherwise. */
  path = "";
  minor: 0 | 1 = 1;
  /** 0 in requests. */
  status = 0;
  reason = "";
  /** How many fields there are: how much of each array is in use. */
  count = 0;
  readonly lineStart: number[] = [];
  readonly nameEnd: number[] = [];
  readonly valueStart: number[] = [];
  /** Without the blanks around the value. */
  readonly valueEnd: number[] = [];
  readonly kind: FieldKind[] = [];
  /** The first field line. */
  fieldsStart = 0;
  /** The first byte of the body. */
  end = 0;
  /** -1: there is none. */
  contentLength = -1;
  chunked = false;
  /** Connection: close. */
  close = false;
  /** Connection: keep-alive. */
  keepAlive = false;
  /** The value of Upgrade where Connection names it too, and the version is 1.1; otherwise "". */
  upgrade = "";
  expectContinue = false;
  /** The Host field's value, the last one's if there are more. */
  host = "";
  /** Where that begins. */
  hostStart = 0;
  hostCount = 0;
  /**
   * How many fields end at this hop: Connection, Keep-Alive, Proxy-Connection, TE, Upgrade and Expect: 100-continue. What
   * Connection nominates (`nominated`) comes on top.
   */
  hopByHop = 0;
  /** How many members the Connection fields have together. */
  connectionMembers = 0;
  /** Connection names fields other than those that end at this hop anyway. */
  nominated = false;
  /** TE: trailers. */
  teTrailers = false;
  /** Why the head was refused; "" if it wasn't. */
  problem = "";

  /** Forgets the last message. With "", also lets go of the text that it arrived in. */
  reset(text: string): void {
    this.text = text;
    this.method = this.target = this.authority = this.path = this.reason = this.upgrade = this.host = this.problem = "";
    this.scheme = "http";
    this.minor = 1;
    this.status = this.count = this.fieldsStart = this.end = 0;
    this.hostStart = this.hostCount = this.hopByHop = this.connectionMembers = 0;
    this.contentLength = -1;
    this.chunked = this.close = this.keepAlive = this.expectContinue = this.nominated = this.teTrailers = false;
  }

  /** Notes why, and gives what the parsers return then. */
  refuse(status: number, problem: string): number {
    this.problem = problem;
    return -status;
  }

  name(field: number): string {
    return this.text.substring(this.lineStart[field] ?? 0, this.nameEnd[field]);
  }

  value(field: number): string {
    return this.text.substring(this.valueStart[field] ?? 0, this.valueEnd[field]);
  }

  isNamed(field: number, lowerName: string): boolean {
    return isWord(this.text, this.lineStart[field] ?? 0, this.nameEnd[field] ?? 0, lowerName);
  }

  /** The value of the first field of that name. */
  first(lowerName: string): string | undefined {
    for (let field = 0; field < this.count; field++) {
      if (this.isNamed(field, lowerName)) return this.value(field);
    }
    return undefined;
  }

  /** All values of that name, joined by "," as Envoy joins them for its matchers. */
  joined(lowerName: string): string | undefined {
    let values: string | undefined;
    for (let field = 0; field < this.count; field++) {
      if (this.isNamed(field, lowerName))
        values = values === undefined ? this.value(field) : `${values},${this.value(field)}`;
    }
    return values;
  }

  /** Whether a Connection field names that field or option. */
  nominates(lowerName: string): boolean {
    for (let field = 0; field < this.count; field++) {
      if (this.kind[field] === FieldKind.connection && this.lists(field, lowerName)) return true;
    }
    return false;
  }

  /** Whether the field's value, read as a comma-separated list, has that member. */
  lists(field: number, lowerMember: string): boolean {
    const end = this.valueEnd[field] ?? 0;
    for (let start = this.valueStart[field] ?? 0; start < end; start = memberEnd(this.text, start, end) + 1) {
      if (isMember(this.text, start, memberEnd(this.text, start, end), lowerMember)) return true;
    }
    return false;
  }
}

/** The comma after the list member that begins at `start`, or the end of the list. */
export function memberEnd(text: string, start: number, end: number): number {
  let i = start;
  while (i < end && text.charCodeAt(i) !== COMMA) i++;
  return i;
}

/** Whether the list member between two commas is that word, blanks around it aside. */
function isMember(text: string, start: number, end: number, lower: string): boolean {
  const from = skipBlanks(text, start, end);
  return isWord(text, from, skipBlanksBack(text, from, end), lower);
}
