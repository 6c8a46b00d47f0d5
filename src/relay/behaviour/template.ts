// The values of added headers: text with Envoy's command operators. What isn't known is left out
// (source/common/formatter/substitution_formatter_base.h with omit_empty_values, as the router's header parser asks for).

import { headerValues } from "../../compile/route-condition.ts";
import { formatAddress, formatSocketAddress, type SocketAddress } from "../../ip.ts";
import type { ValuePart, ValueTemplate } from "../../model/headers.ts";
import type { RequestView } from "../../model/request.ts";
import type { ResponseView } from "./conditions.ts";
import { fieldText } from "./field-text.ts";
import { formatTime } from "./time-format.ts";

export interface TemplateContext {
  readonly request: RequestView;
  /** Undefined while the request is on its way. */
  readonly response: ResponseView | undefined;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1";
  readonly startTimeMs: number;
  /** The client. */
  readonly remote: SocketAddress;
  /** What the client connected to. */
  readonly local: SocketAddress;
  /** The endpoint, once there is one. */
  readonly upstream: SocketAddress | undefined;
  readonly cluster: string | undefined;
  readonly routeName: string;
  /** No operator asks for it. */
  /** Envoy's short names, "" = none. */
  readonly responseFlags: string;
  readonly hostname: string;
}

export function evaluateTemplate(template: ValueTemplate, context: TemplateContext): string {
  const [only] = template;
  if (template.length === 1 && only?.type === "text") return only.text;
  return template.map((part) => evaluatePart(part, context)).join("");
}

function evaluatePart(part: ValuePart, context: TemplateContext): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "request_header": {
      const find = (name: string): string | undefined => requestValue(context, name);
      return truncate(lookUp(find, part.name, part.alternative), part.maxLength);
    }
    case "response_header": {
      const find = (name: string): string | undefined => responseValue(context, name);
      return truncate(lookUp(find, part.name, part.alternative), part.maxLength);
    }
    case "start_time":
      return formatTime(context.startTimeMs, part.format);
    case "protocol":
      return context.protocol;
    case "downstream_remote_address":
      return formatSocketAddress(context.remote);
    case "downstream_remote_address_without_port":
      return formatAddress(context.remote.address);
    case "downstream_remote_port":
      return String(context.remote.port);
    case "downstream_local_address":
      return formatSocketAddress(context.local);
    case "downstream_local_address_without_port":
      return formatAddress(context.local.address);
    case "downstream_local_port":
      return String(context.local.port);
    case "upstream_host":
    case "upstream_remote_address":
      return context.upstream === undefined ? "" : formatSocketAddress(context.upstream);
    case "upstream_remote_address_without_port":
      return context.upstream === undefined ? "" : formatAddress(context.upstream.address);
    case "upstream_remote_port":
      return context.upstream === undefined ? "" : String(context.upstream.port);
    case "upstream_cluster":
      return fieldText(context.cluster ?? "");
    case "route_name":
      return fieldText(context.routeName);
    case "response_code":
      return String(context.response?.status ?? 0);
    case "response_flags":
      return context.responseFlags === "" ? "-" : context.responseFlags;
    case "hostname":
      return fieldText(context.hostname);
  }
}

function lookUp(find: (name: string) => string | undefined, name: string, alternative: string | undefined): string {
  return find(name) ?? (alternative === undefined ? undefined : find(alternative)) ?? "";
}

/** The first of several values, as Envoy. */
function requestValue({ request }: TemplateContext, name: string): string | undefined {
  return headerValues(request, name)[0];
}

function responseValue({ response }: TemplateContext, name: string): string | undefined {
  return name === ":status" ? response && String(response.status) : response?.values(name)[0];
}

function truncate(text: string, maxLength: number | undefined): string {
  return maxLength === undefined ? text : text.slice(0, maxLength);
}
