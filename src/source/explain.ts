// Says what is wrong with JSON that protobuf's JSON mapping refused: every unknown field and wrong type by path, with the
// nearest known name. Runs on errors only; the mapping itself is protobuf-es's.
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { registry } from "../xds/gen/descriptors.ts";
import { at, MAX_PROBLEMS, type Problem } from "../xds/resource/report.ts";
import type { Json } from "./yaml.ts";

type JsonObject = { readonly [key: string]: Json };

/** Empty if nothing was found: then only protobuf-es knows. */
export function explain(schema: DescMessage, value: Json, path: string): Problem[] {
  const problems: Problem[] = [];
  const say = (where: string, reason: string): void => {
    problems.push({ path: where, reason });
  };
  checkMessage(schema, value, path, Object.assign(say, { isFull: () => problems.length >= MAX_PROBLEMS }));
  return problems.slice(0, MAX_PROBLEMS);
}

interface Say {
  (path: string, reason: string): void;
  /** More would not be told: stop looking. */
  isFull(): boolean;
}

function checkMessage(schema: DescMessage, value: Json, path: string, say: Say): void {
  if (value === null) return;
  if (schema.typeName.startsWith("google.protobuf.")) {
    checkWellKnown(schema, value, path, say);
    return;
  }
  if (!isObject(value)) {
    say(path, `must be a mapping, not ${kindOf(value)}`);
    return;
  }
  const members = new Map<string, string>();
  for (const [key, item] of Object.entries(value)) {
    if (say.isFull()) return;
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) {
      say(
        at(path, key),
        `unknown field${suggest(
          key,
          schema.fields.map(({ name }) => name),
        )}`,
      );
      continue;
    }
    if (item === null) continue;
    const oneof = field.oneof?.name ?? field.name;
    const other = members.get(oneof);
    if (other !== undefined)
      say(at(path, field.name), other === field.name ? "is written twice" : `can't be set beside ${other}`);
    members.set(oneof, field.name);
    checkField(field, item, at(path, field.name), say);
  }
}

function checkField(field: DescField, value: Json, path: string, say: Say): void {
  switch (field.fieldKind) {
    case "list":
      if (!Array.isArray(value)) {
        say(path, `must be a list, not ${kindOf(value)}`);
        return;
      }
      for (const [i, item] of value.entries()) {
        if (say.isFull()) return;
        checkValue(field, item, `${path}[${i}]`, say);
      }
      return;
    case "map":
      if (!isObject(value)) {
        say(path, `must be a mapping, not ${kindOf(value)}`);
        return;
      }
      for (const [key, item] of Object.entries(value)) {
        if (say.isFull()) return;
        checkValue(field, item, `${path}["${key}"]`, say);
      }
      return;
    default:
      checkValue(field, value, path, say);
  }
}

function checkValue(field: DescField, value: Json, path: string, say: Say): void {
  if (field.message !== undefined) checkMessage(field.message, value, path, say);
  else if (field.enum !== undefined) checkEnum(field.enum, value, path, say);
  else if (field.scalar !== undefined) checkScalar(field.scalar, value, path, say);
}

function checkEnum(type: DescEnum, value: Json, path: string, say: Say): void {
  if (typeof value === "number" && Number.isInteger(value)) return;
  const names = type.values.map(({ name }) => name);
  if (typeof value !== "string") say(path, `must be one of ${names.join(", ")}, not ${kindOf(value)}`);
  else if (!names.includes(value))
    say(path, `${quote(value)} is no ${type.name}${suggest(value, names) || `: use ${names.join(", ")}`}`);
}

function checkScalar(type: ScalarType, value: Json, path: string, say: Say): void {
  switch (type) {
    case ScalarType.STRING:
      if (typeof value !== "string")
        say(path, `must be a string, not ${kindOf(value)}${typeof value === "object" ? "" : `: quote it`}`);
      return;
    case ScalarType.BOOL:
      if (typeof value !== "boolean") say(path, `must be true or false, not ${kindOf(value)}`);
      return;
    case ScalarType.BYTES:
      if (typeof value !== "string") say(path, `must be a base64 string, not ${kindOf(value)}`);
      return;
    default:
      checkNumber(type, value, path, say);
  }
}

const UNSIGNED: ReadonlySet<ScalarType> = new Set([
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.FIXED32,
  ScalarType.FIXED64,
]);
const REAL: ReadonlySet<ScalarType> = new Set([ScalarType.DOUBLE, ScalarType.FLOAT]);
const WIDE: ReadonlySet<ScalarType> = new Set([
  ScalarType.UINT64,
  ScalarType.FIXED64,
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
]);

function checkNumber(type: ScalarType, value: Json, path: string, say: Say): void {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) say(path, `must be a number, not ${kindOf(value)}`);
  else if (REAL.has(type)) return;
  else if (!Number.isInteger(number)) say(path, `must be a whole number, not ${number}`);
  else if (UNSIGNED.has(type) && number < 0) say(path, `must not be negative, not ${number}`);
  else if (!WIDE.has(type) && (number > 0xffffffff || number < -0x80000000)) say(path, `${number} is out of range`);
}

const WRAPPERS: Readonly<Record<string, ScalarType>> = {
  "google.protobuf.BoolValue": ScalarType.BOOL,
  "google.protobuf.StringValue": ScalarType.STRING,
  "google.protobuf.BytesValue": ScalarType.BYTES,
  "google.protobuf.UInt32Value": ScalarType.UINT32,
  "google.protobuf.UInt64Value": ScalarType.UINT64,
  "google.protobuf.Int32Value": ScalarType.INT32,
  "google.protobuf.Int64Value": ScalarType.INT64,
  "google.protobuf.DoubleValue": ScalarType.DOUBLE,
  "google.protobuf.FloatValue": ScalarType.FLOAT,
};

function checkWellKnown(schema: DescMessage, value: Json, path: string, say: Say): void {
  const scalar = WRAPPERS[schema.typeName];
  if (scalar !== undefined) {
    checkScalar(scalar, value, path, say);
    return;
  }
  switch (schema.typeName) {
    case "google.protobuf.Duration":
      if (typeof value !== "string" || !/^-?\d{1,12}(\.\d{1,9})?s$/.test(value))
        say(path, `must be a duration such as 1.5s, not ${kindOf(value)}`);
      return;
    case "google.protobuf.Struct":
      if (!isObject(value)) say(path, `must be a mapping, not ${kindOf(value)}`);
      return;
    case "google.protobuf.Any":
      checkAny(value, path, say);
      return;
    default: // Value takes anything; the others don't occur
  }
}

function checkAny(value: Json, path: string, say: Say): void {
  if (!isObject(value)) {
    say(path, `must be a mapping, not ${kindOf(value)}`);
    return;
  }
  const { "@type": url, ...rest } = value;
  if (typeof url !== "string") {
    say(at(path, "@type"), "must be set to the type's URL");
    return;
  }
  const schema = registry.getMessage(url.slice(url.lastIndexOf("/") + 1));
  if (schema !== undefined)
    checkMessage(schema, schema.typeName.startsWith("google.protobuf.") ? (rest["value"] ?? null) : rest, path, say);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return quote(value);
    case "object":
      return value === null ? "nothing" : "a mapping";
    default:
      return String(value);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function suggest(name: string, known: readonly string[]): string {
  if (name.length > 80) return "";
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  return near === undefined ? "" : ` (did you mean ${near.candidate}?)`;
}

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
