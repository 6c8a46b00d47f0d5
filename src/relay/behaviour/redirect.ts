// Where redirects point (source/common/http/utility.cc: newUri, processRequestHost, createSslRedirectPath).

import { asciiLower } from "../../compile/latin1.ts";
import type { PathMatcher } from "../../model/matcher.ts";
import type { RequestView } from "../../model/request.ts";
import type { RedirectAction, VirtualHost } from "../../model/route.ts";
import type { Patterns } from "./patterns.ts";
import { rewritePath } from "./rewrite.ts";

export const tlsRedirectStatus = 301;

/** The Location of a redirect route. */
export function redirectLocation(
  action: RedirectAction,
  request: RequestView,
  matched: PathMatcher,
  patterns: Patterns,
): string {
  const scheme = action.scheme ?? requestScheme(request);
  const host = action.host !== "" ? action.host : requestHost(request, scheme, action.port);
  const port = action.port === undefined ? "" : `:${action.port}`;
  return `${scheme}://${host}${port}${redirectPath(action, request.path, matched, patterns)}`;
}

/** The Location that Envoy gives to direct responses with a 201 or 3xx status: where the request went. */
export function selfLocation(request: RequestView): string {
  const scheme = requestScheme(request);
  return `${scheme}://${requestHost(request, scheme, undefined)}${rooted(request.path)}`;
}

/** require_tls: nothing comes by TLS here, but a proxy in front can say so. Without the client's address every request is external. */
export function mustUseTls(virtualHost: VirtualHost, request: RequestView): boolean {
  return virtualHost.requireTls !== "none" && forwardedProto(request) !== "https";
}

export function tlsRedirectLocation(request: RequestView): string {
  return `https://${request.authority}${request.path}`;
}

function redirectPath(action: RedirectAction, path: string, matched: PathMatcher, patterns: Patterns): string {
  if (action.path?.type === "literal" && action.path.value !== "") {
    // A query of its own wins over the request's, and isn't stripped.
    if (action.path.value.includes("?")) return rooted(action.path.value);
    const query = path.indexOf("?");
    return strip(action, rooted(query === -1 ? action.path.value : action.path.value + path.slice(query)));
  }
  if (action.path === undefined || action.path.type === "literal") return strip(action, rooted(path));
  return strip(action, rooted(rewritePath(path, action.path, matched, patterns)));
}

function strip({ stripQuery }: RedirectAction, path: string): string {
  const query = path.indexOf("?");
  return stripQuery && query !== -1 ? path.slice(0, query) : path;
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** Without its port where another is put behind it, or where the scheme changes and the port was the old scheme's own. */
function requestHost(request: RequestView, scheme: string, port: number | undefined): string {
  const host = request.authority;
  const colon = host.startsWith("[") ? host.lastIndexOf("]:") + 1 : host.lastIndexOf(":");
  if (colon <= 0) return host;
  const proto = forwardedProto(request);
  const isDefaultPort = host.slice(colon) === (asciiLower(proto) === "https" ? ":443" : ":80");
  return port !== undefined || (scheme !== proto && isDefaultPort) ? host.slice(0, colon) : host;
}

/** What the client says that it spoke to a proxy in front of us; Envoy lets this decide the scheme. */
function requestScheme(request: RequestView): string {
  const proto = asciiLower(forwardedProto(request));
  return proto === "http" || proto === "https" ? proto : request.scheme;
}

function forwardedProto(request: RequestView): string {
  return request.header("x-forwarded-proto") ?? "http";
}
