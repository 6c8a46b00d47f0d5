import { describe, expect, test } from "bun:test";
import { type Prefix, parseAddress, prefixOf } from "../../ip.ts";
import type { RbacConfig, RbacRule } from "../../model/http.ts";
import { Patterns } from "./patterns.ts";
import { isAllowed, type RbacInput } from "./rbac.ts";
import { request, socketAddress } from "./request.fixture.ts";

const patterns = new Patterns();
const input: RbacInput = {
  request: request([["x-r", "a"]], { path: "/p?q" }),
  source: socketAddress("10.1.2.3:5000"),
  destination: socketAddress("[2001:db8::1]:80"),
};

function prefix(text: string, length: number): Prefix {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return prefixOf(address, length);
}

function config(
  action: "allow" | "deny" | "log",
  permission: RbacRule,
  principal: RbacRule = { rule: "any" },
): RbacConfig {
  return { type: "rbac", rules: { action, policies: [{ name: "p", permission, principal }] } };
}

const any: RbacRule = { rule: "any" };
const never: RbacRule = { rule: "not", of: any };

describe("rules", () => {
  const cases: readonly (readonly [string, RbacRule, boolean])[] = [
    ["any", any, true],
    ["not", never, false],
    ["and", { rule: "and", rules: [any, never] }, false],
    ["or", { rule: "or", rules: [never, any] }, true],
    [
      "header",
      {
        rule: "header",
        header: {
          name: "x-r",
          condition: { match: "exact", value: "a", ignoreCase: false },
          invert: false,
          missingIsEmpty: false,
        },
      },
      true,
    ],
    ["path without query", { rule: "path", path: { match: "exact", value: "/p", ignoreCase: false } }, true],
    ["source", { rule: "source_ip", prefix: prefix("10.0.0.0", 8) }, true],
    ["source, odd length", { rule: "source_ip", prefix: prefix("10.1.2.2", 31) }, true],
    ["source, one bit too many", { rule: "source_ip", prefix: prefix("10.1.2.2", 32) }, false],
    ["source of another family", { rule: "source_ip", prefix: prefix("::", 0) }, false],
    ["destination", { rule: "destination_ip", prefix: prefix("2001:db8::", 33) }, true],
    ["port", { rule: "destination_port", start: 80, end: 81 }, true],
    ["end of ports", { rule: "destination_port", start: 79, end: 80 }, false],
  ];
  test.each(cases)("%s", (_, rule, expected) => {
    expect(isAllowed(config("allow", rule), input, patterns)).toBe(expected);
  });
});

describe("actions", () => {
  const cases: readonly (readonly [string, RbacConfig, boolean])[] = [
    ["no rules", { type: "rbac", rules: undefined }, true],
    ["allow without policies", { type: "rbac", rules: { action: "allow", policies: [] } }, false],
    ["deny without policies", { type: "rbac", rules: { action: "deny", policies: [] } }, true],
    ["deny what matches", config("deny", any), false],
    ["log", config("log", never), true],
    ["the principal counts too", config("allow", any, never), false],
  ];
  test.each(cases)("%s", (_, rules, expected) => {
    expect(isAllowed(rules, input, patterns)).toBe(expected);
  });
});
