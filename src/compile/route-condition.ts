// Whether one condition of a route holds for a request. What Envoy does at the edges was asked of Envoy 1.40 itself; see
// route-match.test.ts.
import type { RequestView } from "../model/request.ts";
import { asciiLower } from "./latin1.ts";
import { Operator, Subject } from "./route-rows.ts";
import type { Condition } from "./route-table.ts";
import { remainder } from "./weighted-choice.ts";

/** `path`: without query; undefined where the request has none. */
export function holds(
  condition: Condition,
  request: RequestView,
  path: string | undefined,
  random: number | bigint,
): boolean {
  switch (condition.subject) {
    case Subject.path:
      return path !== undefined && textHolds(condition, path);
    case Subject.header:
      return headerHolds(condition, request);
    case Subject.queryParameter: {
      const value = queryParameter(request.path, condition.name);
      if (condition.operator === Operator.present) return (value !== undefined) !== condition.invert;
      return value !== undefined && textHolds(condition, value);
    }
    case Subject.cookie: {
      const value = cookie(request.values("cookie"), condition.name);
      return (value !== undefined && textHolds(condition, value)) !== condition.invert;
    }
    case Subject.random:
      return remainder(random, condition.denominator) < condition.numerator;
    case Subject.grpc:
      return isGrpc(request.header("content-type"));
    case Subject.connect:
      return request.method === "CONNECT";
    default:
      return condition.subject satisfies never;
  }
}

/** A header that isn't there doesn't match, inverted or not, but for the question whether it is there. */
function headerHolds(condition: Condition, request: RequestView): boolean {
  const values = headerValues(request, condition.name);
  const isThere = values.length > 0;
  if (condition.operator === Operator.present) return (isThere || condition.missingIsEmpty) !== condition.invert;
  if (!isThere) return condition.missingIsEmpty && textHolds(condition, "") !== condition.invert;
  for (const value of values) if (textHolds(condition, value)) return !condition.invert;
  return condition.invert;
}

export function headerValues(request: RequestView, name: string): readonly string[] {
  if (name.startsWith(":")) {
    const value = pseudoHeader(request, name);
    return value === undefined ? [] : [value];
  }
  if (hopByHopFields.has(name)) return hopByHopValues(request, name);
  if (!joinedFields.has(name)) return request.values(name);
  const joined = request.header(name);
  return joined === undefined ? [] : [joined];
}

function pseudoHeader(request: RequestView, name: string): string | undefined {
  switch (name) {
    case ":method":
      return request.method;
    case ":path":
      return request.path === "" ? undefined : request.path;
    case ":authority":
      return request.authority;
    case ":scheme":
      return request.scheme;
    default:
      return undefined;
  }
}

/** What concerns one connection is gone before Envoy routes (conn_manager_utility.cc, mutateRequestHeaders; codec_impl.cc). */
const hopByHopFields: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"],
]);

/** Only an upgrade keeps its fields, and of `te` only that the client takes trailers is left. */
function hopByHopValues(request: RequestView, name: string): readonly string[] {
  switch (name) {
    case "te":
      return hasToken(request.header("te"), "trailers") ? ["trailers"] : [];
    case "connection":
    case "upgrade": {
      const joined = isUpgrade(request) ? request.header(name) : undefined;
      return joined === undefined ? [] : [joined];
    }
    default:
      return [];
  }
}

/** h2c isn't supported, and goes like everything else. */
function isUpgrade(request: RequestView): boolean {
  const protocol = request.header("upgrade");
  return protocol !== undefined && asciiLower(protocol) !== "h2c" && hasToken(request.header("connection"), "upgrade");
}

function hasToken(list: string | undefined, token: string): boolean {
  return list?.split(",").some((item) => asciiLower(item.trim()) === token) === true;
}

/** Envoy looks at repeated fields one by one, except at those which it keeps as one value, joined by ",". */
const joinedFields: ReadonlySet<string> = new Set([
  ...["accept", "accept-encoding", "access-control-request-headers", "access-control-request-method", "authorization"],
  ...[
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
  ],
  ...["if-modified-since", "if-none-match", "origin", "pragma", "proxy-status", "referer", "user-agent", "via"],
  ...["x-client-trace-id", "x-envoy-attempt-count", "x-envoy-decorator-operation", "x-envoy-external-address"],
  ...["x-envoy-original-path", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"],
  ...["x-request-id"],
]);

function textHolds(condition: Condition, subject: string): boolean {
  const text = condition.ignoreCase ? asciiLower(subject) : subject;
  const wanted = condition.text;
  switch (condition.operator) {
    case Operator.exact:
      return text === wanted;
    case Operator.prefix:
      return text.startsWith(wanted);
    case Operator.suffix:
      return text.endsWith(wanted);
    case Operator.contains:
      return text.includes(wanted);
    case Operator.separatedPrefix:
      return text.startsWith(wanted) && (text.length === wanted.length || text[wanted.length] === "/");
    case Operator.pattern:
      return condition.pattern?.testExact(text) === true;
    case Operator.range:
      return isInRange(text, condition.start, condition.end);
    case Operator.present:
    case Operator.chance:
    case Operator.none:
      return true;
    default:
      return condition.operator satisfies never;
  }
}

/** A decimal number of 64 bits, perhaps with a sign or blanks around it (absl::SimpleAtoi). */
function isInRange(text: string, start: bigint, end: bigint): boolean {
  const [, sign, digits] = /^[ \t]*([+-]?)(\d+)[ \t]*$/.exec(text) ?? [];
  if (digits === undefined) return false;
  const value = sign === "-" ? -BigInt(digits) : BigInt(digits);
  return value === BigInt.asIntN(64, value) && value >= start && value < end;
}

/** Names and values aren't decoded. A name without "=" has the value "". */
export function queryParameter(path: string, name: string): string | undefined {
  let start = path.indexOf("?") + 1;
  if (start === 0) return undefined;
  while (start < path.length) {
    const next = path.indexOf("&", start);
    const end = next === -1 ? path.length : next;
    const equals = path.indexOf("=", start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (nameEnd - start === name.length && path.startsWith(name, start)) return path.slice(nameEnd + 1, end);
    start = end + 1;
  }
  return undefined;
}

/** Only spaces in front of a name, and one pair of quotes around a value, don't belong to it. */
export function cookie(fields: readonly string[], name: string): string | undefined {
  for (const field of fields) {
    for (const part of field.split(";")) {
      const equals = part.indexOf("=");
      if (equals !== -1 && part.slice(0, equals).replace(/^ +/, "") === name) return unquote(part.slice(equals + 1));
    }
  }
  return undefined;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType === "application/grpc" || contentType?.startsWith("application/grpc+") === true;
}
