import { describe, expect, test } from "bun:test";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { registry } from "./gen/descriptors.ts";
import { honouredFields, inspectedApart } from "./honoured-fields.ts";
import { ignoredFields } from "./ignored-fields.ts";
import { relayedFields } from "./relayed-fields.ts";
import { unsupportedFields } from "./unsupported-fields.ts";

const tables = { honouredFields, relayedFields, ignoredFields, unsupportedFields };

function fieldNames(table: (typeof tables)[keyof typeof tables], message: string): string[] {
  const fields = table[message] ?? [];
  return Array.isArray(fields) ? [...fields] : Object.keys(fields);
}

function messageOf(name: string): DescMessage {
  const message = registry.getMessage(name);
  if (message === undefined) throw new Error(`${name} is no message of the API`);
  return message;
}

const messages = Object.keys(honouredFields);

describe("every field of every message that is read has one stated fate", () => {
  test.each(messages)("%s", (name) => {
    const stated = Object.values(tables).flatMap((table) => fieldNames(table, name));
    expect(stated.toSorted()).toEqual(
      messageOf(name)
        .fields.map((field) => field.name)
        .toSorted(),
    );
  });
});

test("the tables speak only of messages that are read", () => {
  const others = Object.values(tables).flatMap((table) =>
    Object.keys(table).filter((name) => !messages.includes(name)),
  );
  expect(others).toEqual([]);
});

test("a message behind a field that is read is read as well", () => {
  const children = messages.flatMap((name) =>
    messageOf(name)
      .fields.filter((field) => isHonoured(name, field))
      .flatMap(childName),
  );
  const unread = [...new Set(children)].filter((name) => !messages.includes(name));
  expect(unread).toEqual([]);
});

test("types that are inspected apart are read", () => {
  expect([...inspectedApart].filter((name) => !messages.includes(name))).toEqual([]);
});

function isHonoured(message: string, field: DescField): boolean {
  return [honouredFields, relayedFields].some((table) => fieldNames(table, message).includes(field.name));
}

function childName(field: DescField): string[] {
  const name = field.message?.typeName;
  return name === undefined || name.startsWith("google.protobuf.") ? [] : [name];
}
