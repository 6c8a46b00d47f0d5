// What may ask the admin API at all. The socket is guarded by its file mode; TCP is open to every user of this host, and to every
// page in a browser on it, so there it only reads, and only for those who mean a loopback address (against DNS rebinding).
import type { MiddlewareHandler } from "hono";
import { isLoopback, parseAddress } from "../ip.ts";
import { failure } from "./answer.ts";

export const maxBodyBytes = 64 * 1024;
const maxUrlLength = 4096;

export function boundRequests(): MiddlewareHandler {
  return async ({ req }, next) => {
    if (req.url.length > maxUrlLength) return failure(414, `[usage] the URL is longer than ${maxUrlLength} characters`);
    await next();
    return undefined;
  };
}

export function readsOnly(): MiddlewareHandler {
  return async ({ req }, next) => {
    const host = req.header("host");
    if (host === undefined || !isLoopbackHost(host)) return failure(403, "[admin] foreign Host");
    if (!isOwnOrigin(req.header("origin"), host)) return failure(403, "[admin] foreign Origin");
    const site = req.header("sec-fetch-site");
    if (site !== undefined && site !== "same-origin" && site !== "none") return failure(403, "[admin] foreign site");
    if (req.method !== "GET" && req.method !== "HEAD") {
      const reason = "[admin] this address only reads; use the admin socket";
      return failure(405, reason, { allow: "GET, HEAD" });
    }
    await next();
    return undefined;
  };
}

/** `localhost`, an address of 127.0.0.0/8, or `[::1]`, with any port or none. */
export function isLoopbackHost(host: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return false;
  if (name.toLowerCase() === "localhost") return true;
  const address = parseAddress(name);
  return address !== undefined && isLoopback(address);
}

/** Browsers name the page's origin; ours has the Host that it was asked under. */
function isOwnOrigin(origin: string | undefined, host: string): boolean {
  return origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`;
}
