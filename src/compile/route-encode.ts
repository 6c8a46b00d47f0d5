// From a route configuration to the rows of its table.
import type { RE2JS } from "re2js";
import type {
  CookieMatcher,
  HeaderMatcher,
  PathMatcher,
  QueryParameterMatcher,
  RouteMatch,
  StringMatcher,
  ValueCondition,
} from "../model/matcher.ts";
import { compilePattern } from "../model/pattern.ts";
import type { RouteConfiguration } from "../model/route.ts";
import { asciiLower, latin1Bytes } from "./latin1.ts";
import {
  ConditionFlags,
  DomainKind,
  domainHash,
  groupWords,
  Operator,
  type RouteRows,
  rangeWords,
  Subject,
} from "./route-rows.ts";

export function encodeRoutes(configuration: RouteConfiguration): RouteRows {
  const values = new Values();
  const hosts: number[] = [];
  const routes: number[] = [];
  const conditions: number[] = [];
  let route = 0;
  let condition = 0;
  for (const host of configuration.virtualHosts) {
    hosts.push(route, host.routes.length);
    for (const { match } of host.routes) {
      const rows = conditionsOf(match).map((row) => encodeCondition(row, values));
      routes.push(condition, rows.length);
      conditions.push(...rows.flat());
      condition += rows.length;
      route++;
    }
  }
  return {
    ...encodeDomains(configuration, values.pool),
    hosts: Uint32Array.from(hosts),
    routes: Uint32Array.from(routes),
    conditions: Uint32Array.from(conditions),
    ranges: Uint32Array.from(values.ranges),
    pool: values.pool.bytes(),
    patterns: values.patterns.list,
    ignorePort: configuration.ignorePortInHost,
  };
}

/** The bytes of all texts, each text once. */
class Pool {
  readonly #offsets = new Map<string, number>();
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  text(text: string): readonly [offset: number, length: number] {
    const offset = this.#offsets.get(text) ?? this.#add(latin1Bytes(text));
    this.#offsets.set(text, offset);
    return [offset, text.length];
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  #add(bytes: Uint8Array): number {
    const offset = this.#length;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return offset;
  }
}

/** What a condition's words refer to. */
class Values {
  readonly pool = new Pool();
  readonly patterns = new Patterns();
  readonly ranges: number[] = [];

  range(start: bigint, end: bigint): number {
    const row = this.ranges.length / rangeWords;
    const halves = [start, start >> 32n, end, end >> 32n];
    this.ranges.push(...halves.map((half) => Number(BigInt.asUintN(32, half))));
    return row;
  }
}

/** Each pattern compiled once. */
class Patterns {
  readonly list: RE2JS[] = [];
  readonly #indexes = new Map<string, number>();

  index(pattern: string): number {
    const known = this.#indexes.get(pattern);
    if (known !== undefined) return known;
    const index = this.list.push(compilePattern(pattern)) - 1;
    this.#indexes.set(pattern, index);
    return index;
  }
}

interface Domain {
  readonly kind: DomainKind;
  readonly text: string;
  readonly host: number;
}

function encodeDomains(configuration: RouteConfiguration, pool: Pool): Pick<RouteRows, "groups" | "domains"> {
  const domains = configuration.virtualHosts.flatMap((host, i) =>
    host.domains.map((domain) => ({ ...parseDomain(domain), host: i })),
  );
  const byGroup = Map.groupBy(domains, ({ kind, text }) => kind * 2 ** 32 + text.length);
  const inOrder = [...byGroup.values()].sort(([a], [b]) => inSearchOrder(a, b));
  const groups: number[] = [];
  const rows: number[] = [];
  let first = 0;
  for (const members of inOrder) {
    const [{ kind, text } = { kind: DomainKind.any, text: "" }] = members;
    groups.push(kind, text.length, first, members.length);
    first += members.length;
    const hashed = members.map(({ text, host }) => [domainHash(latin1Bytes(text)), pool.text(text)[0], host] as const);
    rows.push(...hashed.sort(([a], [b]) => a - b).flat());
  }
  return { groups: Uint32Array.from(groups), domains: Uint32Array.from(rows) };
}

function inSearchOrder(a: Domain | undefined, b: Domain | undefined): number {
  return (a?.kind ?? 0) - (b?.kind ?? 0) || (b?.text.length ?? 0) - (a?.text.length ?? 0);
}

function parseDomain(domain: string): Omit<Domain, "host"> {
  const text = asciiLower(domain);
  if (text === "*") return { kind: DomainKind.any, text: "" };
  if (text.startsWith("*")) return { kind: DomainKind.suffix, text: text.slice(1) };
  if (text.endsWith("*")) return { kind: DomainKind.prefix, text: text.slice(0, -1) };
  return { kind: DomainKind.exact, text };
}

