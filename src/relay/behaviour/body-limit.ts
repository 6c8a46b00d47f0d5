// How much of a request's body is kept, so that it can be sent again: to another endpoint, after a redirect, or to a mirror. Of a longer
// one nothing is, and it is sent once (source/common/router/router.cc, decodeData).
import type { HttpOptions } from "../../model/http.ts";
import type { ForwardAction } from "../../model/route.ts";

/** In bytes. */
export function bodyLimit(action: ForwardAction, options: HttpOptions): number {
  const own = action.bodyLimit;
  if (own === undefined) return options.bufferLimitBytes;
  return own.isWithinListeners ? Math.min(own.bytes, options.bufferLimitBytes) : own.bytes;
}
