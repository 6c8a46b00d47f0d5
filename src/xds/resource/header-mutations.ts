// The four lists of header mutations that route configurations, virtual hosts, routes and weighted clusters have, by Envoy's rules
// (header_parser.cc).
import { type AppendAction, type HeaderAddition, type HeaderMutations, noMutations } from "../../model/headers.ts";
import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from "../gen/envoy/config/core/v3/base_pb.ts";
import { at, type Report } from "./report.ts";
import { parseTemplate } from "./value-template.ts";

interface Mutating {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

export interface BothMutations {
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
}

/** Most owners change nothing: they share one value, which is what keeps thousands of routes small. */
const nothing: BothMutations = { requestHeaders: noMutations, responseHeaders: noMutations };

export function convertMutations(owner: Mutating, path: string, report: Report): BothMutations {
  const added = owner.requestHeadersToAdd.length + owner.responseHeadersToAdd.length;
  const removed = owner.requestHeadersToRemove.length + owner.responseHeadersToRemove.length;
  if (added + removed === 0) return nothing;
  return {
    requestHeaders: {
      remove: convertRemovals(owner.requestHeadersToRemove, at(path, "request_headers_to_remove"), report),
      add: convertAdditions(owner.requestHeadersToAdd, at(path, "request_headers_to_add"), report),
    },
    responseHeaders: {
      remove: convertRemovals(owner.responseHeadersToRemove, at(path, "response_headers_to_remove"), report),
      add: convertAdditions(owner.responseHeadersToAdd, at(path, "response_headers_to_add"), report),
    },
  };
}

export function convertAdditions(
  options: readonly HeaderValueOption[],
  path: string,
  report: Report,
): HeaderAddition[] {
  return options.flatMap((option, i) => convertAddition(option, `${path}[${i}]`, report) ?? []);
}

function convertRemovals(names: readonly string[], path: string, report: Report): string[] {
  for (const [i, name] of names.entries()) {
    if (!isChangeable(name)) report.reject(`${path}[${i}]`, "pseudo-headers and host can't be removed");
  }
  return names.map((name) => name.toLowerCase());
}

function convertAddition(option: HeaderValueOption, path: string, report: Report): HeaderAddition | undefined {
  const name = option.header?.key ?? "";
  if (!isChangeable(name)) {
    report.reject(at(path, "header.key"), "pseudo-headers and host can't be added or changed: use a rewrite");
    return undefined;
  }
  const parsed = parseTemplate(option.header?.value ?? "");
  if ("problem" in parsed) {
    report.reject(at(path, "header.value"), parsed.problem);
    return undefined;
  }
  return {
    name,
    value: parsed.template,
    action: convertAction(option, path, report),
    keepEmpty: option.keepEmptyValue,
  };
}

/** What changes them is a rewrite of the path or host. */
function isChangeable(name: string): boolean {
  return !name.startsWith(":") && name.toLowerCase() !== "host";
}

function convertAction({ append, appendAction }: HeaderValueOption, path: string, report: Report): AppendAction {
  const { ADD_IF_ABSENT, APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS, OVERWRITE_IF_EXISTS_OR_ADD } =
    HeaderValueOption_HeaderAppendAction;
  if (append !== undefined && appendAction !== APPEND_IF_EXISTS_OR_ADD) {
    report.reject(at(path, "append"), "must not be set beside append_action");
  }
  switch (appendAction) {
    case ADD_IF_ABSENT:
      return "add_if_absent";
    case OVERWRITE_IF_EXISTS:
      return "overwrite_if_exists";
    case OVERWRITE_IF_EXISTS_OR_ADD:
      return "overwrite_if_exists_or_add";
    default:
      // APPEND_IF_EXISTS_OR_ADD is also the unset value; any other number was refused by inspection.
      return append === false ? "overwrite_if_exists_or_add" : "append_if_exists_or_add";
  }
}