/** The domain groups of a table, for whoever reads the rows. */
export function* groupsOf({
  groups,
}: RouteRows): Generator<{ kind: number; length: number; first: number; count: number }> {
  for (let i = 0; i < groups.length; i += groupWords) {
    const [kind = 0, length = 0, first = 0, count = 0] = groups.subarray(i, i + groupWords);
    yield { kind, length, first, count };
  }
}

type Value =
  | { readonly operator: Exclude<Operator, 4 | 6 | 8>; readonly text: string }
  | { readonly operator: 4; readonly pattern: string }
  | { readonly operator: 6; readonly start: bigint; readonly end: bigint }
  | { readonly operator: 8; readonly numerator: number; readonly denominator: number };

interface Condition {
  readonly subject: Subject;
  readonly name: string;
  readonly flags: number;
  readonly value: Value;
}

const nothing: Value = { operator: Operator.none, text: "" };

function conditionsOf(match: RouteMatch): Condition[] {
  const { fraction } = match;
  const chance: Condition[] =
    fraction === undefined
      ? []
      : [{ subject: Subject.random, name: "", flags: 0, value: { operator: Operator.chance, ...fraction } }];
  const grpc: Condition[] = match.grpcOnly ? [{ subject: Subject.grpc, name: "", flags: 0, value: nothing }] : [];
  return [
    pathCondition(match.path),
    ...match.headers.map(headerCondition),
    ...match.queryParameters.map(queryCondition),
    ...match.cookies.map(cookieCondition),
    ...grpc,
    ...chance,
  ];
}

function pathCondition(path: PathMatcher): Condition {
  const base = { subject: Subject.path, name: "", flags: 0 };
  switch (path.match) {
    case "connect":
      return { ...base, subject: Subject.connect, value: nothing };
    case "regex":
      return { ...base, value: { operator: Operator.pattern, pattern: path.pattern } };
    case "exact":
    case "prefix":
    case "separated_prefix": {
      const operator = path.match === "separated_prefix" ? Operator.separatedPrefix : Operator[path.match];
      return { ...base, ...textValue(operator, path.value, !path.caseSensitive) };
    }
    default:
      return path satisfies never;
  }
}

function headerCondition({ name, condition, invert, missingIsEmpty }: HeaderMatcher): Condition {
  const { flags, value } = valueCondition(condition);
  const own = (invert ? ConditionFlags.invert : 0) | (missingIsEmpty ? ConditionFlags.missingIsEmpty : 0);
  return { subject: Subject.header, name: asciiLower(name), flags: flags | own, value };
}

function queryCondition({ name, condition }: QueryParameterMatcher): Condition {
  const isAbsent = condition.match === "absent";
  const { flags, value } = valueCondition(isAbsent ? { match: "present" } : condition);
  return { subject: Subject.queryParameter, name, flags: flags | (isAbsent ? ConditionFlags.invert : 0), value };
}

function cookieCondition({ name, condition, invert }: CookieMatcher): Condition {
  const { flags, value } = valueCondition(condition);
  return { subject: Subject.cookie, name, flags: flags | (invert ? ConditionFlags.invert : 0), value };
}

function valueCondition(condition: ValueCondition): Pick<Condition, "flags" | "value"> {
  switch (condition.match) {
    case "present":
      return { flags: 0, value: { operator: Operator.present, text: "" } };
    case "range":
      return { flags: 0, value: { operator: Operator.range, start: condition.start, end: condition.end } };
    case "regex":
      return { flags: 0, value: { operator: Operator.pattern, pattern: condition.pattern } };
    default:
      return textCondition(condition);
  }
}

function textCondition({ match, value, ignoreCase }: Exclude<StringMatcher, { match: "regex" }>) {
  return textValue(Operator[match], value, ignoreCase);
}

function textValue(
  operator: 0 | 1 | 2 | 3 | 7,
  value: string,
  ignoreCase: boolean,
): Pick<Condition, "flags" | "value"> {
  if (!ignoreCase) return { flags: 0, value: { operator, text: value } };
  return { flags: ConditionFlags.ignoreCase, value: { operator, text: asciiLower(value) } };
}

function encodeCondition({ subject, name, flags, value }: Condition, values: Values): number[] {
  return [subject, value.operator, flags, ...values.pool.text(name), ...encodeValue(value, values), 0];
}

function encodeValue(value: Value, values: Values): readonly [number, number] {
  switch (value.operator) {
    case Operator.pattern:
      return [values.patterns.index(value.pattern), 0];
    case Operator.range:
      return [values.range(value.start, value.end), 0];
    case Operator.chance:
      return [value.numerator, value.denominator];
    default:
      return values.pool.text(value.text);
  }
}
