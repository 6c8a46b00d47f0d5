// The request target's four forms (RFC 9112, section 3.2): which authority and path a request is for. Every proxy on the way must
// read it alike, so a target that is in none of the forms, or in one that its method doesn't have, is refused.
import { AUTHORITY, isAll, isWord, SLASH } from "./characters.ts";
import type { MessageHead } from "./message-head.ts";

const colon = ":";
const questionMark = 63;
const asterisk = "*";
const maxPort = 65_535;

/** Sets scheme, authority ("" in origin-form: Host has it) and path from the target. False: it is refused. */
export function readTarget(head: MessageHead): boolean {
  const { method, target } = head;
  if (method === "CONNECT") return readAuthority(head, 0, target.length);
  if (target.charCodeAt(0) === SLASH) {
    head.path = target;
    return true;
  }
  if (target === asterisk) {
    head.path = target;
    return method === "OPTIONS";
  }
  return readAbsolute(head);
}

function readAbsolute(head: MessageHead): boolean {
  const { target } = head;
  if (isWord(target, 0, Math.min(target.length, 7), "http://")) head.scheme = "http";
  else if (isWord(target, 0, Math.min(target.length, 8), "https://")) head.scheme = "https";
  else return false;
  const start = head.scheme.length + 3;
  let end = start;
  while (end < target.length && !isPathStart(target.charCodeAt(end))) end++;
  const path = target.substring(end);
  // An empty path is the same as "/" (RFC 9110, section 4.2.3). With a query alone it is none that a route could match, as in Envoy.
  head.path = path === "" ? "/" : path;
  return readAuthority(head, start, end);
}

function isPathStart(code: number): boolean {
  return code === SLASH || code === questionMark;
}

function readAuthority(head: MessageHead, start: number, end: number): boolean {
  const { target } = head;
  if (!isAll(AUTHORITY, target, start, end)) return false;
  const authority = target.substring(start, end);
  const hostEnd = authority.startsWith("[") ? authority.indexOf("]") + 1 : authority.lastIndexOf(colon);
  const rest = hostEnd < 0 ? "" : authority.substring(hostEnd);
  head.authority = authority;
  // CONNECT must name a port; elsewhere the scheme has a default.
  if (rest === "") return head.method !== "CONNECT" && authority !== "";
  return hostEnd > 0 && rest.startsWith(colon) && isPortNumber(rest.substring(1));
}

function isPortNumber(text: string): boolean {
  return text !== "" && text.length <= 5 && isAll(digits, text, 0, text.length) && Number(text) <= maxPort;
}
const digits = Uint8Array.from({ length: 256 }, (_, code) => (code >= 48 && code <= 57 ? 1 : 0));
