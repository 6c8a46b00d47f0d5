// The request as the endpoint gets it: the route's changes of fields, host and path, in Envoy's order (source/common/router/
// config_impl.cc, RouteEntryImplBase::finalizeRequestHeaders). What nothing changes stays the bytes that came.
import type { ForwardAction } from "../model/route.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import { RequestFields } from "./behaviour/fields.ts";
import { setAttemptCount } from "./behaviour/forwarded.ts";
import { applyMutations } from "./behaviour/mutations.ts";
import type { Patterns } from "./behaviour/patterns.ts";
import { appendForwardedHost, rewriteHost, rewritePath } from "./behaviour/rewrite.ts";
import type { TemplateContext } from "./behaviour/template.ts";
import type { RoutePlan } from "./plan.ts";
import { HeadRequest, type Passing, requestFields } from "./request.ts";

export interface OutboundInput {
  readonly plan: RoutePlan;
  readonly action: ForwardAction;
  readonly context: () => TemplateContext;
  readonly passing: Passing;
  readonly grpcTimeout: string | undefined;
  readonly patterns: Patterns;
}

/** The same object where the route changes nothing; otherwise one that may be changed further. */
export function outboundRequest(request: HttpRequest, input: OutboundInput): HttpRequest {
  const { plan, action, grpcTimeout, patterns } = input;
  if (plan.keepsRequest) return request;
  const context = input.context();
  const changed = changeable(request, input.passing);
  for (const mutations of plan.requestMutations)
    applyMutations(changed.fields, mutations, { ...context, request: changed });
  // Host is changed by name like any other field, and says then where the request goes.
  changed.authority = changed.fields.get("host") ?? changed.authority;
  rewriteAuthority(changed, plan, action, patterns);
  if (action.pathRewrite !== undefined) {
    changed.path = rewritePath(changed.path, action.pathRewrite, plan.route.match.path, patterns);
  }
  if (grpcTimeout !== undefined) changed.fields.set("grpc-timeout", grpcTimeout);
  return changed;
}

/** What depends on the endpoint, or on how many were tried before. */
export function prepareAttempt(
  request: HttpRequest,
  { plan, action, patterns }: OutboundInput,
  attempt: number,
  hostname: string,
): void {
  if (!(request instanceof RequestFields)) return;
  if (action.hostRewrite?.type === "endpoint")
    setAuthority(request, action, rewriteHost(action.hostRewrite, request, hostname, patterns));
  if (plan.virtualHost.attemptCount.inRequest) setAttemptCount(request.fields, attempt);
}

/** A copy of its own, so that what came stays what it was. */
export function changeable(request: HttpRequest, passing: Passing): RequestFields {
  if (request instanceof RequestFields) return new RequestFields(request, request.fields.copy());
  if (request instanceof HeadRequest) return requestFields(request, passing);
  throw new TypeError("a request of no known kind");
}

function rewriteAuthority(request: RequestFields, plan: RoutePlan, action: ForwardAction, patterns: Patterns): void {
  const weighted = plan.weighted?.hostRewrite;
  if (weighted !== undefined) {
    setAuthority(request, action, weighted);
    return;
  }
  const { hostRewrite } = action;
  if (hostRewrite === undefined || hostRewrite.type === "endpoint") return;
  setAuthority(request, action, rewriteHost(hostRewrite, request, "", patterns));
}

function setAuthority(request: RequestFields, action: ForwardAction, authority: string | undefined): void {
  if (authority === undefined) return;
  if (action.appendForwardedHost) appendForwardedHost(request.fields, request.authority);
  request.authority = authority;
}
