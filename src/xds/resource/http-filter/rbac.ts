// The RBAC filter, with the permissions and principals that can be known at the client's side of a connection.
import type { RbacConfig, RbacRule } from "../../../model/http.ts";
import type { CidrRange } from "../../gen/envoy/config/core/v3/address_pb.ts";
import {
  type Permission,
  type Policy,
  type Principal,
  RBAC_Action,
  type RBAC as Rules,
} from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { RBAC, RBACPerRoute } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { PathMatcher } from "../../gen/envoy/type/matcher/v3/path_pb.ts";
import { convertPrefix } from "../address.ts";
import { inside, type Place } from "../inspect.ts";
import { convertHeaderMatcher, convertStringMatcher } from "../matcher.ts";
import { at, type Report } from "../report.ts";

const MAX_PORT = 65_535;

/** Stands where a rule was refused. */
const NOTHING: RbacRule = { rule: "not", of: { rule: "any" } };

export function convertRbac(config: RBAC, place: Place): RbacConfig {
  for (const [field, value] of Object.entries({
    shadow_rules: config.shadowRules,
    shadow_matcher: config.shadowMatcher,
  })) {
    if (value !== undefined) place.report.note("ignored", at(place.path, field), "dry runs aren't evaluated");
  }
  return { type: "rbac", rules: config.rules && convertRules(config.rules, inside(place, "rules")) };
}

/** Without a configuration it switches the filter off. */
export function convertRbacPerRoute({ rbac }: RBACPerRoute, place: Place): RbacConfig | { readonly type: "disabled" } {
  return rbac === undefined ? { type: "disabled" } : convertRbac(rbac, inside(place, "rbac"));
}

function convertRules(rules: Rules, place: Place): NonNullable<RbacConfig["rules"]> {
  const policies = Object.entries(rules.policies).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    action: actionOf(rules.action),
    policies: policies.map(([name, policy]) => ({
      name,
      ...convertPolicy(policy, at(place.path, `policies["${name}"]`), place.report),
    })),
  };
}

function actionOf(action: RBAC_Action): NonNullable<RbacConfig["rules"]>["action"] {
  if (action === RBAC_Action.DENY) return "deny";
  return action === RBAC_Action.LOG ? "log" : "allow";
}

/** One of its permissions and one of its principals must match. */
function convertPolicy(
  { permissions, principals }: Policy,
  path: string,
  report: Report,
): { readonly permission: RbacRule; readonly principal: RbacRule } {
  return {
    permission: oneOf(permissions.map((rule, i) => convertPermission(rule, at(path, `permissions[${i}]`), report))),
    principal: oneOf(principals.map((rule, i) => convertPrincipal(rule, at(path, `principals[${i}]`), report))),
  };
}

function oneOf(rules: readonly RbacRule[]): RbacRule {
  const [only] = rules;
  return rules.length === 1 && only !== undefined ? only : { rule: "or", rules };
}

function convertPermission({ rule }: Permission, path: string, report: Report): RbacRule {
  const each = (rules: readonly Permission[], field: string): RbacRule[] =>
    rules.map((item, i) => convertPermission(item, at(path, `${field}.rules[${i}]`), report));
  switch (rule.case) {
    case "any":
      return { rule: "any" };
    case "andRules":
      return { rule: "and", rules: each(rule.value.rules, "and_rules") };
    case "orRules":
      return { rule: "or", rules: each(rule.value.rules, "or_rules") };
    case "notRule":
      return { rule: "not", of: convertPermission(rule.value, at(path, "not_rule"), report) };
    case "header":
      return { rule: "header", header: convertHeaderMatcher(rule.value, at(path, "header"), report) };
    case "urlPath":
      return convertUrlPath(rule.value, at(path, "url_path"), report);
    case "destinationIp":
      return convertRange("destination_ip", rule.value, at(path, "destination_ip"), report);
    case "destinationPort":
      return { rule: "destination_port", start: rule.value, end: rule.value + 1 };
    case "destinationPortRange":
      return convertPorts(rule.value, at(path, "destination_port_range"), report);
    case "metadata":
    case "sourcedMetadata":
    case "requestedServerName":
    case "matcher":
    case "uriTemplate":
    case undefined:
      return NOTHING; // refused by inspection
    default:
      return rule satisfies never;
  }
}

function convertPrincipal({ identifier }: Principal, path: string, report: Report): RbacRule {
  const each = (ids: readonly Principal[], field: string): RbacRule[] =>
    ids.map((item, i) => convertPrincipal(item, at(path, `${field}.ids[${i}]`), report));
  switch (identifier.case) {
    case "any":
      return { rule: "any" };
    case "andIds":
      return { rule: "and", rules: each(identifier.value.ids, "and_ids") };
    case "orIds":
      return { rule: "or", rules: each(identifier.value.ids, "or_ids") };
    case "notId":
      return { rule: "not", of: convertPrincipal(identifier.value, at(path, "not_id"), report) };
    case "header":
      return { rule: "header", header: convertHeaderMatcher(identifier.value, at(path, "header"), report) };
    case "urlPath":
      return convertUrlPath(identifier.value, at(path, "url_path"), report);
    // A client is on this host: what it connects from is its own address, whatever it says of others.
    case "sourceIp":
      return convertRange("source_ip", identifier.value, at(path, "source_ip"), report);
    case "directRemoteIp":
      return convertRange("source_ip", identifier.value, at(path, "direct_remote_ip"), report);
    case "remoteIp":
      return convertRange("source_ip", identifier.value, at(path, "remote_ip"), report);
    case "authenticated":
    case "metadata":
    case "sourcedMetadata":
    case "filterState":
    case "custom":
    case undefined:
      return NOTHING; // refused by inspection
    default:
      return identifier satisfies never;
  }
}

function convertUrlPath({ rule }: PathMatcher, path: string, report: Report): RbacRule {
  return { rule: "path", path: convertStringMatcher(rule.value, at(path, "path"), report) };
}

function convertRange(rule: "destination_ip" | "source_ip", range: CidrRange, path: string, report: Report): RbacRule {
  const prefix = convertPrefix(range, path, report);
  return prefix === undefined ? NOTHING : { rule, prefix };
}

/** By Envoy's rule (rbac matchers.cc, PortRangeMatcher). */
function convertPorts(
  { start, end }: { readonly start: number; readonly end: number },
  path: string,
  report: Report,
): RbacRule {
  const isRange = start >= 0 && start < end && end <= MAX_PORT + 1;
  if (!isRange) report.reject(path, "must be start to end (exclusive) within 0 to 65536");
  return { rule: "destination_port", start, end };
}
