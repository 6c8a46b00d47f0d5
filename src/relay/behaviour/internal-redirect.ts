// Redirects that are followed here instead of by the client (source/common/router/router.cc,
// convertRequestHeadersForInternalRedirect). The caller has the whole request, routes it anew, and gives up where no route takes it.
import type { RequestView } from "../../model/request.ts";
import type { InternalRedirectPolicy } from "../../model/route.ts";

export interface RedirectedRequest {
  /** GET after a 303; then the request's body and its Content-Length are dropped. */
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** With query. */
  readonly path: string;
  readonly dropsBody: boolean;
}

/** Undefined: the response goes to the client as it is. `followed` counts the redirects before this one. */
export function internalRedirect(
  policy: InternalRedirectPolicy,
  request: RequestView,
  response: { readonly status: number; readonly location: string | undefined },
  followed: number,
): RedirectedRequest | undefined {
  if (!policy.statusCodes.includes(response.status) || followed >= policy.maxRedirects) return undefined;
  const target = parseAbsolute(response.location ?? "");
  if (target === undefined) return undefined;
  if (!policy.allowCrossScheme && target.scheme !== request.scheme) return undefined;
  const dropsBody = response.status === 303 && request.method !== "GET" && request.method !== "HEAD";
  return { ...target, method: dropsBody ? "GET" : request.method, dropsBody };
}

/**
 * Only absolute URLs with nothing unusual in them, as Envoy's parser takes them: others, relative ones among them, go to the client.
 * User information and fragment are left out.
 */
function parseAbsolute(url: string): Pick<RedirectedRequest, "scheme" | "authority" | "path"> | undefined {
  const match = absoluteUrl.exec(url);
  if (match === null) return undefined;
  const [, scheme = "", host = "", port = "", path = "/"] = match;
  if (port !== "" && Number(port.slice(1)) > 65_535) return undefined;
  return { scheme: scheme.toLowerCase() === "https" ? "https" : "http", authority: host + port, path };
}

const absoluteUrl =
  /^(https?):\/\/(?:[A-Za-z0-9._~%!$&'()*+,;=:-]*@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(?:(\/[!-"$-~]*)(?:#[!-~]*)?)?$/i;
