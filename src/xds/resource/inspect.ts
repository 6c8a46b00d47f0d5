// Walks every field that is set in a message, by reflection, before anything is read from it: checks Envoy's limits, and
// settles the fate of each field, so that none is dropped silently. A field is read by a converter (honoured-fields.ts; those
// that only the relay can honour: relayed-fields.ts), can't change where or whether traffic goes (ignored-fields.ts), or is
// reported with its path (unsupported-fields.ts).
import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { honouredFields, inspectedApart } from "../honoured-fields.ts";
import { ignoredFields } from "../ignored-fields.ts";
import { relayedFields } from "../relayed-fields.ts";
import { type Fate, unsupportedFields } from "../unsupported-fields.ts";
import { type FieldLimits, limitsOf, type MessageLimits } from "./limits.ts";
import { at, type Needs, type Report } from "./report.ts";

/** Where to report: `path` of the message in the resource, `needs` and the path within their owner. */
export interface Place {
  readonly report: Report;
  readonly path: string;
  readonly needs: Needs;
  readonly needPath: string;
}

/** The same place one field further in. */
export function inside(place: Place, field: string): Place {
  return { ...place, path: at(place.path, field), needPath: at(place.needPath, field) };
}

export function inspect(schema: DescMessage, message: Message, place: Place): void {
  walk(planOf(schema), message, place, true);
}

interface FieldPlan {
  readonly name: string;
  readonly key: string;
  /** The oneof's property that holds the field, for members of a oneof. */
  readonly oneof: string | undefined;
  readonly kind: DescField["fieldKind"];
  readonly hasPresence: boolean;
  readonly zero: unknown;
  readonly limits: FieldLimits;
  readonly fate: Fate | undefined;
  /** The type of the message, of the list's items, or of the map's values, if they are messages to walk. */
  readonly child: DescMessage | undefined;
}

interface Plan {
  readonly typeName: string;
  readonly fields: readonly FieldPlan[];
  readonly requiredOneofs: readonly { readonly name: string; readonly key: string }[];
}

// A memo of a pure function: descriptors never change.
const plans = new Map<DescMessage, Plan>();

function planOf(schema: DescMessage): Plan {
  const known = plans.get(schema);
  if (known !== undefined) return known;
  const limits = limitsOf(schema.typeName);
  const plan: Plan = {
    typeName: schema.typeName,
    fields: schema.fields.map((field) => planField(schema, field, limits)),
    requiredOneofs: schema.oneofs
      .filter((oneof) => limits.isOneofRequired(oneof.name))
      .map((oneof) => ({ name: oneof.name, key: oneof.localName })),
  };
  plans.set(schema, plan);
  return plan;
}

function planField(schema: DescMessage, field: DescField, limits: MessageLimits): FieldPlan {
  const oneof = field.oneof?.localName;
  return {
    name: field.name,
    key: field.localName,
    oneof,
    kind: field.fieldKind,
    hasPresence: oneof !== undefined || field.proto.proto3Optional || field.fieldKind === "message",
    zero: zeroOf(field),
    limits: limits.field(field.name, field.enum),
    fate: fateOf(schema.typeName, field),
    child: childOf(field),
  };
}

function fateOf(typeName: string, field: DescField): Fate | undefined {
  const ignored = ignoredFields[typeName]?.[field.name];
  if (ignored !== undefined) return { kind: "ignored", reason: ignored };
  const unsupported = unsupportedFields[typeName]?.[field.name];
  if (unsupported !== undefined) return unsupported;
  const relayed = relayedFields[typeName]?.[field.name];
  if (relayed !== undefined) return { kind: "need", reason: relayed };
  const honoured = honouredFields[typeName];
  if (honoured === undefined || honoured.includes(field.name)) return undefined;
  return { kind: "rejected", reason: "is not supported" };
}

function zeroOf(field: DescField): unknown {
  if (field.fieldKind === "enum") return 0;
  if (field.fieldKind !== "scalar") return undefined;
  switch (field.scalar) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    case ScalarType.BYTES:
      return undefined;
    default:
      return 0;
  }
}

