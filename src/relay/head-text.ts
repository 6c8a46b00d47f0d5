// The heads that are sent on: what came, but for the fields that end at this hop, in the same order and case; or, where something
// was changed, what the changed fields say.
import type { Fields, RequestFields } from "./behaviour/fields.ts";
import { endsHere, type HeadRequest, type Passing, trailersField } from "./request.ts";
import { FieldKind, type MessageHead } from "./wire/head.ts";

/** A request that nothing changed but its way here. */
export function forwardedRequest({ head, path, authority }: HeadRequest, passing: Passing): string {
  const line = requestLine(head.method, path, authority);
  // Host says what the target said (RFC 9112, section 3.2.2).
  const isHostReplaced = authority !== head.host;
  if (!isHostReplaced) return `${line}${keptFields(head, passing, undefined)}${trailersField(head)}\r\n`;
  return `${line}Host: ${authority}\r\n${keptFields(head, passing, FieldKind.host)}${trailersField(head)}\r\n`;
}

export function changedRequest({ method, path, authority, fields }: RequestFields): string {
  if (fields.get("host") !== authority) fields.set("host", authority);
  return `${requestLine(method, path, authority)}${fields}\r\n`;
}

function requestLine(method: string, path: string, authority: string): string {
  return `${method} ${method === "CONNECT" ? authority : path} HTTP/1.1\r\n`;
}

/** With `extra` lines at the end. `without`: a kind of field that is left out as well. */
export function forwardedResponse(
  head: MessageHead,
  passing: Passing,
  extra: string,
  without: FieldKind | undefined,
): string {
  return `${statusLine(head.status, head.reason)}${keptFields(head, passing, without)}${extra}\r\n`;
}

export function changedResponse(status: number, reason: string, fields: Fields, extra: string): string {
  return `${statusLine(status, reason)}${fields}${extra}\r\n`;
}

function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

/** The field lines as ranges of what came. */
function keptFields(head: MessageHead, passing: Passing, without: FieldKind | undefined): string {
  const end = head.end - 2;
  if (head.hopByHop === 0 && !head.nominated && without === undefined) {
    return head.text.substring(head.fieldsStart, end);
  }
  let kept = "";
  let from = head.fieldsStart;
  for (let field = 0; field < head.count; field++) {
    if (head.kind[field] !== without && !endsHere(head, field, passing)) continue;
    kept += head.text.substring(from, head.lineStart[field]);
    from = field + 1 < head.count ? (head.lineStart[field + 1] ?? end) : end;
  }
  return kept + head.text.substring(from, end);
}
