// Changes of headers as Envoy's JSON (envoy.config.core.v3.HeaderValueOption).
import type { HeaderAddition, HeaderMutations, ValuePart } from "../../model/headers.ts";
import type { JsonObject } from "./address.ts";
import { readable } from "./route-match.ts";

interface Mutated {
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
}

export function renderMutations({ requestHeaders, responseHeaders }: Mutated): JsonObject {
  return { ...renderChanges("request", requestHeaders), ...renderChanges("response", responseHeaders) };
}

function renderChanges(of: "request" | "response", { add, remove }: HeaderMutations): JsonObject {
  return {
    ...(add.length === 0 ? {} : { [`${of}_headers_to_add`]: add.map(renderAddition) }),
    ...(remove.length === 0 ? {} : { [`${of}_headers_to_remove`]: [...remove] }),
  };
}

function renderAddition({ name, value, action, keepEmpty }: HeaderAddition): JsonObject {
  return {
    header: { key: name, value: value.map(renderPart).join("") },
    append_action: action.toUpperCase(),
    ...(keepEmpty ? { keep_empty_value: true } : {}),
  };
}

function renderPart(part: ValuePart): string {
  switch (part.type) {
    case "text":
      return readable(part.text).replaceAll("%", "%%");
    case "request_header":
    case "response_header": {
      const operator = part.type === "request_header" ? "REQ" : "RESP";
      const alternative = part.alternative === undefined ? "" : `?${part.alternative}`;
      const length = part.maxLength === undefined ? "" : `:${part.maxLength}`;
      return `%${operator}(${part.name}${alternative})${length}%`;
    }
    case "start_time":
      return part.format === "" ? "%START_TIME%" : `%START_TIME(${part.format})%`;
    default:
      return `%${part.type.toUpperCase()}%`;
  }
}
