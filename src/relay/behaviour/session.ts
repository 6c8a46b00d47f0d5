// Sessions that stick to an endpoint by a cookie that names it (source/extensions/http/stateful_session/cookie/cookie.{h,cc},
// cookie.proto): base64 of a message with the address and the time at which it expires.
import { formatSocketAddress, parseSocketAddress, type SocketAddress } from "../../ip.ts";
import type { StatefulSessionConfig } from "../../model/http.ts";
import type { RequestView } from "../../model/request.ts";
import { cookieValue, setCookie } from "./cookies.ts";

/**
 * The endpoint that the request asks for; undefined where it asks for none, or none that could be one. Where it isn't among the
 * cluster's healthy endpoints, another is chosen, or with `strict` the answer is 503.
 */
export function sessionEndpoint(
  config: StatefulSessionConfig,
  request: RequestView,
  nowMs: number,
): SocketAddress | undefined {
  const asked = askedAddress(config, request, nowMs);
  return asked === undefined ? undefined : parseSocketAddress(asked);
}

/** Whether the request names an endpoint at all, be it nonsense: with `strict` it goes there or nowhere. */
export function hasSession(config: StatefulSessionConfig, request: RequestView, nowMs: number): boolean {
  return askedAddress(config, request, nowMs) !== undefined;
}

/** The value of the response's Set-Cookie; undefined where the client already knows this endpoint. */
export function sessionCookie(
  config: StatefulSessionConfig,
  request: RequestView,
  endpoint: SocketAddress,
  nowMs: number,
): string | undefined {
  const { cookie } = config;
  if (cookie === undefined || !isPathOf(cookie.path, request.path)) return undefined;
  const address = formatSocketAddress(endpoint);
  if (askedAddress(config, request, nowMs) === address) return undefined;
  const expires = cookie.ttlSeconds === 0 ? 0 : Math.floor(nowMs / 1000) + cookie.ttlSeconds;
  return setCookie({ ...cookie, value: encodeSession(address, expires).toString("base64"), attributes: [] });
}

function askedAddress({ cookie }: StatefulSessionConfig, request: RequestView, nowMs: number): string | undefined {
  if (cookie === undefined || !isPathOf(cookie.path, request.path)) return undefined;
  const bytes = strictBase64(cookieValue(request, cookie.name));
  if (bytes === undefined) return undefined;
  const session = decodeSession(bytes);
  // Older versions of Envoy put the address there as it is.
  if (session === undefined) return bytes.toString("latin1");
  const isExpired = session.expires !== 0n && BigInt(Math.floor(nowMs / 1000)) > session.expires;
  return session.address === "" || isExpired ? undefined : session.address;
}

/** A cookie's path covers itself and what is below it. */
function isPathOf(cookiePath: string, path: string): boolean {
  if (cookiePath === "" || cookiePath === "/") return true;
  if (!path.startsWith(cookiePath)) return false;
  const next = path[cookiePath.length];
  return cookiePath.endsWith("/") || next === undefined || next === "/" || next === "?" || next === "#";
}

/** Undefined for "" and for what isn't the one encoding of some bytes. */
function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : undefined;
}

// message Cookie { string address = 1; int64 expires = 2; }: small enough to be read and written by hand.
const addressTag = 0x0a;
const expiresTag = 0x10;

function encodeSession(address: string, expires: number): Buffer {
  const text = Buffer.from(address, "latin1");
  const time = expires === 0 ? [] : [expiresTag, ...varint(expires)];
  return Buffer.from([addressTag, ...varint(text.length), ...text, ...time]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

/** Undefined if the bytes are no message; fields that aren't known are skipped. */
function decodeSession(bytes: Uint8Array): { address: string; expires: bigint } | undefined {
  const session = { address: "", expires: 0n };
  let at = 0;
  const readVarint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = readVarint();
    if (tag === undefined || tag >> 3n === 0n || tag > 0xffff_ffffn) return undefined;
    if ((tag & 7n) === 0n) {
      const value = readVarint();
      if (value === undefined) return undefined;
      if (tag === BigInt(expiresTag)) session.expires = BigInt.asIntN(64, value);
      continue;
    }
    const length = lengthOf(Number(tag & 7n), readVarint);
    if (length === undefined || length > bytes.length - at) return undefined;
    if (tag === BigInt(addressTag)) session.address = Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
    at += length;
  }
  return session;
}

/** Of a field's value in its wire type; groups are nothing that a session has. */
function lengthOf(wireType: number, readVarint: () => bigint | undefined): number | undefined {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  return wireType === 2 ? Number(readVarint() ?? Number.NaN) : undefined;
}
