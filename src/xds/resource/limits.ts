// Envoy's own limits for a field (protoc-gen-validate's options, generated into gen/limits.ts) as checks. What Envoy would
// refuse is refused here with the same bounds, so that a file that works in one works in the other.
import type { DescEnum } from "@bufbuild/protobuf";
import { limitLines } from "../gen/limits.ts";

/** The reason why a value is refused, or undefined. */
export type Check = (value: unknown) => string | undefined;

export interface FieldLimits {
  readonly isRequired: boolean;
  /** On the whole field: the list or map, or the value. */
  readonly checks: readonly Check[];
  /** On each item of a list, or each key of a map. */
  readonly itemChecks: readonly Check[];
}

type Rules = Readonly<Record<string, unknown>>;

const NONE: FieldLimits = { isRequired: false, checks: [], itemChecks: [] };

export interface MessageLimits {
  field(name: string, enumType: DescEnum | undefined): FieldLimits;
  isOneofRequired(name: string): boolean;
}

/** Reads the message's line: for the planning of a message, not for each value. */
export function limitsOf(message: string): MessageLimits {
  const fields = rulesOf(message);
  return {
    field: (name, enumType) => fieldLimits(fields[name], enumType),
    isOneofRequired(name) {
      const rules = fields[name];
      return isRules(rules) && rules["oneof_required"] === true;
    },
  };
}

/** By field. */
function rulesOf(message: string): Rules {
  const start = limitLines.indexOf(`\n${message} `);
  if (start === -1) return {};
  const json = start + message.length + 2;
  return JSON.parse(limitLines.slice(json, limitLines.indexOf("\n", json))) as Rules;
}

function fieldLimits(rules: unknown, enumType: DescEnum | undefined): FieldLimits {
  if (!isRules(rules)) return NONE;
  const isRequired = Object.values(rules).some((rule) => isRules(rule) && rule["required"] === true);
  if (isRules(rules["repeated"])) {
    const { items, ...list } = rules["repeated"];
    return { isRequired, checks: listChecks(list), itemChecks: isRules(items) ? valueChecks(items, enumType) : [] };
  }
  if (isRules(rules["map"])) {
    const { keys, ...map } = rules["map"];
    return { isRequired, checks: mapChecks(map), itemChecks: isRules(keys) ? valueChecks(keys, enumType) : [] };
  }
  return { isRequired, checks: valueChecks(rules, enumType), itemChecks: [] };
}

