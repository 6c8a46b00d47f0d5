// A compiled route table with what the TypeScript interpreter (route-match.ts) decodes from its rows once, so that no request does.
import type { RE2JS } from "re2js";
import type { RouteConfiguration } from "../model/route.ts";
import { latin1Text } from "./latin1.ts";
import { encodeRoutes, groupsOf } from "./route-encode.ts";
import {
  ConditionFlags,
  conditionWords,
  DomainKind,
  domainWords,
  Operator,
  type RouteRows,
  rangeWords,
  type Subject,
} from "./route-rows.ts";

export interface RouteTable {
  readonly rows: RouteRows;
  /** Virtual hosts by whole domains. */
  readonly exact: ReadonlyMap<string, number>;
  /** By wildcard domains of one length, longest first. */
  readonly suffixes: readonly WildcardGroup[];
  readonly prefixes: readonly WildcardGroup[];
  /** The virtual host of `*`, or -1. */
  readonly anyHost: number;
  /** By row. */
  readonly conditions: readonly Condition[];
}

export interface WildcardGroup {
  readonly length: number;
  readonly hosts: ReadonlyMap<string, number>;
}

/** A row of `conditions`. */
export interface Condition {
  readonly subject: Subject;
  readonly operator: Operator;
  readonly invert: boolean;
  readonly ignoreCase: boolean;
  readonly missingIsEmpty: boolean;
  readonly name: string;
  /** "" where the value is none. */
  readonly text: string;
  readonly pattern: RE2JS | undefined;
  /** Bounds of a range. */
  readonly start: bigint;
  readonly end: bigint;
  readonly numerator: number;
  readonly denominator: number;
}

/** Patterns have been checked when the configuration came in: one that doesn't compile is a bug of ours and throws. */
export function compileRouteTable(configuration: RouteConfiguration): RouteTable {
  return decodeRoutes(encodeRoutes(configuration));
}

export function decodeRoutes(rows: RouteRows): RouteTable {
  const exact = new Map<string, number>();
  const suffixes: WildcardGroup[] = [];
  const prefixes: WildcardGroup[] = [];
  let anyHost = -1;
  for (const { kind, length, first, count } of groupsOf(rows)) {
    const hosts = kind === DomainKind.exact ? exact : new Map<string, number>();
    for (let row = first; row < first + count; row++) {
      const [, offset = 0, host = 0] = rows.domains.subarray(row * domainWords, (row + 1) * domainWords);
      hosts.set(textAt(rows, offset, length), host);
      if (kind === DomainKind.any) anyHost = host;
    }
    if (kind === DomainKind.suffix) suffixes.push({ length, hosts });
    if (kind === DomainKind.prefix) prefixes.push({ length, hosts });
  }
  const count = rows.conditions.length / conditionWords;
  const conditions = Array.from({ length: count }, (_, row) => decodeCondition(rows, row));
  return { rows, exact, suffixes, prefixes, anyHost, conditions };
}

function decodeCondition(rows: RouteRows, row: number): Condition {
  const words = rows.conditions.subarray(row * conditionWords, (row + 1) * conditionWords);
  const [subject = 0, operator = 0, flags = 0, nameAt = 0, nameLength = 0, valueAt = 0, valueLength = 0] = words;
  const isRange = operator === Operator.range;
  const isPattern = operator === Operator.pattern;
  const isChance = operator === Operator.chance;
  return {
    subject: subject as Subject,
    operator: operator as Operator,
    invert: (flags & ConditionFlags.invert) !== 0,
    ignoreCase: (flags & ConditionFlags.ignoreCase) !== 0,
    missingIsEmpty: (flags & ConditionFlags.missingIsEmpty) !== 0,
    name: textAt(rows, nameAt, nameLength),
    text: isRange || isPattern || isChance ? "" : textAt(rows, valueAt, valueLength),
    pattern: isPattern ? rows.patterns[valueAt] : undefined,
    start: isRange ? boundAt(rows, valueAt, 0) : 0n,
    end: isRange ? boundAt(rows, valueAt, 2) : 0n,
    numerator: isChance ? valueAt : 0,
    denominator: isChance ? valueLength : 1,
  };
}

function boundAt({ ranges }: RouteRows, row: number, word: number): bigint {
  const [low = 0, high = 0] = ranges.subarray(row * rangeWords + word);
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

function textAt({ pool }: RouteRows, offset: number, length: number): string {
  return latin1Text(pool.subarray(offset, offset + length));
}
