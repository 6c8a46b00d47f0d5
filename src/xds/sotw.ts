// The state-of-the-world variant of ADS: every request names all wanted resources and the last accepted version, a response
// of CDS or LDS is the whole state, one of EDS or RDS holds any part of what was asked for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ResourceType } from "../model/snapshot.ts";
import type { Node } from "./gen/envoy/config/core/v3/base_pb.ts";
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from "./gen/envoy/service/discovery/v3/discovery_pb.ts";
import { type AdsStream, type Ignored, nackStatus, type Response, typeOf, typeUrlOf } from "./stream.ts";
import { isWildcard, type Subscriptions } from "./subscriptions.ts";

export class SotwStream implements AdsStream {
  readonly variant = "sotw";
  readonly #node: Node;
  readonly #subscriptions: Subscriptions;
  readonly #send: (request: DiscoveryRequest) => void;
  readonly #received: AsyncIterable<DiscoveryResponse>;
  /** The nonce of the last response replied to, for every type that was asked for on this stream. */
  readonly #nonces = new Map<ResourceType, string>();

  constructor(
    node: Node,
    subscriptions: Subscriptions,
    send: (request: DiscoveryRequest) => void,
    received: AsyncIterable<DiscoveryResponse>,
  ) {
    this.#node = node;
    this.#subscriptions = subscriptions;
    this.#send = send;
    this.#received = received;
  }

  async *responses(): AsyncGenerator<Response | Ignored> {
    for await (const message of this.#received) yield this.#read(message);
  }

  start(type: ResourceType): void {
    if (this.#nonces.has(type)) return;
    this.#request(type, "", {});
  }

  change(type: ResourceType): void {
    // The full list with the last nonce: what is no longer in it is unsubscribed.
    this.#request(type, this.#nonces.get(type) ?? "", {});
  }

  reply(response: Response, error: string | undefined): void {
    // `Subscriptions` moved its version forward only if everything was accepted: a NACK repeats the last good one.
    this.#request(response.type, response.nonce, error === undefined ? {} : { errorDetail: nackStatus(error) });
  }

  #request(type: ResourceType, nonce: string, init: MessageInitShape<typeof DiscoveryRequestSchema>): void {
    const node = this.#nonces.size === 0 ? { node: this.#node } : {};
    this.#nonces.set(type, nonce);
    this.#send(
      create(DiscoveryRequestSchema, {
        ...init,
        ...node,
        typeUrl: typeUrlOf(type),
        resourceNames: [...(this.#subscriptions.wanted(type) ?? [])],
        versionInfo: this.#subscriptions.version(type),
        responseNonce: nonce,
      }),
    );
  }

  #read(message: DiscoveryResponse): Response | Ignored {
    const type = typeOf(message.typeUrl);
    if (type === undefined || !this.#nonces.has(type)) return { kind: "ignored", typeUrl: message.typeUrl };
    const { versionInfo: version } = message;
    const resources = message.resources.map(({ typeUrl, value }) => ({ name: undefined, version, typeUrl, value }));
    message.resources = []; // the stream's generators may keep the message until the next one comes: not its resources
    return {
      kind: "response",
      type,
      version,
      nonce: message.nonce,
      resources,
      removed: [],
      isFullState: isWildcard(type),
      wanted: undefined,
      byteLength: resources.reduce((sum, { value }) => sum + value.byteLength, 0),
    };
  }
}
