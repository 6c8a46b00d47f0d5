// The heads of HTTP/1.1 messages (RFC 9112), strictly: bytes have one interpretation or are refused. Works on one latin1 string with
// tables and ranges, and starts over when more bytes have come: the outcome never depends on how they were cut into pieces.
import { AUTHORITY, CR, isAll, LF, SPACE, TOKEN } from "./characters.ts";
import { FieldKind } from "./field-kind.ts";
import { parseFields } from "./fields.ts";
import { MessageHead } from "./message-head.ts";
import { longestMethod } from "./methods.ts";
import { parseRequestLine, parseStatusLine } from "./start-line.ts";

export { FieldKind, MessageHead };

export interface HeadLimits {
  /** Of the whole head with its start line. */
  readonly maxBytes: number;
  readonly maxFields: number;
}

/** The offset of the first body byte, 0 where more bytes are needed, or -(status to answer): 400, 426, 431 or 501. */
export function parseRequestHead(text: string, head: MessageHead, limits: HeadLimits): number {
  head.reset(text);
  const limit = Math.min(text.length, limits.maxBytes);
  const start = parseRequestLine(head, limit);
  const end = start > 0 ? parseFields(head, start, limit, limits.maxFields) : start;
  if (end > 0) return finishRequest(head, end);
  return end === 0 && text.length > limit ? head.refuse(431, "head is too large") : end;
}

/** The same for responses: whatever is wrong with one, the client gets 502. */
export function parseResponseHead(text: string, head: MessageHead, limits: HeadLimits): number {
  head.reset(text);
  const limit = Math.min(text.length, limits.maxBytes);
  const start = parseStatusLine(head, limit);
  const end = start > 0 ? parseFields(head, start, limit, limits.maxFields) : start;
  if (end > 0) return finishResponse(head, end);
  if (end < 0) return -502;
  return text.length > limit ? head.refuse(502, "head is too large") : 0;
}

/** Envoy's limit, in requests only. */
const maxConnectionMembers = 9;

function finishRequest(head: MessageHead, end: number): number {
  if (head.chunked && head.contentLength >= 0) return head.refuse(400, "Content-Length and Transfer-Encoding");
  if (head.chunked && head.minor === 0) return head.refuse(400, "Transfer-Encoding in HTTP/1.0");
  if (head.hostCount > 1) return head.refuse(400, "two Host fields");
  if (head.hostCount === 0 && head.minor === 1) return head.refuse(400, "no Host field");
  if (!isAll(AUTHORITY, head.text, head.hostStart, head.hostStart + head.host.length)) return head.refuse(400, "Host");
  if (head.connectionMembers > maxConnectionMembers) return head.refuse(400, "too many nominated fields");
  if (head.method === "CONNECT") {
    // A body of CONNECT could be taken for the first bytes of the tunnel.
    if (head.chunked) return head.refuse(501, "Transfer-Encoding in CONNECT");
    if (head.contentLength > 0) return head.refuse(400, "Content-Length in CONNECT");
  }
  if (head.authority === "") head.authority = head.host;
  if (head.minor === 0) head.expectContinue = false;
  finishUpgrade(head);
  head.end = end;
  return end;
}

function finishResponse(head: MessageHead, end: number): number {
  if (head.chunked && head.contentLength >= 0) return head.refuse(502, "Content-Length and Transfer-Encoding");
  if (head.chunked && head.minor === 0) return head.refuse(502, "Transfer-Encoding in HTTP/1.0");
  // These have no body (RFC 9112, section 6.3): who believes the fields reads the next response as one.
  const isBodiless = head.status < 200 || head.status === 204;
  if (isBodiless && (head.chunked || head.contentLength > 0)) return head.refuse(502, "a body where there is none");
  finishUpgrade(head);
  head.end = end;
  return end;
}

/** HTTP/1.0 has no upgrades, and without the connection option the field is another hop's (RFC 9110, section 7.8). */
function finishUpgrade(head: MessageHead): void {
  if (head.hopByHop < 2 || head.minor === 0 || !head.nominates("upgrade")) return;
  head.upgrade = head.joined("upgrade") ?? "";
}

const http2Preface = "PRI * HTTP/2.0";

/** A line that says nothing of HTTP for so long isn't a request line. */
const longestFirstLine = 8_192;

/**
 * Whether the first bytes of a connection begin an HTTP/1 request; undefined: there are too few to tell. A TLS hello, an HTTP/2
 * preface and other protocols aren't. Whatever a lenient server might take for a request is one, for the strict parser to judge:
 * it must not get past the routes and filters as "something else".
 */
export function looksLikeHttp(text: string): boolean | undefined {
  let start = 0;
  while (text.charCodeAt(start) === CR && text.charCodeAt(start + 1) === LF) start += 2;
  const isAllEmptyLines = start === text.length || (text.charCodeAt(start) === CR && start + 1 === text.length);
  // So many of them are for the strict parser to refuse, once there are too many for a head.
  if (isAllEmptyLines) return start > longestFirstLine ? true : undefined;
  const lineEnd = text.indexOf("\n", start);
  const line = text.substring(start, lineEnd === -1 ? text.length : lineEnd);
  if (line.startsWith(http2Preface)) return false;
  if (lineEnd === -1 && http2Preface.startsWith(line)) return undefined;
  if (beginsWithMethod(line) || /HTTP\//i.test(text)) return true;
  if (lineEnd !== -1 || !isPrintable(line.charCodeAt(0)) || line.length > longestFirstLine) return false;
  return undefined;
}

/** A method-like word with a space after it. */
function beginsWithMethod(line: string): boolean {
  let i = 0;
  while (i < line.length && i <= longestMethod && TOKEN[line.charCodeAt(i)] === 1) i++;
  return i > 0 && line.charCodeAt(i) === SPACE;
}

function isPrintable(code: number): boolean {
  return code >= SPACE && code < 127;
}
