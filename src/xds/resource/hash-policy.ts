// RouteAction.HashPolicy: what of a request decides its endpoint in a ring or Maglev table.
import type { HashPolicy as HashModel } from "../../model/route.ts";
import { wireText } from "../../model/wire-text.ts";
import type {
  RouteAction_HashPolicy,
  RouteAction_HashPolicy_Cookie,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { milliseconds } from "./duration.ts";
import { inside, type Place } from "./inspect.ts";
import { convertRegexRewrite } from "./regex.ts";
import { at } from "./report.ts";

export function convertHashPolicies(policies: readonly RouteAction_HashPolicy[], place: Place): HashModel[] {
  return policies.flatMap((policy, i) => convertHashPolicy(policy, inside(place, `hash_policy[${i}]`)) ?? []);
}

function convertHashPolicy(policy: RouteAction_HashPolicy, place: Place): HashModel | undefined {
  const { terminal, policySpecifier: specifier } = policy;
  switch (specifier.case) {
    case "header": {
      const { headerName, regexRewrite } = specifier.value;
      const path = at(place.path, "header.regex_rewrite");
      const rewrite = regexRewrite && convertRegexRewrite(regexRewrite, path, place.report);
      return { hash: "header", name: headerName.toLowerCase(), rewrite, terminal };
    }
    case "cookie":
      return { ...convertCookie(specifier.value, inside(place, "cookie")), terminal };
    case "connectionProperties":
      // Without source_ip Envoy takes nothing from it (hash_policy.cc).
      return specifier.value.sourceIp ? { hash: "source_ip", terminal } : undefined;
    case "queryParameter":
      return { hash: "query_parameter", name: wireText(specifier.value.name), terminal };
    case "filterState":
    case undefined:
      return undefined; // refused by inspection
    default:
      return specifier satisfies never;
  }
}

function convertCookie(
  cookie: RouteAction_HashPolicy_Cookie,
  place: Place,
): Omit<Extract<HashModel, { hash: "cookie" }>, "terminal"> {
  const ttlMs = milliseconds(cookie.ttl, "ttl", place);
  return {
    hash: "cookie",
    name: wireText(cookie.name),
    ttlSeconds: ttlMs === undefined ? undefined : Math.trunc(ttlMs / 1000),
    path: wireText(cookie.path),
    attributes: cookie.attributes.map(({ name, value }) => ({ name: wireText(name), value: wireText(value) })),
  };
}
