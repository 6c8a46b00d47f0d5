// The CORS filter: answers preflight requests, and tells browsers whose scripts may read a response
// (source/extensions/filters/http/cors/cors_filter.cc).
import type { CorsConfig } from "../../model/http.ts";
import type { RequestView } from "../../model/request.ts";
import { happens, stringMatches } from "./conditions.ts";
import { Fields } from "./fields.ts";
import type { LocalReply } from "./local-reply.ts";
import type { Patterns } from "./patterns.ts";

export type CorsDecision =
  | { readonly type: "none" }
  | { readonly type: "preflight"; readonly reply: LocalReply }
  /** Goes on; whatever response comes gets `addCorsHeaders`. */
  | { readonly type: "response"; readonly origin: string };

const none: CorsDecision = { type: "none" };

/** `policy` is already merged (filter-config.ts). Shadow mode only counts, and so does nothing here. */
export function decideCors(
  policy: CorsConfig,
  request: RequestView,
  random: () => number,
  patterns: Patterns,
): CorsDecision {
  if (policy.filterEnabled !== undefined && !happens(policy.filterEnabled, random)) return none;
  const origin = request.header("origin") ?? "";
  if (origin === "") return none;
  const isAllowed = allowsOrigin(policy, origin, patterns);
  if (isPreflight(request) && (isAllowed || policy.forwardNotMatchingPreflights === false)) {
    return { type: "preflight", reply: preflightReply(policy, request, isAllowed ? origin : undefined) };
  }
  return isAllowed ? { type: "response", origin } : none;
}

export function addCorsHeaders(fields: Fields, policy: CorsConfig, origin: string): void {
  fields.set("access-control-allow-origin", origin);
  if (policy.allowCredentials === true) fields.set("access-control-allow-credentials", "true");
  if (policy.exposeHeaders !== "") fields.set("access-control-expose-headers", policy.exposeHeaders);
}

/** A matcher that takes "*" allows every origin. */
function allowsOrigin({ allowOrigins }: CorsConfig, origin: string, patterns: Patterns): boolean {
  return allowOrigins.some(
    (allowed) => stringMatches(allowed, "*", patterns) || stringMatches(allowed, origin, patterns),
  );
}

function isPreflight(request: RequestView): boolean {
  return request.method === "OPTIONS" && (request.header("access-control-request-method") ?? "") !== "";
}

function preflightReply(policy: CorsConfig, request: RequestView, origin: string | undefined): LocalReply {
  const fields = Fields.of([]);
  if (origin !== undefined) fields.set("access-control-allow-origin", origin);
  if (policy.allowCredentials === true) fields.set("access-control-allow-credentials", "true");
  addAllowed(
    fields,
    "access-control-allow-methods",
    policy.allowMethods,
    request.header("access-control-request-method"),
  );
  addAllowed(
    fields,
    "access-control-allow-headers",
    policy.allowHeaders,
    request.header("access-control-request-headers"),
  );
  if (policy.maxAge !== "") fields.set("access-control-max-age", policy.maxAge);
  // The filter sees its own response on the way out.
  if (origin !== undefined) addCorsHeaders(fields, policy, origin);
  fields.add("content-length", "0");
  return { status: 200, fields, body: new Uint8Array() };
}

/** "*" allows what was asked for. */
function addAllowed(fields: Fields, name: string, configured: string, requested: string | undefined): void {
  if (configured !== "") fields.set(name, configured === "*" ? (requested ?? "") : configured);
}
