// Scalars and enums of protobuf's JSON mapping (protobuf.dev/programming-guides/json): numbers may be strings, bytes are base64,
// enums go by name or number. A reader gives undefined where it has reported a problem.
import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type Json, kindOf, quote, type Reading } from "./reading.ts";
import { suggest } from "./suggest.ts";

export type Scalar = string | boolean | number | bigint | Uint8Array;

export function readScalar(type: ScalarType, value: Json, reading: Reading): Scalar | undefined {
  switch (type) {
    case ScalarType.STRING:
      return readString(value, reading);
    case ScalarType.BOOL:
      if (typeof value === "boolean") return value;
      reading.reject(`must be true or false, not ${kindOf(value)}`);
      return undefined;
    case ScalarType.BYTES:
      return readBytes(value, reading);
    case ScalarType.DOUBLE:
      return readReal(value, Number.MAX_VALUE, reading);
    case ScalarType.FLOAT:
      return readReal(value, MAX_FLOAT, reading);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return readInteger(value, UINT32, reading);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return readInteger(value, INT32, reading);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return readLong(value, { least: 0n, most: 2n ** 64n - 1n }, reading);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return readLong(value, { least: -(2n ** 63n), most: 2n ** 63n - 1n }, reading);
    default:
      return type satisfies never;
  }
}

export function readEnum(type: DescEnum, value: Json, reading: Reading): number | undefined {
  if (typeof value === "number" && Number.isInteger(value)) return inRange(value, INT32, reading);
  const names = type.values.map(({ name }) => name);
  if (typeof value !== "string") {
    reading.reject(`must be one of ${names.join(", ")}, not ${kindOf(value)}`);
    return undefined;
  }
  const found = type.values.find(({ name }) => name === value);
  if (found === undefined)
    reading.reject(`${quote(value)} is no ${type.name}${suggest(value, names) || `: use ${names.join(", ")}`}`);
  return found?.number;
}

interface Range {
  readonly least: number;
  readonly most: number;
}

const UINT32: Range = { least: 0, most: 0xffffffff };
const INT32: Range = { least: -0x80000000, most: 0x7fffffff };
const MAX_FLOAT = 3.4028234663852886e38;

function readString(value: Json, reading: Reading): string | undefined {
  if (typeof value !== "string") {
    reading.reject(`must be a string, not ${kindOf(value)}${typeof value === "object" ? "" : ": quote it"}`);
    return undefined;
  }
  if (value.isWellFormed()) return value;
  reading.reject("isn't valid Unicode: it has half of a surrogate pair");
  return undefined;
}

function readBytes(value: Json, reading: Reading): Uint8Array | undefined {
  if (typeof value === "string") {
    try {
      return base64Decode(value);
    } catch {
      // told below
    }
  }
  reading.reject(`must be a base64 string, not ${kindOf(value)}`);
  return undefined;
}

/** Infinity and NaN must be written as strings. */
function readReal(value: Json, most: number, reading: Reading): number | undefined {
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  const number = numberOf(value, reading);
  if (number === undefined || Math.abs(number) <= most) return number;
  reading.reject(`${number} is out of range`);
  return undefined;
}

function readInteger(value: Json, range: Range, reading: Reading): number | undefined {
  const number = numberOf(value, reading);
  return number === undefined || !isWhole(number, reading) ? undefined : inRange(number, range, reading);
}

function readLong(
  value: Json,
  { least, most }: { readonly least: bigint; readonly most: bigint },
  reading: Reading,
): bigint | undefined {
  const long = typeof value === "string" ? longOfText(value, reading) : longOfNumber(value, reading);
  if (long === undefined) return undefined;
  if (long >= least && long <= most) return long;
  reading.reject(long < 0n && least === 0n ? `must not be negative, not ${long}` : `${long} is out of range`);
  return undefined;
}

function longOfText(value: string, reading: Reading): bigint | undefined {
  if (/^-?\d{1,20}$/.test(value)) return BigInt(value);
  reading.reject(`must be a whole number, not ${quote(value)}`);
  return undefined;
}

function longOfNumber(value: Json, reading: Reading): bigint | undefined {
  const number = numberOf(value, reading);
  if (number === undefined || !isWhole(number, reading)) return undefined;
  if (Number.isSafeInteger(number)) return BigInt(number);
  // A number that lost digits on the way isn't what was written.
  reading.reject(`${number} can't be kept exactly: quote it`);
  return undefined;
}

function numberOf(value: Json, reading: Reading): number | undefined {
  const number = typeof value === "string" && value !== "" && value.trim() === value ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  reading.reject(`must be a number, not ${kindOf(value)}`);
  return undefined;
}

function isWhole(number: number, reading: Reading): boolean {
  if (Number.isInteger(number)) return true;
  reading.reject(`must be a whole number, not ${number}`);
  return false;
}

function inRange(number: number, { least, most }: Range, reading: Reading): number | undefined {
  if (number >= least && number <= most) return number;
  reading.reject(number < 0 && least === 0 ? `must not be negative, not ${number}` : `${number} is out of range`);
  return undefined;
}
