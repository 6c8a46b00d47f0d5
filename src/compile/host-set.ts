// The endpoints of an assignment by priority, locality and health: Envoy's HostSet (envoy/source/common/upstream/upstream_impl.cc,
// PriorityStateManager). Envoy's excluded hosts exist only with active health checks, which we don't run: there are none.
import { formatSocketAddress } from "../ip.ts";
import type { Endpoint, EndpointAssignment, LocalityEndpoints } from "../model/endpoint.ts";

export interface Host {
  readonly endpoint: Endpoint;
  /** The address as text: the host's identity, and by default its hash key. */
  readonly address: string;
}

/** A host as a hash table needs it: its hash key, what the table's rows call it, and its part of its priority (a double, as in Envoy). */
export interface WeightedHost {
  readonly key: string;
  readonly id: number;
  readonly weight: number;
}

/** UNHEALTHY hosts are in `all` alone. */
export interface HostsByHealth {
  readonly all: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
}

export interface LocalityHosts extends HostsByHealth {
  readonly weight: number;
}

export interface HostSet extends HostsByHealth {
  /** Those that have hosts, ordered by region, zone and sub-zone as in Envoy. */
  readonly localities: readonly LocalityHosts[];
}

/**
 * What becomes of an address that is listed twice. Envoy keeps the first with EDS (eds.cc, updateLocalityEndpoints) and makes a
 * host of each in a STATIC cluster, so that the address gets both shares.
 */
export type Duplicates = "first" | "all";

/** One host set per priority, without gaps; at least priority 0. An endpoint that isn't usable is as if it were absent. */
export function hostSets(
  assignment: EndpointAssignment,
  duplicates: Duplicates,
  usable: (endpoint: Endpoint) => boolean,
): readonly HostSet[] {
  const seen = new Set<string>();
  const hosts = (locality: LocalityEndpoints): Host[] => {
    const kept: Host[] = [];
    for (const endpoint of locality.endpoints) {
      if (!usable(endpoint)) continue;
      const address = formatSocketAddress(endpoint.address);
      if (duplicates === "first" && seen.has(address)) continue;
      if (duplicates === "first") seen.add(address);
      kept.push({ endpoint, address });
    }
    return kept;
  };
  const priorities: NamedLocality[][] = [[]];
  for (const locality of assignment.localities) {
    while (priorities.length <= locality.priority) priorities.push([]);
    priorities[locality.priority]?.push({ name: locality.locality, weight: locality.weight, hosts: hosts(locality) });
  }
  return priorities.map(hostSet);
}

interface NamedLocality {
  readonly name: string;
  readonly weight: number;
  readonly hosts: readonly Host[];
}

function hostSet(parts: readonly NamedLocality[]): HostSet {
  const localities = merge(parts)
    .filter((locality) => locality.hosts.length > 0)
    .sort((a, b) => compareLocality(a.name, b.name))
    .map(({ weight, hosts }) => ({ weight, ...byHealth(hosts) }));
  const [only] = localities;
  if (only !== undefined && localities.length === 1) return { ...only, localities };
  return { ...byHealth(parts.flatMap(({ hosts }) => hosts)), localities };
}

/** A locality may be listed several times: its hosts add up, its last weight counts. */
function merge(parts: readonly NamedLocality[]): readonly NamedLocality[] {
  if (parts.length < 2) return parts;
  const merged = new Map<string, NamedLocality>();
  for (const part of parts) {
    const known = merged.get(part.name);
    const weight = part.weight === 0 ? (known?.weight ?? 0) : part.weight;
    merged.set(part.name, { name: part.name, weight, hosts: [...(known?.hosts ?? []), ...part.hosts] });
  }
  return [...merged.values()];
}

function byHealth(all: readonly Host[]): HostsByHealth {
  const healthy = all.filter(({ endpoint }) => endpoint.health === "healthy");
  if (healthy.length === all.length) return { all, healthy: all, degraded: [] };
  return { all, healthy, degraded: all.filter(({ endpoint }) => endpoint.health === "degraded") };
}

/** By region, then zone, then sub-zone: not by the joined text, where "/" would take part in the order. */
function compareLocality(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; i < 3; i++) {
    const l = left[i] ?? "";
    const r = right[i] ?? "";
    if (l !== r) return l < r ? -1 : 1;
  }
  return 0;
}
