// x-request-id (source/extensions/request_id/uuid/config.cc; conn_manager_utility.cc): only where generate_request_id is written.
import type { HttpOptions } from "../../model/http.ts";
import type { Fields } from "./fields.ts";

const header = "x-request-id";

/** The request's identifier after this; undefined where none is asked for. One from outside stays unless we are the edge. */
export function ensureRequestId(
  fields: Fields,
  { generateRequestId, preserveExternalRequestId, appendForwardedFor }: HttpOptions,
): string | undefined {
  if (!generateRequestId) return fields.get(header);
  const sent = fields.get(header);
  const isEdge = appendForwardedFor;
  if (sent !== undefined && sent !== "" && (preserveExternalRequestId || !isEdge)) return sent;
  const id = crypto.randomUUID();
  fields.set(header, id);
  return id;
}

/** always_set_request_id_in_response. */
export function addRequestId(fields: Fields, options: HttpOptions, id: string | undefined): void {
  if (options.requestIdInResponse && id !== undefined) fields.set(header, id);
}
