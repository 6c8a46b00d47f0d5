import { describe, expect, test } from "bun:test";
import { limitLines } from "../gen/limits.ts";
import { limitsOf } from "./limits.ts";

/** What a check says of a value, for one field of the API. */
function verdict(message: string, field: string, value: unknown): string | undefined {
  const { checks, itemChecks } = limitsOf(message).field(field, undefined);
  return [...checks, ...itemChecks].map((check) => check(value)).find((reason) => reason !== undefined);
}

const CORE = "envoy.config.core.v3";
const ROUTE = "envoy.config.route.v3";

describe("limits", () => {
  const cases: readonly [message: string, field: string, value: unknown, expected: string | undefined][] = [
    [`${CORE}.SocketAddress`, "port_value", 65535, undefined],
    [`${CORE}.SocketAddress`, "port_value", 65536, "must be at most 65535"],
    [`${CORE}.SocketAddress`, "address", "", "must not be empty"],
    ["envoy.config.endpoint.v3.LbEndpoint", "load_balancing_weight", 0, "must be at least 1"],
    ["envoy.config.cluster.v3.Cluster", "connect_timeout", { seconds: 0n, nanos: 0 }, "must be greater than 0s"],
    ["envoy.config.cluster.v3.Cluster", "connect_timeout", { seconds: 0n, nanos: 1 }, undefined],
    ["envoy.type.v3.Percent", "value", 100, undefined],
    ["envoy.type.v3.Percent", "value", 100.5, "must be at most 100"],
    ["envoy.type.v3.Percent", "value", Number.NaN, "must be at least 0"],
    [`${CORE}.HeaderValue`, "key", "x-a", undefined],
    [`${CORE}.HeaderValue`, "key", "", "must not be empty"],
    [`${CORE}.HeaderValue`, "key", "a\nb", "has characters that a header can't have"],
    [`${CORE}.HeaderValue`, "key", "a".repeat(16385), "must have at most 16384 bytes"],
    [`${ROUTE}.RouteMatch`, "path_separated_prefix", "/a", undefined],
    [`${ROUTE}.RouteMatch`, "path_separated_prefix", "/a/", "must match ^[^?#]+[^?#/]$"],
    [`${ROUTE}.RouteAction`, "host_rewrite_header", "a b", undefined],
    ["no.such.Message", "field", 1, undefined],
  ];
  test.each([...cases])("%s.%s", (message, field, value, expected) => {
    expect(verdict(message, field, value)).toBe(expected);
  });
});

test("every kind of rule in the API is understood", () => {
  const understood = new Set(
    "required min_len max_len min_bytes max_bytes well_known_regex strict ignore_empty prefix suffix pattern in not_in defined_only const gte gt lte lt min_items max_items unique items min_pairs keys skip oneof_required".split(
      " ",
    ),
  );
  const words = (rules: unknown): string[] =>
    typeof rules !== "object" || rules === null || Array.isArray(rules)
      ? []
      : Object.entries(rules).flatMap(([word, rule]) => (isKind(word) ? words(rule) : [word, ...words(rule)]));
  const messages = limitLines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line.slice(line.indexOf(" "))) as object);
  expect(messages.length).toBeGreaterThan(100);
  const used = messages.flatMap((fields) => Object.values(fields).flatMap(words));
  expect([...new Set(used)].filter((word) => !understood.has(word))).toEqual([]);
});

function isKind(word: string): boolean {
  return /^(string|bytes|bool|enum|repeated|map|message|any|duration|u?int(32|64)|double|float)$/.test(word);
}
