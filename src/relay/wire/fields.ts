// Field lines (RFC 9112, section 5): the scanner, and what the few fields mean that frame a message or end at this hop. Where
// recipients are known to differ in how they read a field, the message is refused.
import { COLON, CR, FIELD_VALUE, isWord, LF, SPACE, skipBlanks, skipBlanksBack, TAB, TOKEN } from "./characters.ts";
import { FieldKind, fieldKind } from "./field-kind.ts";
import { type MessageHead, memberEnd } from "./message-head.ts";

/** The offset after the empty line that ends the fields, 0 where it doesn't come before `limit`, or -(status to answer). */
export function parseFields(head: MessageHead, start: number, limit: number, maxFields: number): number {
  const { text } = head;
  head.fieldsStart = start;
  let i = start;
  while (i < limit) {
    if (text.charCodeAt(i) === CR) {
      if (i + 1 >= limit) return 0;
      return text.charCodeAt(i + 1) === LF ? i + 2 : head.refuse(400, "bare CR");
    }
    const next = parseField(head, i, limit, maxFields);
    if (next <= 0) return next;
    i = next;
  }
  return 0;
}

function parseField(head: MessageHead, start: number, limit: number, maxFields: number): number {
  const { text } = head;
  let i = start;
  while (i < limit && TOKEN[text.charCodeAt(i)] === 1) i++;
  if (i >= limit) return 0;
  const nameEnd = i;
  if (i === start || text.charCodeAt(i) !== COLON) return head.refuse(400, nameProblem(text.charCodeAt(start)));
  i = skipBlanks(text, i + 1, limit);
  const valueStart = i;
  while (i < limit && FIELD_VALUE[text.charCodeAt(i)] === 1) i++;
  if (i + 1 >= limit) return 0;
  if (text.charCodeAt(i) !== CR || text.charCodeAt(i + 1) !== LF)
    return head.refuse(400, valueProblem(text.charCodeAt(i)));

  const field = head.count;
  if (field >= maxFields) return head.refuse(431, "too many fields");
  const kind = fieldKind(text, start, nameEnd);
  const valueEnd = skipBlanksBack(text, valueStart, i);
  head.lineStart[field] = start;
  head.nameEnd[field] = nameEnd;
  head.valueStart[field] = valueStart;
  head.valueEnd[field] = valueEnd;
  head.kind[field] = kind;
  head.count = field + 1;
  const refused = kind === FieldKind.other ? 0 : readField(head, kind, valueStart, valueEnd);
  return refused < 0 ? refused : i + 2;
}

function nameProblem(first: number): string {
  if (first === SPACE || first === TAB) return "folded line";
  return first === LF ? "bare LF" : "field name";
}

function valueProblem(code: number): string {
  if (code === LF) return "bare LF";
  return code === CR ? "bare CR" : "field value";
}

/** Below 0: the message is refused. */
function readField(head: MessageHead, kind: FieldKind, start: number, end: number): number {
  const { text } = head;
  switch (kind) {
    case FieldKind.host:
      head.hostCount++;
      head.host = text.substring(start, end);
      head.hostStart = start;
      return 0;
    case FieldKind.contentLength:
      return readContentLength(head, start, end);
    case FieldKind.transferEncoding:
      if (head.chunked || !isWord(text, start, end, "chunked")) return head.refuse(501, "transfer coding");
      head.chunked = true;
      return 0;
    case FieldKind.connection:
      head.hopByHop++;
      return readConnection(head, start, end);
    case FieldKind.expect:
      if (isWord(text, start, end, "100-continue")) {
        head.expectContinue = true;
        head.hopByHop++;
      }
      return 0;
    case FieldKind.te:
      head.hopByHop++;
      if (head.lists(head.count - 1, "trailers")) head.teTrailers = true;
      return 0;
    case FieldKind.upgrade:
    case FieldKind.keepAlive:
    case FieldKind.proxyConnection:
      head.hopByHop++;
      return 0;
    case FieldKind.trailer:
    case FieldKind.other:
      return 0;
  }
}

/** One field of digits: lists, signs and repetition are refused even where all agree (RFC 9112, section 6.3 allows that). */
function readContentLength(head: MessageHead, start: number, end: number): number {
  if (head.contentLength >= 0) return head.refuse(400, "two Content-Length fields");
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = head.text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return head.refuse(400, "Content-Length");
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return head.refuse(400, "Content-Length is too large");
  }
  if (start === end) return head.refuse(400, "Content-Length is empty");
  head.contentLength = length;
  return 0;
}

function readConnection(head: MessageHead, start: number, end: number): number {
  for (let from = start; from < end; ) {
    const to = memberEnd(head.text, from, end);
    const first = skipBlanks(head.text, from, to);
    const refused = first < to ? readOption(head, first, skipBlanksBack(head.text, first, to)) : 0;
    if (refused < 0) return refused;
    from = to + 1;
  }
  return 0;
}

function readOption(head: MessageHead, start: number, end: number): number {
  const { text } = head;
  head.connectionMembers++;
  if (isWord(text, start, end, "close")) head.close = true;
  else if (isWord(text, start, end, "keep-alive")) head.keepAlive = true;
  else if (isOneOf(neverNominated, text, start, end) || text.charCodeAt(start) === COLON) {
    return head.refuse(400, "nominated field");
  } else if (!isOneOf(endingHere, text, start, end)) head.nominated = true;
  return 0;
}

function isOneOf(words: readonly string[], text: string, start: number, end: number): boolean {
  return words.some((word) => isWord(text, start, end, word));
}

/** Named by Connection or not, these end at this hop. */
const endingHere: readonly string[] = ["upgrade", "te", "connection", "proxy-connection"];

/**
 * Without these the message would go elsewhere, end elsewhere, or seem to come from elsewhere. Envoy refuses Host and x-forwarded-*,
 * and removes the others.
 */
const neverNominated: readonly string[] = [
  ...["host", "content-length", "transfer-encoding"],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"],
];
