// Opens a google.protobuf.Any. A TypedStruct stands for the message whose type it names, as in Envoy (the mesh file reader
// wraps unknown types in one, too). Types that are not in our API stay closed: only their name is known.
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { registry } from "../gen/descriptors.ts";
import { TypedStructSchema as UdpaTypedStructSchema } from "../gen/udpa/type/v1/typed_struct_pb.ts";
import { TypedStructSchema } from "../gen/xds/type/v3/typed_struct_pb.ts";
import type { Report } from "./report.ts";

export interface Opened {
  /** Full name of the message, without the URL's prefix. */
  readonly typeName: string;
  /** Undefined if the type isn't in our API. */
  readonly message: Message | undefined;
}

/** Undefined if it can't be read: then the problem was reported. */
export function open(any: Any | undefined, path: string, report: Report): Opened | undefined {
  if (any === undefined) return reject(report, path, "must be set");
  const typeName = nameOf(any.typeUrl);
  if (typeName === "") return reject(report, path, "must say its type");
  try {
    if (isTypedStruct(typeName)) {
      const { typeUrl, value } = fromBinary(TypedStructSchema, any.value); // both have the same fields
      return openStruct(nameOf(typeUrl), value);
    }
    const schema = registry.getMessage(typeName);
    return { typeName, message: schema === undefined ? undefined : fromBinary(schema, any.value) };
  } catch (cause) {
    return reject(report, path, `can't be read as ${typeName}: ${reasonOf(cause)}`);
  }
}

/** The type of what an Any holds, without opening it further. */
export function typeNameOf(any: Any): string {
  const typeName = nameOf(any.typeUrl);
  if (!isTypedStruct(typeName)) return typeName;
  try {
    return nameOf(fromBinary(TypedStructSchema, any.value).typeUrl);
  } catch {
    return typeName; // unreadable: as good as any unknown type
  }
}

/** Narrows an opened message to one type. */
export function as<Desc extends DescMessage>(schema: Desc, opened: Opened | undefined): MessageShape<Desc> | undefined {
  return opened?.message?.$typeName === schema.typeName ? (opened.message as MessageShape<Desc>) : undefined;
}

function isTypedStruct(typeName: string): boolean {
  return typeName === TypedStructSchema.typeName || typeName === UdpaTypedStructSchema.typeName;
}

function nameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** A protobuf-es error as one line. */
export function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return (text.split("\n")[0] ?? "").slice(0, 300);
}

function openStruct(typeName: string, value: JsonObject | undefined): Opened {
  const schema = registry.getMessage(typeName);
  if (schema === undefined) return { typeName, message: undefined };
  return { typeName, message: fromJson(schema, value ?? {}, { registry }) };
}

function reject(report: Report, path: string, reason: string): undefined {
  report.reject(path, reason);
  return undefined;
}
