// Plain values to protobuf messages by protobuf's JSON mapping, with all that is wrong by path where it fails. An Any of a
// type that isn't in our API becomes a TypedStruct of that type, so that its reader can ignore or refuse it by name.
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { registry } from "../xds/gen/descriptors.ts";
import { TypedStructSchema } from "../xds/gen/xds/type/v3/typed_struct_pb.ts";
import { reasonOf } from "../xds/resource/any.ts";
import type { Problem } from "../xds/resource/report.ts";
import { explain } from "./explain.ts";
import type { Json } from "./yaml.ts";

export type Mapped<M> = { readonly message: M } | { readonly problems: readonly Problem[] };

export function toMessage<Desc extends DescMessage>(
  schema: Desc,
  value: Json,
  path: string,
): Mapped<MessageShape<Desc>> {
  try {
    // A null resource isn't an unset one: protobuf-es would make it empty.
    if (value !== null) return { message: fromJson(schema, closeUnknownTypes(value) as JsonValue, { registry }) };
  } catch (cause) {
    const problems = explain(schema, value, path);
    return { problems: problems.length > 0 ? problems : [{ path, reason: reasonOf(cause) }] };
  }
  return { problems: [{ path, reason: "must be a mapping, not nothing" }] };
}

/** Copies only what changes. */
function closeUnknownTypes(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(closeUnknownTypes);
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  const object = value as { readonly [key: string]: Json };
  const url = object["@type"];
  if (typeof url === "string" && registry.getMessage(url.slice(url.lastIndexOf("/") + 1)) === undefined)
    return close(url, object);
  let copy: { [key: string]: Json } | undefined;
  for (const key in object) {
    const before = object[key] ?? null;
    const after = closeUnknownTypes(before);
    if (after === before) continue;
    copy ??= { ...object };
    copy[key] = after;
  }
  return copy ?? value;
}

function close(url: string, { "@type": _, ...rest }: { readonly [key: string]: Json }): Json {
  return { "@type": `type.googleapis.com/${TypedStructSchema.typeName}`, type_url: url, value: rest };
}
