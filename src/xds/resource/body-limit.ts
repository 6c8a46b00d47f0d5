// What may be kept of a request's body for retries and mirrors: two fields of the same meaning, the newer before the older one, each
// the route's before the virtual host's.
import type { BodyLimit } from "../../model/route.ts";

/** As routes and virtual hosts have them. */
export interface BodyLimits {
  readonly requestBodyBufferLimit?: bigint | undefined;
  readonly perRequestBufferLimitBytes?: number | undefined;
}

export function convertBodyLimit(route: BodyLimits, host: BodyLimits): BodyLimit | undefined {
  const instead = route.requestBodyBufferLimit ?? host.requestBodyBufferLimit;
  // No body has so many bytes that the number would have to be exact.
  if (instead !== undefined) return { bytes: Number(instead), isWithinListeners: false };
  const within = route.perRequestBufferLimitBytes ?? host.perRequestBufferLimitBytes;
  return within === undefined ? undefined : { bytes: within, isWithinListeners: true };
}
