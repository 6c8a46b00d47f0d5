// What the connection manager does to a request before any route is looked at (source/common/http/conn_manager_impl.cc,
// conn_manager_utility.cc): it refuses, normalises, takes fields away and adds its own.
import type { SocketAddress } from "../ip.ts";
import type { HttpOptions } from "../model/http.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import { addForwarded } from "./behaviour/forwarded.ts";
import { ensureRequestId } from "./behaviour/request-id.ts";
import type { ChainPlan } from "./plan.ts";
import { HeadRequest, type Passing, requestFields } from "./request.ts";
import { stripAuthority } from "./wire/authority.ts";
import type { MessageHead } from "./wire/head.ts";
import { normalizePath } from "./wire/normalize.ts";

export type Admission =
  | { readonly type: "admitted"; readonly request: HttpRequest; readonly requestId: string | undefined }
  | { readonly type: "refused"; readonly status: number; readonly body: string; readonly reason: string }
  | { readonly type: "redirected"; readonly path: string };

export interface AdmissionInput {
  readonly client: SocketAddress;
  readonly localPort: number;
  readonly passing: Passing;
}

export function admit(plan: ChainPlan, head: MessageHead, { client, localPort, passing }: AdmissionInput): Admission {
  const { options } = plan;
  const refused = refusal(head, options);
  if (refused !== undefined) return refused;
  const request = new HeadRequest(head, passing);
  if (plan.stripsAuthorities) request.authority = stripAuthority(request.authority, options, localPort);
  if (plan.normalizesPaths && request.path !== "") {
    const normalized = normalizePath(request.path, options);
    if ("reject" in normalized) return refuse(400, "", "path");
    if ("redirect" in normalized) return { type: "redirected", path: normalized.redirect };
    request.path = normalized.path;
  }
  if (!plan.changesRequests && !plan.strips(head)) return { type: "admitted", request, requestId: undefined };
  return changed(plan, request, client, passing);
}

function changed(plan: ChainPlan, request: HeadRequest, client: SocketAddress, passing: Passing): Admission {
  const { options } = plan;
  const changed = requestFields(request, passing);
  const { fields } = changed;
  fields.removeWhere((name) => plan.isStripped(name));
  if (options.underscores !== "allow") {
    const hasUnderscore = [...fields.pairs()].some(([name]) => name.includes("_"));
    if (hasUnderscore && options.underscores === "reject")
      return refuse(400, "Bad Request", "underscore in field name");
    fields.removeWhere((name) => name.includes("_"));
  }
  addForwarded(fields, options, { address: client.address, host: undefined });
  const requestId = ensureRequestId(fields, options);
  return { type: "admitted", request: changed, requestId };
}

function refusal(head: MessageHead, options: HttpOptions): Admission | undefined {
  if (head.minor === 0 && !options.acceptHttp10) return refuse(426, "Upgrade Required", "HTTP/1.0");
  if (head.hostCount === 0 && head.authority === "") return refuse(400, "", "no Host field");
  const isAbsolute = head.method !== "CONNECT" && head.path !== head.target;
  if (isAbsolute && !options.allowAbsoluteUrl) return refuse(404, "", "absolute-form");
  return undefined;
}

function refuse(status: number, body: string, reason: string): Admission {
  return { type: "refused", status, body, reason };
}
