// What a forwarding route changes of the request's path and Host.
import type { HostRewrite, PathRewrite } from "../../model/route.ts";
import { wireText } from "../../model/wire-text.ts";
import type { RouteAction } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Place } from "./inspect.ts";
import { convertRegexRewrite } from "./regex.ts";
import { at } from "./report.ts";

export function convertPathRewrite(action: RouteAction, { path, report }: Place): PathRewrite | undefined {
  const { prefixRewrite, regexRewrite } = action;
  if (prefixRewrite !== "" && regexRewrite !== undefined)
    report.reject(at(path, "regex_rewrite"), "must not be set beside prefix_rewrite");
  if (prefixRewrite !== "") return { type: "prefix", value: wireText(prefixRewrite) };
  if (regexRewrite === undefined) return undefined;
  return { type: "regex", rewrite: convertRegexRewrite(regexRewrite, at(path, "regex_rewrite"), report) };
}

export function convertHostRewrite(
  action: RouteAction,
  { path, needPath, needs, report }: Place,
): HostRewrite | undefined {
  const specifier = action.hostRewriteSpecifier;
  switch (specifier.case) {
    case "hostRewriteLiteral":
      return specifier.value === "" ? undefined : { type: "literal", value: wireText(specifier.value) };
    case "hostRewriteHeader":
      return specifier.value === "" ? undefined : { type: "header", header: specifier.value.toLowerCase() };
    case "hostRewritePathRegex": {
      const rewrite = convertRegexRewrite(specifier.value, at(path, "host_rewrite_path_regex"), report);
      return { type: "path_regex", rewrite };
    }
    case "autoHostRewrite":
      if (!specifier.value.value) return undefined;
      needs.push({ path: at(needPath, "auto_host_rewrite"), reason: "rewrites requests" });
      return { type: "endpoint" };
    case "hostRewrite": // refused by inspection
    case undefined:
      return undefined;
    default:
      return specifier satisfies never;
  }
}
