// Role-based access control on what is known at the client's side: addresses, path, fields
// (source/extensions/filters/common/rbac/engine_impl.cc, matchers.cc).
import type { Address, Prefix, SocketAddress } from "../../ip.ts";
import type { RbacConfig, RbacRule } from "../../model/http.ts";
import type { RequestView } from "../../model/request.ts";
import { requestHeaderHolds, stringMatches } from "./conditions.ts";
import type { Patterns } from "./patterns.ts";
import { pathWithoutQuery } from "./rewrite.ts";

export const rbacDeniedStatus = 403;
export const rbacDeniedBody = "RBAC: access denied";

export interface RbacInput {
  readonly request: RequestView;
  /** The client. */
  readonly source: SocketAddress;
  /** What it connected to. */
  readonly destination: SocketAddress;
}

/** `allow` lets through what a policy matches, `deny` what none matches, `log` everything. */
export function isAllowed({ rules }: RbacConfig, input: RbacInput, patterns: Patterns): boolean {
  if (rules === undefined || rules.action === "log") return true;
  const isMatched = rules.policies.some(
    ({ permission, principal }) => holds(permission, input, patterns) && holds(principal, input, patterns),
  );
  return isMatched === (rules.action === "allow");
}

function holds(rule: RbacRule, input: RbacInput, patterns: Patterns): boolean {
  switch (rule.rule) {
    case "any":
      return true;
    case "and":
      return rule.rules.every((each) => holds(each, input, patterns));
    case "or":
      return rule.rules.some((each) => holds(each, input, patterns));
    case "not":
      return !holds(rule.of, input, patterns);
    case "header":
      return requestHeaderHolds(rule.header, input.request, patterns);
    case "path":
      return stringMatches(rule.path, pathWithoutQuery(input.request.path), patterns);
    case "destination_ip":
      return contains(rule.prefix, input.destination.address);
    case "source_ip":
      return contains(rule.prefix, input.source.address);
    case "destination_port":
      return input.destination.port >= rule.start && input.destination.port < rule.end;
  }
}

function contains({ address: network, length }: Prefix, address: Address): boolean {
  if (network.family !== address.family) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (network.bytes[i] !== address.bytes[i]) return false;
  const mask = 0xff & (0xff00 >> (length & 7));
  return mask === 0 || ((network.bytes[whole] ?? 0) & mask) === ((address.bytes[whole] ?? 0) & mask);
}
