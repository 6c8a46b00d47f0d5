// Redirects that a route wants to be followed here: the request that is made of one (source/common/router/router.cc, setupRedirect).
import type { InternalRedirectPolicy } from "../model/route.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import type { RequestFields } from "./behaviour/fields.ts";
import { internalRedirect } from "./behaviour/internal-redirect.ts";
import { changeable } from "./outbound.ts";
import type { Passing } from "./request.ts";
import type { MessageHead } from "./wire/head.ts";

export interface Followed {
  readonly request: RequestFields;
  readonly dropsBody: boolean;
}

/** `count` redirects were followed before. Undefined: the response is the client's. */
export function followRedirect(
  policy: InternalRedirectPolicy,
  request: HttpRequest,
  head: MessageHead,
  count: number,
  passing: Passing,
): Followed | undefined {
  const redirected = internalRedirect(
    policy,
    request,
    { status: head.status, location: head.first("location") },
    count,
  );
  if (redirected === undefined) return undefined;
  const next = changeable(request, passing);
  next.fields.set("x-envoy-original-url", `${request.scheme}://${request.authority}${request.path}`);
  next.method = redirected.method;
  next.scheme = redirected.scheme;
  next.authority = redirected.authority;
  next.path = redirected.path;
  if (redirected.dropsBody) {
    next.fields.remove("content-length");
    next.fields.remove("transfer-encoding");
  }
  return { request: next, dropsBody: redirected.dropsBody };
}
