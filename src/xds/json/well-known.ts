// The types of google.protobuf that have a JSON form of their own: Duration, Struct and Value, and the wrappers of scalars. Any is
// read by read-message.ts, which it leads back to.
import { ScalarType } from "@bufbuild/protobuf";
import type { Duration, ListValue, Struct, Value } from "@bufbuild/protobuf/wkt";
import { isList, isObject, type Json, type JsonObject, keyStep, kindOf, type Reading } from "./reading.ts";

export const WRAPPERS: Readonly<Record<string, ScalarType>> = {
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

/** duration.proto: about 10,000 years. */
const MAX_SECONDS = 315_576_000_000;

export function readDuration(value: Json, reading: Reading): Duration | undefined {
  const match = typeof value === "string" ? /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(value) : null;
  const [, sign, seconds = "", fraction = ""] = match ?? [];
  if (match === null || Number(seconds) > MAX_SECONDS) {
    reading.reject(`must be a duration such as 1.5s, not ${kindOf(value)}`);
    return undefined;
  }
  const nanos = Number(fraction.padEnd(9, "0"));
  const isNegative = sign === "-";
  return {
    $typeName: "google.protobuf.Duration",
    seconds: isNegative ? -BigInt(seconds) : BigInt(seconds),
    nanos: isNegative && nanos !== 0 ? -nanos : nanos,
  };
}

/** The form in which messages hold a Struct: plain JSON, all of it representable. */
export function readStruct(value: Json, reading: Reading): JsonObject | undefined {
  if (!isObject(value)) {
    reading.reject(`must be a mapping, not ${kindOf(value)}`);
    return undefined;
  }
  return isRepresentable(value, reading) ? value : undefined;
}

/** A google.protobuf.Value has no NaN and no infinity. */
function isRepresentable(value: Json, reading: Reading): boolean {
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return true;
      reading.reject(`must be a finite number, not ${value}`);
      return false;
    case "string":
      if (value.isWellFormed()) return true;
      reading.reject("isn't valid Unicode: it has half of a surrogate pair");
      return false;
    case "object":
      if (value === null) return true;
      return isList(value)
        ? value.every((item, i) => isRepresentableAt(i, item, reading))
        : Object.entries(value).every(([key, item]) => isRepresentableAt(keyStep(key), item, reading));
    default:
      return true;
  }
}

function isRepresentableAt(step: string | number, value: Json, reading: Reading): boolean {
  reading.enter(step);
  const is = isRepresentable(value, reading);
  reading.leave();
  return is;
}

export function readValue(value: Json, reading: Reading): Value | undefined {
  return isRepresentable(value, reading) ? toValue(value) : undefined;
}

function toValue(value: Json): Value {
  return { $typeName: "google.protobuf.Value", kind: kindOfValue(value) };
}

function kindOfValue(value: Json): Value["kind"] {
  if (value === null) return { case: "nullValue", value: 0 };
  if (typeof value === "string") return { case: "stringValue", value };
  if (typeof value === "number") return { case: "numberValue", value };
  if (typeof value === "boolean") return { case: "boolValue", value };
  return isList(value)
    ? { case: "listValue", value: toListValue(value) }
    : { case: "structValue", value: toStruct(value as JsonObject) };
}

export function toListValue(values: readonly Json[]): ListValue {
  return { $typeName: "google.protobuf.ListValue", values: values.map(toValue) };
}

export function toStruct(value: JsonObject): Struct {
  const fields = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toValue(item)]));
  return { $typeName: "google.protobuf.Struct", fields };
}