/** google.protobuf's own types have nothing to inspect: an Any is opened by its reader, a wrapper or Struct is a plain value. */
function childOf(field: DescField): DescMessage | undefined {
  const child = field.message;
  return child === undefined || child.typeName.startsWith("google.protobuf.") ? undefined : child;
}

/** `honour` is false below an ignored field, where only the limits count. */
function walk(plan: Plan, message: Message, place: Place, honour: boolean): void {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  if (honour) noteUnknown(message, place);
  for (const { name, key } of plan.requiredOneofs) {
    if (oneofCase(values[key]) === undefined)
      place.report.reject(at(place.path, name), "one of its fields must be set");
  }
  for (const field of plan.fields) {
    const value = readValue(field, values);
    if (value === undefined) {
      if (field.limits.isRequired && field.oneof === undefined)
        place.report.reject(at(place.path, field.name), "must be set");
      continue;
    }
    checkLimits(field, value, place);
    if (!isSet(field, value)) continue;
    walkField(field, value, place, honour);
  }
}

function walkField(field: FieldPlan, value: unknown, place: Place, honour: boolean): void {
  if (honour && field.fate !== undefined) settle(field.fate, field.name, place);
  if (field.child === undefined || inspectedApart.has(field.child.typeName)) return;
  const childPlan = planOf(field.child);
  const honourChild = honour && (field.fate === undefined || field.fate.kind === "need");
  switch (field.kind) {
    case "list":
      for (const [i, item] of (value as readonly Message[]).entries()) {
        walk(childPlan, item, inside(place, `${field.name}[${i}]`), honourChild);
      }
      return;
    case "map":
      for (const [key, item] of Object.entries(value as Readonly<Record<string, Message>>)) {
        walk(childPlan, item, inside(place, `${field.name}["${key}"]`), honourChild);
      }
      return;
    default:
      walk(childPlan, value as Message, inside(place, field.name), honourChild);
  }
}

function settle(fate: Fate, name: string, { report, path, needs, needPath }: Place): void {
  switch (fate.kind) {
    case "ignored":
      return;
    case "degraded":
      report.note("degraded", at(path, name), fate.reason);
      return;
    case "need":
      needs.push({ path: at(needPath, name), reason: fate.reason });
      return;
    case "rejected":
      report.reject(at(path, name), fate.reason);
      return;
    default:
      fate.kind satisfies never;
  }
}

/** A field that is newer than our API: it may mean anything, but a server that sends it must expect old clients. */
function noteUnknown(message: Message, { report, path }: Place): void {
  for (const { no } of message.$unknown ?? []) {
    report.note("ignored", at(path, `unknown field ${no}`), "is newer than the Envoy API of this version");
  }
}

function checkLimits(field: FieldPlan, value: unknown, { report, path }: Place): void {
  for (const check of field.limits.checks) {
    const reason = check(value);
    if (reason !== undefined) report.reject(at(path, field.name), reason);
  }
  if (field.limits.itemChecks.length === 0) return;
  const items = field.kind === "map" ? Object.keys(value as object) : (value as readonly unknown[]);
  for (const [i, item] of items.entries()) {
    const reason = field.limits.itemChecks.map((check) => check(item)).find((found) => found !== undefined);
    if (reason !== undefined) report.reject(`${at(path, field.name)}[${i}]`, reason);
  }
}

function readValue(field: FieldPlan, values: Readonly<Record<string, unknown>>): unknown {
  if (field.oneof === undefined) return values[field.key];
  const oneof = values[field.oneof] as { case?: unknown; value?: unknown } | undefined;
  return oneof?.case === field.key ? oneof.value : undefined;
}

function oneofCase(oneof: unknown): unknown {
  return (oneof as { case?: unknown } | undefined)?.case;
}

function isSet(field: FieldPlan, value: unknown): boolean {
  if (field.kind === "list") return (value as readonly unknown[]).length > 0;
  if (field.kind === "map") return Object.keys(value as object).length > 0;
  if (field.hasPresence) return true;
  return value instanceof Uint8Array ? value.length > 0 : value !== field.zero;
}
