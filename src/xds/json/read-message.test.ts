// protobuf-es is the judge: what it reads is read to the same message, and what it refuses is refused, with a path.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { createRandom, type Random } from "../../../test/unit/hostile-random.ts";
import { registry } from "../gen/descriptors.ts";
import { embeddedIn } from "./embedded.ts";
import { readMessage } from "./read-message.ts";
import type { Json } from "./reading.ts";

function typeOf(name: string): DescMessage {
  const type = registry.getMessage(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

/** With the bytes that protobuf-es puts into an Any at once. */
function encoded(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(encoded);
  const message = value as Any;
  const content = message.$typeName === "google.protobuf.Any" ? embeddedIn(message) : undefined;
  if (content !== undefined) {
    const bytes = toBinary(typeOf(content.$typeName), encoded(content) as Message);
    return { $typeName: message.$typeName, typeUrl: message.typeUrl, value: bytes };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encoded(item)]));
}

/** The message, or "refused". */
function read(type: DescMessage, value: JsonValue): unknown {
  const mapped = readMessage(type, value as Json, "");
  if ("message" in mapped) return encoded(mapped.message);
  expect(mapped.problems.length).toBeGreaterThan(0);
  return "refused";
}

function judged(type: DescMessage, value: JsonValue): unknown {
  try {
    return fromJson(type, value, { registry });
  } catch {
    return "refused";
  }
}

describe("what a control plane sends", () => {
  const files = {
    listeners: "envoy.config.listener.v3.Listener",
    clusters: "envoy.config.cluster.v3.Cluster",
    endpoints: "envoy.config.endpoint.v3.ClusterLoadAssignment",
    routes: "envoy.config.route.v3.RouteConfiguration",
  };
  test.each(Object.entries(files))("%s", (name, type) => {
    const path = join(import.meta.dir, `../resource/testdata/istio-${name}.json`);
    const resources = JSON.parse(readFileSync(path, "utf8")) as JsonValue[];
    expect(resources.length).toBeGreaterThan(0);
    for (const resource of resources) {
      const expected = judged(typeOf(type), resource);
      // Types that aren't in our API are closed here and refused there.
      if (expected !== "refused") expect(read(typeOf(type), resource)).toEqual(expected);
      else expect(readMessage(typeOf(type), resource as Json, "")).toHaveProperty("message");
    }
  });
});

describe("any value for any field of any message", () => {
  const types = [...registry].filter(
    (type): type is DescMessage => type.kind === "message" && !type.typeName.startsWith("google.protobuf."),
  );
  const ROUNDS = 30;
  test.each([...Array(8).keys()])("part %d of the API", (part) => {
    for (const [i, type] of types.entries()) {
      if (i % 8 !== part) continue;
      for (let round = 0; round < ROUNDS; round++) {
        const value = messageOf(type, 3, createRandom(i * ROUNDS + round));
        expect([type.typeName, value, read(type, value)]).toEqual([type.typeName, value, judged(type, value)]);
      }
    }
  });
});

const ODD: readonly JsonValue[] = [null, "", "x", 1, -1, 1.5, true, [], {}, "1", "-1", 4294967296, "1e3", "a.b"];
const ANY_TYPES = [
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  "envoy.extensions.filters.http.router.v3.Router",
  "google.protobuf.Duration",
  "google.protobuf.UInt32Value",
  "google.protobuf.Struct",
];

/** Some fields, mostly right, at most one of a oneof; now and then something odd. */
function messageOf(type: DescMessage, depth: number, random: Random): JsonValue {
  const value: { [key: string]: JsonValue } = {};
  if (type.fields.length === 0) return value;
  for (let n = random.below(4); n > 0; n--) {
    const field = random.pick(type.fields);
    if (field.oneof?.fields.some(({ name, jsonName }) => name in value || jsonName in value) && random.below(10) > 0)
      continue;
    const key = random.below(2) === 0 ? field.name : field.jsonName;
    // A null beside another member of its oneof is unset to us, as to Envoy's protobuf, and refused by protobuf-es.
    const odd = random.pick(field.oneof === undefined ? ODD : ODD.slice(1));
    value[key] = random.below(25) === 0 ? odd : fieldValue(field, depth - 1, random);
  }
  if (random.below(60) === 0) value["no_such_field"] = 1;
  return value;
}

function fieldValue(field: DescField, depth: number, random: Random): JsonValue {
  const single = (): JsonValue =>
    random.below(40) === 0
      ? random.pick(ODD.slice(field.oneof === undefined ? 0 : 1))
      : singleValue(field, depth, random);
  switch (field.fieldKind) {
    case "list":
      return Array.from({ length: random.below(3) }, single);
    case "map":
      return Object.fromEntries(["a", "", "__proto_"].slice(random.below(3)).map((key) => [key, single()]));
    default:
      return single();
  }
}

