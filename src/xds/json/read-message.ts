// Plain JSON values to messages by protobuf's JSON mapping, with everything that is wrong by path. protobuf-es's fromJson stops at
// the first problem, names it without its path, and first compiles readers for all messages that could occur below: most of the
// API, 30 ms. The tests hold the two against each other.
import { type DescField, type DescMessage, type Message, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { registry } from "../gen/descriptors.ts";
import { type TypedStruct, TypedStructSchema } from "../gen/xds/type/v3/typed_struct_pb.ts";
import type { Problem } from "../resource/report.ts";
import { embed } from "./embedded.ts";
import { type FieldPlan, type MessagePlan, type MutableMessage, planOf } from "./plan.ts";
import {
  createReading,
  isList,
  isObject,
  type Json,
  type JsonObject,
  keyStep,
  kindOf,
  type Reading,
} from "./reading.ts";
import { readEnum, readScalar } from "./scalar.ts";
import { suggest } from "./suggest.ts";
import { readDuration, readStruct, readValue, toListValue, toStruct, WRAPPERS } from "./well-known.ts";

export type Mapped<M> = { readonly message: M } | { readonly problems: readonly Problem[] };

/** `path` of the value in its file or resource. */
export function readMessage<Desc extends DescMessage>(
  schema: Desc,
  value: Json,
  path: string,
): Mapped<MessageShape<Desc>> {
  const reading = createReading(path);
  const message = readAs(schema, value, reading);
  return message === undefined || reading.problems.length > 0
    ? { problems: reading.problems }
    : { message: message as MessageShape<Desc> };
}

/** Undefined where a problem was reported. */
function readAs(schema: DescMessage, value: Json, reading: Reading): Message | undefined {
  if (schema.typeName.startsWith("google.protobuf.")) return readWellKnown(schema, value, reading);
  if (isObject(value)) return readFields(planOf(schema), value, reading);
  reading.reject(`must be a mapping, not ${kindOf(value)}`);
  return undefined;
}

function readFields(plan: MessagePlan, value: JsonObject, reading: Reading): Message {
  const message = plan.create();
  for (const key of Object.keys(value)) {
    if (reading.isFull()) break;
    const field = plan.fields.get(key);
    const item = value[key] ?? null;
    if (field === undefined) {
      reading.reject(`unknown field${suggest(key, namesOf(plan))}`, key);
    } else if (key !== field.name && Object.hasOwn(value, field.name)) {
      reading.reject("is written twice", field.name);
    } else if (item !== null || takesNull(field.field)) {
      reading.enter(field.name);
      readField(field, item, message, reading);
      reading.leave();
    }
  }
  return message;
}

function namesOf({ schema }: MessagePlan): string[] {
  return schema.fields.map(({ name }) => name);
}

/** Null is a value to google.protobuf.Value, and elsewhere an unset field. */
function takesNull(field: DescField): boolean {
  return field.fieldKind === "message" && field.message.typeName === "google.protobuf.Value";
}

function readField({ field, key, oneof }: FieldPlan, value: Json, message: MutableMessage, reading: Reading): void {
  if (oneof !== undefined) {
    const before = message[oneof.localName] as { readonly case: string | undefined };
    const other = oneof.fields.find(({ localName }) => localName === before.case);
    if (other !== undefined) reading.reject(`can't be set beside ${other.name}`);
    const read = readSingle(field, value, reading);
    if (read !== undefined) message[oneof.localName] = { case: key, value: read };
    return;
  }
  const read = readWhole(field, value, reading);
  if (read !== undefined) message[key] = read;
}

function readWhole(field: DescField, value: Json, reading: Reading): unknown {
  switch (field.fieldKind) {
    case "list":
      return readList(field, value, reading);
    case "map":
      return readMap(field, value, reading);
    case "message": {
      const wrapped = WRAPPERS[field.message.typeName];
      return wrapped === undefined ? readSingle(field, value, reading) : readScalar(wrapped, value, reading);
    }
    default:
      return readSingle(field, value, reading);
  }
}

function readList(field: DescField, value: Json, reading: Reading): unknown[] | undefined {
  if (!isList(value)) {
    reading.reject(`must be a list, not ${kindOf(value)}`);
    return undefined;
  }
  const items: unknown[] = [];
  for (const [i, item] of value.entries()) {
    if (reading.isFull()) break;
    reading.enter(i);
    items.push(readSingle(field, item, reading));
    reading.leave();
  }
  return items;
}

function readMap(field: DescField, value: Json, reading: Reading): object | undefined {
  if (!isObject(value)) {
    reading.reject(`must be a mapping, not ${kindOf(value)}`);
    return undefined;
  }
  const map = {};
  for (const [key, item] of Object.entries(value)) {
    if (reading.isFull()) break;
    reading.enter(keyStep(key));
    const name = readKey(field, key, reading);
    const read = readSingle(field, item, reading);
    reading.leave();
    // A plain assignment to __proto__ would not make a property.
    Object.defineProperty(map, name, { value: read, writable: true, enumerable: true, configurable: true });
  }
  return map;
}

/** In JSON every key is text; a map of numbers has numbers in it. */
function readKey(field: DescField, key: string, reading: Reading): string {
  if (field.fieldKind !== "map" || field.mapKey === ScalarType.STRING) return key;
  return String(readScalar(field.mapKey, key, reading) ?? key);
}

/** One value of the field's type: of a singular field, or an item. */
function readSingle(field: DescField, value: Json, reading: Reading): unknown {
  if (field.enum !== undefined) return readEnum(field.enum, value, reading);
  if (field.scalar !== undefined) return readScalar(field.scalar, value, reading);
  if (field.message === undefined) return undefined; // no such field
  // Messages hold a Struct as plain JSON.
  if (field.message.typeName === "google.protobuf.Struct") return readStruct(value, reading);
  return readAs(field.message, value, reading);
}

function readWellKnown(schema: DescMessage, value: Json, reading: Reading): Message | undefined {
  const wrapped = WRAPPERS[schema.typeName];
  if (wrapped !== undefined) {
    const scalar = readScalar(wrapped, value, reading);
    return scalar === undefined ? undefined : wrap(schema, scalar);
  }
  switch (schema.typeName) {
    case "google.protobuf.Any":
      return readAny(value, reading);
    case "google.protobuf.Duration":
      return readDuration(value, reading);
    case "google.protobuf.Value":
      return readValue(value, reading);
    case "google.protobuf.Struct": {
      const struct = readStruct(value, reading);
      return struct === undefined ? undefined : toStruct(struct);
    }
    case "google.protobuf.Empty":
      if (isObject(value)) return readFields(planOf(schema), value, reading);
      reading.reject(`must be a mapping, not ${kindOf(value)}`);
      return undefined;
    case "google.protobuf.ListValue":
      if (isList(value) && readValue(value, reading) !== undefined) return toListValue(value);
      reading.reject(`must be a list, not ${kindOf(value)}`);
      return undefined;
    default: // Timestamp, FieldMask: no configuration has them
      reading.reject(`${schema.typeName} isn't supported`);
      return undefined;
  }
}

function wrap(schema: DescMessage, value: unknown): Message {
  const message = planOf(schema).create();
  message["value"] = value;
  return message;
}

/** A type that isn't in our API becomes a TypedStruct of that type, so that its reader can ignore or refuse it by name. */
function readAny(value: Json, reading: Reading): Any | undefined {
  if (!isObject(value)) {
    reading.reject(`must be a mapping, not ${kindOf(value)}`);
    return undefined;
  }
  const { "@type": typeUrl, ...rest } = value;
  if (typeof typeUrl !== "string") {
    if (Object.keys(value).length === 0)
      return { $typeName: "google.protobuf.Any", typeUrl: "", value: new Uint8Array(0) };
    reading.reject("must be set to the type's URL", "@type");
    return undefined;
  }
  const schema = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (schema === undefined) return closed(typeUrl, rest, reading);
  const message = readAs(schema, hasOwnForm(schema) ? (rest["value"] ?? null) : rest, reading);
  return message === undefined ? undefined : embed(typeUrl, message);
}

/** Types whose JSON is no mapping of fields stand under "value" in an Any. */
function hasOwnForm({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.") && typeName !== "google.protobuf.Empty";
}

function closed(typeUrl: string, fields: JsonObject, reading: Reading): Any | undefined {
  const value = readStruct(fields, reading);
  if (value === undefined) return undefined;
  const struct: TypedStruct = {
    $typeName: TypedStructSchema.typeName,
    typeUrl,
    value: value as TypedStruct["value"] & object,
  };
  return embed(`type.googleapis.com/${TypedStructSchema.typeName}`, struct);
}
