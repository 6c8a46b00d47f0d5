// Request lines and status lines (RFC 9112, sections 3 and 4). Both functions return the offset of the first field line, 0 where
// the line isn't complete before `limit`, or -(status to answer).
import { CR, FIELD_VALUE, LF, SPACE, TARGET, TOKEN } from "./characters.ts";
import type { MessageHead } from "./message-head.ts";
import { isMethod, longestMethod } from "./methods.ts";
import { readTarget } from "./target.ts";

/** " HTTP/1.1\r\n", which follows the target. */
const versionLength = 11;

export function parseRequestLine(head: MessageHead, limit: number): number {
  const { text } = head;
  const start = skipEmptyLines(text, limit);
  let i = start;
  while (i < limit && TOKEN[text.charCodeAt(i)] === 1) i++;
  if (i - start > longestMethod) return head.refuse(400, "unknown method");
  if (i >= limit || (i === start && i + 1 >= limit && text.charCodeAt(i) === CR)) return 0;
  if (text.charCodeAt(i) !== SPACE) return head.refuse(400, "method");
  // Most requests: no string is made for them.
  if (text.startsWith("GET ", start)) head.method = "GET";
  else {
    head.method = text.substring(start, i);
    if (!isMethod(head.method)) return head.refuse(400, "unknown method");
  }

  const targetStart = ++i;
  while (i < limit && TARGET[text.charCodeAt(i)] === 1) i++;
  if (i >= limit) return 0;
  if (i === targetStart) return head.refuse(400, "request target");
  head.target = text.substring(targetStart, i);
  return text.charCodeAt(i) === SPACE ? parseRequestVersion(head, i, limit) : withoutVersion(head, i, limit);
}

/** Robust against clients that end a body with an empty line too many (RFC 9112, section 2.2). */
function skipEmptyLines(text: string, limit: number): number {
  let i = 0;
  while (i + 1 < limit && text.charCodeAt(i) === CR && text.charCodeAt(i + 1) === LF) i += 2;
  return i;
}

/** HTTP/0.9 had no version; Envoy asks to upgrade. Any other byte here isn't allowed in a target. */
function withoutVersion(head: MessageHead, at: number, limit: number): number {
  if (head.text.charCodeAt(at) !== CR) return head.refuse(400, "request target");
  if (at + 1 >= limit) return 0;
  if (head.text.charCodeAt(at + 1) !== LF) return head.refuse(400, "bare CR");
  return head.refuse(426, "HTTP/0.9");
}

function parseRequestVersion(head: MessageHead, at: number, limit: number): number {
  const { text } = head;
  const end = at + versionLength;
  if (end > limit) return 0;
  if (!text.startsWith("HTTP/", at + 1) || text.charCodeAt(at + 7) !== 46) return head.refuse(400, "version");
  const major = digitAt(text, at + 6);
  const minor = digitAt(text, at + 8);
  if (major < 0 || minor < 0) return head.refuse(400, "version");
  if (text.charCodeAt(at + 9) !== CR || text.charCodeAt(at + 10) !== LF) return head.refuse(400, "end of request line");
  if (major !== 1 || minor > 1) return head.refuse(426, "version");
  head.minor = minor === 0 ? 0 : 1;
  return readTarget(head) ? end : head.refuse(400, "request target");
}

export function parseStatusLine(head: MessageHead, limit: number): number {
  const { text } = head;
  const isVersion1 = text.length < 7 ? "HTTP/1.".startsWith(text) : text.startsWith("HTTP/1.");
  if (!isVersion1) return head.refuse(502, "version");
  // As far as the end of the line, where there is no reason.
  if (limit < 14) return 0;
  const minor = digitAt(text, 7);
  if (minor !== 0 && minor !== 1) return head.refuse(502, "version");
  head.minor = minor;
  const hundreds = digitAt(text, 9);
  const tens = digitAt(text, 10);
  const ones = digitAt(text, 11);
  if (text.charCodeAt(8) !== SPACE || hundreds < 1 || tens < 0 || ones < 0) return head.refuse(502, "status");
  head.status = hundreds * 100 + tens * 10 + ones;
  return parseReason(head, 12, limit);
}

/** The space before the reason may be missing together with it: some servers leave both out. */
function parseReason(head: MessageHead, at: number, limit: number): number {
  const { text } = head;
  let i = at;
  if (text.charCodeAt(i) === SPACE) {
    i++;
    while (i < limit && FIELD_VALUE[text.charCodeAt(i)] === 1) i++;
    head.reason = text.substring(at + 1, i);
  }
  if (i + 1 >= limit) return 0;
  if (text.charCodeAt(i) !== CR || text.charCodeAt(i + 1) !== LF) return head.refuse(502, "end of status line");
  return i + 2;
}

/** -1 where there is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
