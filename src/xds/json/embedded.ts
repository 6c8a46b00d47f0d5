// A google.protobuf.Any that was made from JSON keeps its message as it is. To encode it, only to decode it when it is opened,
// would be half the work of reading a mesh file. Such an Any can't be sent: its bytes are empty.
import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";

const message: unique symbol = Symbol("message");

interface EmbeddingAny extends Any {
  readonly [message]: Message;
}

const NO_BYTES = new Uint8Array(0);

export function embed(typeUrl: string, content: Message): Any {
  const any: EmbeddingAny = { $typeName: "google.protobuf.Any", typeUrl, value: NO_BYTES, [message]: content };
  return any;
}

export function embeddedIn(any: Any): Message | undefined {
  return message in any ? (any as EmbeddingAny)[message] : undefined;
}