function singleValue(field: DescField, depth: number, random: Random): JsonValue {
  if (field.enum !== undefined) return random.pick([...field.enum.values.map(({ name }) => name), 0, 77]);
  if (field.scalar !== undefined) return scalarValue(field.scalar, random);
  return field.message === undefined ? null : anyMessage(field.message, depth, random);
}

function anyMessage(type: DescMessage, depth: number, random: Random): JsonValue {
  switch (type.typeName) {
    case "google.protobuf.Any": {
      const inner = typeOf(random.pick(ANY_TYPES));
      const value = anyMessage(inner, depth, random);
      const isWellKnown = inner.typeName.startsWith("google.protobuf.");
      return { "@type": `type.googleapis.com/${inner.typeName}`, ...(isWellKnown ? { value } : (value as object)) };
    }
    case "google.protobuf.Duration":
      return random.pick(["1s", "0.5s", "-1.000000001s", "315576000000s"]);
    case "google.protobuf.Struct":
      return { a: [1, "b", null, { c: true }], d: -0.5 };
    case "google.protobuf.Value":
      return random.pick([1, "a", true, [1], { a: null }]);
    default:
      if (type.typeName.startsWith("google.protobuf.")) return random.pick<JsonValue>([true, 1, "1", "eA==", {}]);
      return depth <= 0 ? {} : messageOf(type, depth, random);
  }
}

function scalarValue(type: ScalarType, random: Random): JsonValue {
  switch (type) {
    case ScalarType.STRING:
      return random.pick(["", "a", "ü"]);
    case ScalarType.BOOL:
      return random.below(2) === 0;
    case ScalarType.BYTES:
      return random.pick(["", "eA==", "eHg", "_-8="]);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return random.pick<JsonValue>([0, 1.5, "NaN", "-Infinity", "1.5", 1e300]);
    default:
      return random.pick<JsonValue>([0, 1, "7", 65535, 4294967295, "4294967295"]);
  }
}

describe("problems and their paths", () => {
  const LISTENER = "envoy.config.listener.v3.Listener";
  const cases: readonly [value: Json, problems: readonly string[]][] = [
    [null, [": must be a mapping, not nothing"]],
    [[], [": must be a mapping, not a list"]],
    [{ nam: "a" }, ["nam: unknown field (did you mean name?)"]],
    [{ name: 1 }, ["name: must be a string, not 1: quote it"]],
    [{ name: "\ud800" }, ["name: isn't valid Unicode: it has half of a surrogate pair"]],
    [
      { stat_prefix: "a", statPrefix: "b", address: { pipe: {}, socket_address: {} } },
      ["stat_prefix: is written twice", "address.socket_address: can't be set beside pipe"],
    ],
    [
      { filter_chains: [{}, { filters: [{ typed_config: { stat_prefix: "a" } }] }] },
      ["filter_chains[1].filters[0].typed_config.@type: must be set to the type's URL"],
    ],
    [
      { metadata: { filter_metadata: { "a.b": { c: [0, Number.NaN] } } } },
      ['metadata.filter_metadata["a.b"]["c"][1]: must be a finite number, not NaN'],
    ],
    [
      { traffic_direction: "OUTBOND" },
      ['traffic_direction: "OUTBOND" is no TrafficDirection (did you mean OUTBOUND?)'],
    ],
    [
      { listener_filters_timeout: "1", tcp_backlog_size: -1, per_connection_buffer_limit_bytes: 1.5 },
      [
        'listener_filters_timeout: must be a duration such as 1.5s, not "1"',
        "tcp_backlog_size: must not be negative, not -1",
        "per_connection_buffer_limit_bytes: must be a whole number, not 1.5",
      ],
    ],
    [{ filter_chains: [null] }, ["filter_chains[0]: must be a mapping, not nothing"]],
  ];
  test.each([...cases])("%j", (value, problems) => {
    const mapped = readMessage(typeOf(LISTENER), value, "");
    expect("problems" in mapped ? mapped.problems.map(({ path, reason }) => `${path}: ${reason}`) : []).toEqual([
      ...problems,
    ]);
  });

  test("at most 100 are told, below the path that was given", () => {
    const mapped = readMessage(
      typeOf(LISTENER),
      { filter_chains: Array(1000).fill(1) },
      "static_resources.listeners[3]",
    );
    const problems = "problems" in mapped ? mapped.problems : [];
    expect(problems.length).toBe(100);
    expect(problems[99]?.path).toBe("static_resources.listeners[3].filter_chains[99]");
  });
});

test("a key called __proto__ is a key", () => {
  const value = JSON.parse('{"filter_metadata": {"__proto__": {"a": 1}}}') as Json;
  const mapped = readMessage(typeOf("envoy.config.core.v3.Metadata"), value, "");
  const map = "message" in mapped ? (mapped.message as unknown as { filterMetadata: object }).filterMetadata : {};
  expect(Object.getOwnPropertyNames(map)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
});