function isRules(value: unknown): value is Rules {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueChecks(rules: Rules, enumType: DescEnum | undefined): Check[] {
  return Object.entries(rules).flatMap(([kind, rule]) => {
    if (!isRules(rule)) return [];
    switch (kind) {
      case "string":
        return stringChecks(rule);
      case "bytes":
        return sizeChecks(rule, "min_len", "max_len", "bytes", (value) =>
          value instanceof Uint8Array ? value.length : 0,
        );
      case "enum":
        return enumChecks(rule, enumType);
      case "bool":
        return rule["const"] === undefined
          ? []
          : [(value) => (value === rule["const"] ? undefined : `must be ${rule["const"]}`)];
      case "duration":
        return boundChecks(rule, durationSeconds);
      default:
        return boundChecks(rule, Number);
    }
  });
}

const BOUNDS: Readonly<
  Record<string, { readonly holds: (value: number, bound: number) => boolean; readonly words: string }>
> = {
  gte: { holds: (value, bound) => value >= bound, words: "must be at least" },
  gt: { holds: (value, bound) => value > bound, words: "must be greater than" },
  lte: { holds: (value, bound) => value <= bound, words: "must be at most" },
  lt: { holds: (value, bound) => value < bound, words: "must be less than" },
};

function boundChecks(rule: Rules, measure: (value: unknown) => number): Check[] {
  return Object.entries(BOUNDS).flatMap(([name, { holds, words }]) => {
    const bound = rule[name];
    if (bound === undefined) return [];
    const limit = measure(bound);
    return [(value: unknown) => (holds(measure(value), limit) ? undefined : `${words} ${bound}`)];
  });
}

/** The rule's own "0.001s", or a Duration message. */
function durationSeconds(value: unknown): number {
  if (typeof value === "string") return Number.parseFloat(value);
  if (!isRules(value)) return Number.NaN;
  return Number(value["seconds"]) + Number(value["nanos"]) / 1e9;
}

function stringChecks(rule: Rules): Check[] {
  const characters = (value: unknown): number => [...String(value)].length;
  const checks = [
    ...sizeChecks(rule, "min_len", "max_len", "characters", characters),
    ...sizeChecks(rule, "min_bytes", "max_bytes", "bytes", (value) => Buffer.byteLength(String(value))),
    ...textChecks(rule),
  ];
  return rule["ignore_empty"] === true ? checks.map(unlessEmpty) : checks;
}

function unlessEmpty(check: Check): Check {
  return (value) => (value === "" ? undefined : check(value));
}

function sizeChecks(rule: Rules, min: string, max: string, unit: string, size: (value: unknown) => number): Check[] {
  const least = Number(rule[min] ?? 0);
  const most = Number(rule[max] ?? Number.POSITIVE_INFINITY);
  const checks: Check[] = [];
  if (least === 1) checks.push((value) => (size(value) >= 1 ? undefined : "must not be empty"));
  if (least > 1) checks.push((value) => (size(value) >= least ? undefined : `must have at least ${least} ${unit}`));
  if (most < Number.POSITIVE_INFINITY)
    checks.push((value) => (size(value) <= most ? undefined : `must have at most ${most} ${unit}`));
  return checks;
}

function textChecks(rule: Rules): Check[] {
  const checks: Check[] = [];
  const { prefix, suffix, pattern } = rule;
  if (typeof prefix === "string")
    checks.push((value) => (String(value).startsWith(prefix) ? undefined : `must start with ${prefix}`));
  if (typeof suffix === "string")
    checks.push((value) => (String(value).endsWith(suffix) ? undefined : `must end with ${suffix}`));
  if (typeof pattern === "string") {
    const matcher = new RegExp(pattern, "u");
    checks.push((value) => (matcher.test(String(value)) ? undefined : `must match ${pattern}`));
  }
  const allowed = rule["in"];
  if (Array.isArray(allowed))
    checks.push((value) => (allowed.includes(value) ? undefined : `must be one of ${allowed.join(", ")}`));
  const isHeaderText = headerRule(rule);
  if (isHeaderText !== undefined) {
    checks.push((value) => (isHeaderText(String(value)) ? undefined : "has characters that a header can't have"));
  }
  return checks;
}

/** protoc-gen-validate's well_known_regex; strict where it doesn't say otherwise. */
function headerRule(rule: Rules): ((text: string) => boolean) | undefined {
  const known = rule["well_known_regex"];
  if (known === undefined) return undefined;
  if (rule["strict"] === false) return (text) => !/[\0\n\r]/.test(text);
  if (known === "HTTP_HEADER_NAME") return (text) => /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/.test(text);
  return (text) => [...text].every((character) => character === "\t" || (character >= " " && character !== "\u007f"));
}

function enumChecks(rule: Rules, enumType: DescEnum | undefined): Check[] {
  const checks: Check[] = [];
  if (rule["defined_only"] === true && enumType !== undefined) {
    const defined = new Set<unknown>(enumType.values.map((value) => value.number));
    checks.push((value) => (defined.has(value) ? undefined : `${value} is no ${enumType.name}`));
  }
  const refused = rule["not_in"];
  if (Array.isArray(refused)) {
    checks.push((value) =>
      refused.includes(value)
        ? `must not be ${enumType?.values.find((v) => v.number === value)?.name ?? value}`
        : undefined,
    );
  }
  return checks;
}

function listChecks(rule: Rules): Check[] {
  const checks = sizeChecks(rule, "min_items", "max_items", "items", (value) =>
    Array.isArray(value) ? value.length : 0,
  );
  if (rule["unique"] === true) {
    checks.push((value) =>
      Array.isArray(value) && new Set(value).size !== value.length ? "must not have the same item twice" : undefined,
    );
  }
  return checks;
}

function mapChecks(rule: Rules): Check[] {
  const size = (value: unknown): number => Object.keys(isRules(value) ? value : {}).length;
  return sizeChecks(rule, "min_pairs", "max_pairs", "entries", size);
}
