// What reading a message needs to know of its descriptor, worked out once for each message that occurs.
import { type DescField, type DescMessage, type DescOneof, type Message, ScalarType } from "@bufbuild/protobuf";

export interface FieldPlan {
  readonly field: DescField;
  readonly name: string;
  /** The property of the message, or within the oneof the name of the case. */
  readonly key: string;
  readonly oneof: DescOneof | undefined;
}

export interface MessagePlan {
  readonly schema: DescMessage;
  /** By both spellings of a field: lb_policy and lbPolicy. */
  readonly fields: ReadonlyMap<string, FieldPlan>;
  /** A message without any field set. */
  create(): MutableMessage;
}

export type MutableMessage = Message & Record<string, unknown>;

// A memo of a pure function: descriptors never change.
const plans = new Map<string, MessagePlan>();

export function planOf(schema: DescMessage): MessagePlan {
  const known = plans.get(schema.typeName);
  if (known !== undefined) return known;
  const fields = new Map<string, FieldPlan>();
  for (const field of schema.fields) {
    const { name, jsonName, localName: key, oneof } = field;
    const plan = { field, name, key, oneof };
    fields.set(name, plan).set(jsonName, plan);
  }
  const plan: MessagePlan = { schema, fields, create: creatorOf(schema) };
  plans.set(schema.typeName, plan);
  return plan;
}

/** As protobuf-es's create, which would look into every message that a field could hold. */
function creatorOf(schema: DescMessage): () => MutableMessage {
  const zeros = schema.members.flatMap((member) => {
    const zero = zeroOf(member);
    return zero === undefined ? [] : [{ key: member.localName, zero }];
  });
  const { typeName } = schema;
  return () => {
    const message: MutableMessage = { $typeName: typeName };
    for (const { key, zero } of zeros) message[key] = zero();
    return message;
  };
}

/** Undefined for fields whose absence is seen. */
function zeroOf(member: DescField | DescOneof): (() => unknown) | undefined {
  if (member.kind === "oneof") return () => ({ case: undefined });
  switch (member.fieldKind) {
    case "list":
      return () => [];
    case "map":
      return () => ({});
    case "message":
      return undefined;
    case "enum":
      return hasPresence(member) ? undefined : () => 0;
    case "scalar": {
      if (hasPresence(member)) return undefined;
      const zero = scalarZero(member.scalar);
      return () => zero;
    }
    default:
      return member satisfies never;
  }
}

/** proto3's `optional`. */
function hasPresence(field: DescField): boolean {
  return field.proto.proto3Optional === true;
}

function scalarZero(type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    default:
      return 0;
  }
}
