// Where each destination of a listener goes and which engine takes it there, in words: what /listeners has beside Envoy's fields.
import type { CompiledListener } from "../compile/compile.ts";
import type { Placement } from "../compile/placement.ts";
import { formatAddress, formatSocketAddress } from "../ip.ts";
import type { WeightedCluster } from "../model/route.ts";

/**
 * connect: balanced in the kernel; relay: request by request in user space; native: left alone on purpose; refuse: connections fail;
 * none: can't be honoured, left alone.
 */
export type EngineName = "connect" | "relay" | "native" | "refuse" | "none";

export interface Destination {
  /** `127.96.0.1:80`, `10.0.0.0/8 port 80`, `any IPv4 address port 80`. */
  readonly destination: string;
  readonly engine: EngineName;
  readonly reason: string;
  /** "" where none matches. */
  readonly filter_chain: string;
  /** "" for TCP, and where the Host header decides. */
  readonly virtual_host: string;
  /** Where connections go; of relayed ones, where the default route sends requests. */
  readonly clusters: readonly WeightedCluster[];
}

export function destinationsOf({ listener, placements }: CompiledListener): Destination[] {
  const { role, address } = listener;
  if (role === "outbound") return placements.map(describeDestination);
  const reason =
    role === "inbound"
      ? "inbound: connections to this host's own services are not governed"
      : "takes what no other listener does: left as it is";
  const destination = formatSocketAddress(address);
  return [{ destination, engine: "native", reason, filter_chain: "", virtual_host: "", clusters: [] }];
}

export function describeDestination(placement: Placement): Destination {
  const { chain, virtualHost, target, reason } = placement;
  return {
    destination: formatDestination(placement),
    engine: engineOf(placement),
    reason,
    filter_chain: chain,
    virtual_host: virtualHost,
    clusters: clustersOf(target),
  };
}

/** Of a relayed destination, those that every condition leaves: the routes say more. */
function clustersOf(target: Placement["target"]): readonly WeightedCluster[] {
  if (target.type === "clusters") return target.clusters;
  return target.type === "relay" && target.fallback.type === "clusters" ? target.fallback.clusters : [];
}

function engineOf({ target }: Placement): EngineName {
  switch (target.type) {
    case "clusters":
      return "connect";
    case "relay":
      return "relay";
    case "native":
      return "native";
    case "refuse":
      return "refuse";
    case "ungoverned":
      return "none";
    default:
      return target satisfies never;
  }
}

function formatDestination({ isExact, prefix, port }: Placement): string {
  if (isExact) return formatSocketAddress({ address: prefix.address, port });
  if (prefix.length === 0) return `any IPv${prefix.address.family} address port ${port}`;
  return `${formatAddress(prefix.address)}/${prefix.length} port ${port}`;
}
