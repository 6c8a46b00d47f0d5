// Responses that are made here (source/common/http/utility.cc, sendLocalReply). A gRPC client gets its own kind: always 200, with
// the status and the text in fields (source/common/grpc/common.cc, status.cc).

import type { RequestView } from "../../model/request.ts";
import type { DirectResponseAction } from "../../model/route.ts";
import { Fields } from "./fields.ts";
import { selfLocation } from "./redirect.ts";

export interface LocalReply {
  readonly status: number;
  /** With Content-Length, but for the statuses that have none. The response to HEAD has these and no body. */
  readonly fields: Fields;
  readonly body: Uint8Array;
}

export interface LocalReplyOptions {
  /** Of the gRPC response, where it doesn't follow from the status. */
  readonly grpcStatus?: number | undefined;
  /** Adds fields before Content-Type and Content-Length are settled: a Location, or the route's changes. */
  readonly change?: ((fields: Fields) => void) | undefined;
}

export function localReply(
  request: RequestView,
  status: number,
  body: string | Uint8Array,
  { grpcStatus, change }: LocalReplyOptions = {},
): LocalReply {
  const fields = Fields.of([]);
  change?.(fields);
  if (isGrpcRequest(request)) return grpcReply(fields, grpcStatus ?? grpcStatusOf(status), body);
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  fields.remove("content-length");
  if (bytes.length === 0) fields.remove("content-type");
  else if (!fields.has("content-type")) fields.add("content-type", "text/plain");
  if (bytes.length > 0 || !isBodiless(status)) fields.add("content-length", String(bytes.length));
  return { status, fields, body: bytes };
}

export function redirectReply(
  request: RequestView,
  status: number,
  location: string,
  change?: (fields: Fields) => void,
): LocalReply {
  return localReply(request, status, "", { change: withLocation(location, change) });
}

/** Envoy names the resource itself in the Location of a 201 or 3xx. */
export function directResponse(
  action: DirectResponseAction,
  request: RequestView,
  change?: (fields: Fields) => void,
): LocalReply {
  const hasLocation = action.status === 201 || (action.status >= 300 && action.status < 400);
  const changes = hasLocation ? withLocation(selfLocation(request), change) : change;
  return localReply(request, action.status, action.body, { change: changes });
}

/** Content-Type is application/grpc, with or without a suffix. */
export function isGrpcRequest(request: RequestView): boolean {
  const type = request.header("content-type");
  return type === "application/grpc" || type?.startsWith("application/grpc+") === true;
}

function grpcReply(fields: Fields, grpcStatus: number, body: string | Uint8Array): LocalReply {
  const text = typeof body === "string" ? body : Buffer.from(body).toString("latin1");
  fields.set("content-type", "application/grpc");
  fields.set("grpc-status", String(grpcStatus));
  if (text !== "") fields.set("grpc-message", percentEncode(text));
  fields.set("content-length", "0");
  return { status: 200, fields, body: new Uint8Array() };
}

function withLocation(location: string, change: ((fields: Fields) => void) | undefined): (fields: Fields) => void {
  return (fields) => {
    fields.add("location", location);
    change?.(fields);
  };
}

function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** grpc-message is percent-encoded outside of the printable ASCII range, and for `%` itself. */
function percentEncode(text: string): string {
  return text.replace(
    /[^ -$&-~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
