// Addresses as Envoy's JSON has them (envoy.config.core.v3.Address, CidrRange).
import { formatAddress, type Prefix, type SocketAddress } from "../../ip.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function renderAddress({ address, port }: SocketAddress): JsonObject {
  return { socket_address: { address: formatAddress(address), port_value: port } };
}

export function renderPrefix({ address, length }: Prefix): JsonObject {
  return { address_prefix: formatAddress(address), prefix_len: length };
}

/** The google.protobuf.Any of a message. */
export function any(type: string, fields: JsonObject): JsonObject {
  return { "@type": `type.googleapis.com/${type}`, ...fields };
}

/** What the model keeps beyond Envoy's fields stands where Envoy has room for it: in metadata. Nothing where there is nothing. */
export function ownMetadata(fields: Readonly<Record<string, readonly unknown[]>>): JsonObject {
  const told = Object.entries(fields).filter(([, list]) => list.length > 0);
  return told.length === 0 ? {} : { metadata: { filter_metadata: { kmesh_edge: Object.fromEntries(told) } } };
}
