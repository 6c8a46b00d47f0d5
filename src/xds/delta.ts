// The incremental variant of ADS: changes of the subscription go out as differences, every response is acknowledged by its
// nonce, and a new stream says which versions are held, so that only what differs is sent again.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ResourceType } from "../model/snapshot.ts";
import type { Node } from "./gen/envoy/config/core/v3/base_pb.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type Resource,
} from "./gen/envoy/service/discovery/v3/discovery_pb.ts";
import {
  type AdsStream,
  type Ignored,
  nackStatus,
  type ReceivedResource,
  type Response,
  typeOf,
  typeUrlOf,
} from "./stream.ts";
import type { Subscriptions } from "./subscriptions.ts";

export class DeltaStream implements AdsStream {
  readonly variant = "delta";
  readonly #node: Node;
  readonly #subscriptions: Subscriptions;
  readonly #send: (request: DeltaDiscoveryRequest) => void;
  readonly #started = new Set<ResourceType>();
  readonly #received: AsyncIterable<DeltaDiscoveryResponse>;

  constructor(
    node: Node,
    subscriptions: Subscriptions,
    send: (request: DeltaDiscoveryRequest) => void,
    received: AsyncIterable<DeltaDiscoveryResponse>,
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
    if (this.#started.has(type)) return;
    this.#request(type, {
      resourceNamesSubscribe: [...(this.#subscriptions.wanted(type) ?? [])],
      initialResourceVersions: Object.fromEntries(this.#subscriptions.held(type)),
    });
  }

  change(type: ResourceType, added: readonly string[], removed: readonly string[]): void {
    if (!this.#started.has(type)) this.start(type);
    else this.#request(type, { resourceNamesSubscribe: [...added], resourceNamesUnsubscribe: [...removed] });
  }

  reply(response: Response, error: string | undefined): void {
    this.#request(response.type, {
      responseNonce: response.nonce,
      ...(error === undefined ? {} : { errorDetail: nackStatus(error) }),
    });
  }

  #request(type: ResourceType, init: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    // Only the first request of a stream needs the node.
    const node = this.#started.size === 0 ? { node: this.#node } : {};
    this.#started.add(type);
    this.#send(create(DeltaDiscoveryRequestSchema, { ...init, ...node, typeUrl: typeUrlOf(type) }));
  }

  #read(message: DeltaDiscoveryResponse): Response | Ignored {
    const type = typeOf(message.typeUrl);
    if (type === undefined || !this.#started.has(type)) return { kind: "ignored", typeUrl: message.typeUrl };
    const resources = message.resources.filter((resource) => !this.#isHeartbeat(type, resource)).map(received);
    message.resources = []; // the stream's generators may keep the message until the next one comes: not its resources
    return {
      kind: "response",
      type,
      version: message.systemVersionInfo,
      nonce: message.nonce,
      resources,
      removed: message.removedResources,
      isFullState: false,
      wanted: undefined,
      byteLength: resources.reduce((sum, { value }) => sum + value.byteLength, 0),
    };
  }

  /** A resource without a body says that the version that we hold is still good (it renews a TTL, which we never asked for). */
  #isHeartbeat(type: ResourceType, { name, version, resource }: Resource): boolean {
    return resource === undefined && this.#subscriptions.held(type).get(name) === version;
  }
}

function received({ name, version, resource }: Resource): ReceivedResource {
  return { name, version, typeUrl: resource?.typeUrl ?? "", value: resource?.value ?? new Uint8Array(0) };
}
