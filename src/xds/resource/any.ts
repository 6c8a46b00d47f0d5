// Opens a google.protobuf.Any. A TypedStruct stands for the message whose type it names, as in Envoy (the mesh file reader
// wraps unknown types in one, too). Types that are not in our API stay closed: only their name is known.
import { type DescMessage, fromBinary, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { registry } from "../gen/descriptors.ts";
import { TypedStructSchema as UdpaTypedStructSchema } from "../gen/udpa/type/v1/typed_struct_pb.ts";
import { type TypedStruct, TypedStructSchema } from "../gen/xds/type/v3/typed_struct_pb.ts";
import { embeddedIn } from "../json/embedded.ts";
import { readMessage } from "../json/read-message.ts";
import { at, type Report } from "./report.ts";

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
    if (isTypedStruct(typeName)) return openStruct(structIn(any), path, report);
    const schema = registry.getMessage(typeName);
    return { typeName, message: schema === undefined ? undefined : (embeddedIn(any) ?? fromBinary(schema, any.value)) };
  } catch (cause) {
    return reject(report, path, `can't be read as ${typeName}: ${reasonOf(cause)}`);
  }
}

/** The type of what an Any holds, without opening it further. */
export function typeNameOf(any: Any): string {
  const typeName = nameOf(any.typeUrl);
  if (!isTypedStruct(typeName)) return typeName;
  try {
    return nameOf(structIn(any).typeUrl);
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

/** Both TypedStructs have the same fields. */
function structIn(any: Any): TypedStruct {
  return (embeddedIn(any) as TypedStruct | undefined) ?? fromBinary(TypedStructSchema, any.value);
}

function openStruct({ typeUrl, value }: TypedStruct, path: string, report: Report): Opened | undefined {
  const typeName = nameOf(typeUrl);
  const schema = registry.getMessage(typeName);
  if (schema === undefined) return { typeName, message: undefined };
  const mapped = readMessage(schema, value ?? {}, at(path, "value"));
  if ("message" in mapped) return { typeName, message: mapped.message };
  for (const problem of mapped.problems) report.reject(problem.path, problem.reason);
  return undefined;
}

function reject(report: Report, path: string, reason: string): undefined {
  report.reject(path, reason);
  return undefined;
}
