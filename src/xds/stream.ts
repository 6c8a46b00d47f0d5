// What the two variants of ADS have in common: a response without protobuf types, and the stream as `Ads` sees it.
// Facts: Envoy, api-docs/xds_protocol.rst.
import type { ModelOf, ResourceType } from "../model/snapshot.ts";

export type Variant = "delta" | "sotw";

/** Make before break: what is referred to is fetched before what refers to it. */
export const fetchOrder: readonly ResourceType[] = ["cluster", "endpoint", "listener", "route"];

const typeUrls: { readonly [T in keyof ModelOf]: string } = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
};

export function typeUrlOf(type: ResourceType): string {
  return typeUrls[type];
}

export function typeOf(typeUrl: string): ResourceType | undefined {
  return fetchOrder.find((type) => typeUrls[type] === typeUrl);
}

export interface ReceivedResource {
  /** The name on the wrapper (delta); undefined in SotW, where only the resource itself says its name. */
  readonly name: string | undefined;
  readonly version: string;
  readonly typeUrl: string;
  /** A view into the whole response: nothing may keep it. */
  readonly value: Uint8Array;
}

export interface Response {
  readonly kind: "response";
  readonly type: ResourceType;
  readonly version: string;
  readonly nonce: string;
  /** Emptied by `accept`, so that the bytes can be freed while the agent commits. */
  readonly resources: ReceivedResource[];
  /** Names that the server says don't exist (any more); delta only. */
  readonly removed: readonly string[];
  /** What isn't in it is gone: CDS and LDS in SotW. EDS and RDS may be partial there. */
  readonly isFullState: boolean;
  /** The names subscribed to when the response is handed out; undefined for a wildcard subscription. */
  readonly wanted: ReadonlySet<string> | undefined;
  readonly byteLength: number;
}

/** Names that were waited for in vain: the initial-fetch timeout is over. `names` is empty for CDS or LDS as a whole. */
export interface Expired {
  readonly kind: "expired";
  readonly type: ResourceType;
  readonly names: readonly string[];
}

/** A response that is none of ours: an unknown type, or a type never asked for on this stream. */
export interface Ignored {
  readonly kind: "ignored";
  readonly typeUrl: string;
}

/** One ADS stream in one of the protocol's variants. It knows nonces; what outlives it is in `Subscriptions`. */
export interface AdsStream {
  readonly variant: Variant;
  /** Ends or throws when the stream does. */
  responses(): AsyncIterable<Response | Ignored>;
  /** The first request of a type on this stream. */
  start(type: ResourceType): void;
  /** The names of a type have changed. */
  change(type: ResourceType, added: readonly string[], removed: readonly string[]): void;
  /** ACK, or NACK with an error for the server's operator. */
  reply(response: Response, error: string | undefined): void;
}

/** google.rpc.Status INVALID_ARGUMENT, as Envoy's NACKs. */
export function nackStatus(message: string): { readonly code: number; readonly message: string } {
  return { code: 3, message };
}
