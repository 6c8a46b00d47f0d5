// The lazily built descriptors are those that protobuf-es would build: field by field, for every type of the API.
import { describe, expect, test } from "bun:test";
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { create, createFileRegistry, createRegistry, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { type FileDescriptorProto, file_google_protobuf_struct, StructSchema } from "@bufbuild/protobuf/wkt";
import { registry } from "./gen/descriptors.ts";
import { ListenerSchema } from "./gen/envoy/config/listener/v3/listener_pb.ts";
import { AggregatedDiscoveryService } from "./gen/envoy/service/discovery/v3/ads_pb.ts";
import { createTypes } from "./lazy-types.ts";

const messages = [...registry].filter((desc): desc is DescMessage => desc.kind === "message");
const enums = [...registry].filter((desc): desc is DescEnum => desc.kind === "enum");

test("every type can be built, and is found under its name", () => {
  expect(messages.length).toBeGreaterThan(300);
  expect(enums.length).toBeGreaterThan(50);
  for (const message of messages) {
    expect(registry.getMessage(message.typeName)).toBe(message);
    expect(message.fields.every((field) => message.field[field.localName] === field)).toBe(true);
  }
  for (const type of enums) expect(registry.getEnum(type.typeName)).toBe(type);
});

test("a reference leads to the same descriptor as the name", () => {
  const strangers = messages.flatMap((message) =>
    message.fields.filter((field) => isStranger(message, field)).map((field) => `${message.typeName}.${field.name}`),
  );
  expect(strangers).toEqual([]);
});

/** A message may refer to itself by what was built, other messages by their stand-ins. */
function isStranger(message: DescMessage, { message: child, enum: type }: DescField): boolean {
  if (child !== undefined) return child !== registry.getMessage(child.typeName) && child.typeName !== message.typeName;
  return type !== undefined && type !== registry.getEnum(type.typeName);
}

test("the well-known types are as in protobuf-es", () => {
  const own = registry.getMessage("google.protobuf.Struct");
  expect(own?.fields.map(describeField)).toEqual(StructSchema.fields.map(describeField));
  const value = createRegistry(file_google_protobuf_struct).getMessage("google.protobuf.Value");
  expect(registry.getMessage("google.protobuf.Value")?.fields.map(describeField)).toEqual(
    value?.fields.map(describeField),
  );
});

function describeField(field: DescField): object {
  const { name, number, localName, jsonName, fieldKind, scalar, presence, oneof } = field;
  const types = { message: field.message?.typeName, enum: field.enum?.typeName };
  const list = field.fieldKind === "list" ? { listKind: field.listKind, packed: field.packed } : {};
  const map = field.fieldKind === "map" ? { mapKind: field.mapKind, mapKey: field.mapKey } : {};
  return {
    name,
    number,
    localName,
    jsonName,
    fieldKind,
    scalar,
    presence,
    oneof: oneof?.name,
    ...types,
    ...list,
    ...map,
  };
}

test("messages go through protobuf-es both ways", () => {
  const json = {
    name: "web",
    address: { socketAddress: { address: "127.96.0.1", portValue: 80 } },
    metadata: { filterMetadata: { a: { b: [1, null, "c"] } } },
    trafficDirection: "OUTBOUND",
    useOriginalDst: true,
    listenerFiltersTimeout: "1.500s",
  };
  const message = fromBinary(ListenerSchema, toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })));
  expect(toJson(ListenerSchema, message, { registry })).toEqual(json);
  expect(create(ListenerSchema).filterChains).toEqual([]);
});

test("the service has its methods", () => {
  const { streamAggregatedResources, deltaAggregatedResources } = AggregatedDiscoveryService.method;
  expect(streamAggregatedResources.methodKind).toBe("bidi_streaming");
  expect(deltaAggregatedResources.input.typeName).toBe("envoy.service.discovery.v3.DeltaDiscoveryRequest");
});

describe("a small API", () => {
  const lines = `
message a.Outer {"name":"Outer","field":[{"name":"in_ner","number":1,"type":11,"typeName":"a.Outer.Inner","jsonName":"inNer","oneofIndex":0},{"name":"self","number":2,"label":3,"type":11,"typeName":"a.Outer","jsonName":"self"},{"name":"by_name","number":3,"label":3,"type":11,"typeName":"a.Outer.ByNameEntry","jsonName":"byName"},{"name":"maybe","number":4,"type":8,"jsonName":"maybe","oneofIndex":1,"proto3Optional":true}],"oneofDecl":[{"name":"one"},{"name":"_maybe"}],"nestedType":[{"name":"ByNameEntry","field":[{"name":"key","number":1,"type":9,"jsonName":"key"},{"name":"value","number":2,"type":14,"typeName":"a.Kind","jsonName":"value"}],"oneofDecl":[],"nestedType":[],"options":{"mapEntry":true}}]}
message a.Outer.Inner {"name":"Inner","field":[{"name":"numbers","number":1,"label":3,"type":13,"jsonName":"numbers"}],"oneofDecl":[],"nestedType":[]}
enum a.Kind {"name":"Kind","value":[{"name":"NONE","number":0},{"name":"SOME","number":1}]}
`;
  const { registry: own, messageDesc } = createTypes(lines);
  const outer = messageDesc("a.Outer");

  test("oneofs, maps, recursion, presence", () => {
    expect(outer.members.map((member) => `${member.kind} ${member.localName}`)).toEqual([
      "oneof one",
      "field self",
      "field byName",
      "field maybe",
    ]);
    const value = { inNer: { numbers: [1, 2] }, self: [{ maybe: false }], byName: { x: "SOME" } };
    expect(toJson(outer, fromJson(outer, value))).toEqual(value);
  });

  test("as protobuf-es builds it from a file", () => {
    const messageType = ["a.Outer"].map((name) => JSON.parse(lines.match(`message ${name} (.*)`)?.[1] ?? ""));
    const inner = JSON.parse(lines.match("message a.Outer.Inner (.*)")?.[1] ?? "");
    const enumType = [JSON.parse(lines.match("enum a.Kind (.*)")?.[1] ?? "")];
    const complete = (message: { nestedType: object[] }): void => {
      Object.assign(message, { enumType: [], extension: [] });
      for (const child of message.nestedType) complete(child as typeof message);
    };
    messageType[0].nestedType.push(inner);
    messageType.forEach(complete);
    const file = { name: "a.proto", package: "a", syntax: "proto3", dependency: [], service: [], extension: [] };
    const whole = createFileRegistry(
      {
        $typeName: "google.protobuf.FileDescriptorProto",
        ...file,
        messageType,
        enumType,
      } as unknown as FileDescriptorProto,
      () => undefined,
    );
    for (const name of ["a.Outer", "a.Outer.Inner"]) {
      expect(own.getMessage(name)?.fields.map(describeField)).toEqual(
        whole.getMessage(name)?.fields.map(describeField),
      );
      expect(String(own.getMessage(name))).toBe(String(whole.getMessage(name)));
    }
  });

  test("a name of another kind, or of none, is not found", () => {
    expect(own.getMessage("a.Kind")).toBeUndefined();
    expect(own.getEnum("a.Outer")).toBeUndefined();
    expect(own.get("a.None")).toBeUndefined();
    expect(() => messageDesc("a.None")).toThrow("a.None is not among the generated types");
  });
});
