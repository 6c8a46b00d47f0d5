// Clusters and endpoints for the tests of this directory: every field has a default, so that a case names only what it is about.
import { parseSocketAddress } from "../ip.ts";
import { type Cluster, type LoadBalancing, unknownCluster } from "../model/cluster.ts";
import type { Endpoint, EndpointAssignment, LocalityEndpoints } from "../model/endpoint.ts";
import { type Balance, balance } from "./balance.ts";
import { chances } from "./chances.ts";

export function endpoint(address: string, fields: Partial<Omit<Endpoint, "address">> = {}): Endpoint {
  const socketAddress = parseSocketAddress(address);
  if (socketAddress === undefined) throw new Error(`not an address: ${address}`);
  return {
    weight: 1,
    health: "healthy",
    hostname: "",
    hashKey: "",
    transportSocketMatch: "",
    ...fields,
    address: socketAddress,
  };
}

/** Endpoints 127.0.0.1:PORT. */
export function ports(first: number, count: number, fields: Partial<Omit<Endpoint, "address">> = {}): Endpoint[] {
  return Array.from({ length: count }, (_, i) => endpoint(`127.0.0.1:${first + i}`, fields));
}

export function locality(
  endpoints: readonly Endpoint[],
  fields: Partial<Omit<LocalityEndpoints, "endpoints">> = {},
): LocalityEndpoints {
  return { locality: "", priority: 0, weight: 0, ...fields, endpoints };
}

export interface Settings extends Partial<Cluster> {
  readonly overprovisioningPercent?: number;
  readonly usable?: (endpoint: Endpoint) => boolean;
}

export function balanced(
  loadBalancing: LoadBalancing,
  localities: readonly LocalityEndpoints[],
  { overprovisioningPercent = 140, usable = () => true, ...fields }: Settings = {},
): Balance {
  const assignment: EndpointAssignment = { name: "service", overprovisioningPercent, localities };
  const cluster: Cluster = {
    ...unknownCluster("cluster"),
    discovery: { type: "eds", serviceName: "service" },
    ...fields,
    loadBalancing,
  };
  return balance(cluster, assignment, usable);
}

/** Port → chance, of those that have one. */
export function chanceByPort({ table, endpoints }: Balance): Record<number, number> {
  const chance = chances(table, endpoints.length);
  return Object.fromEntries(endpoints.map(({ address }, i) => [address.port, chance[i] ?? 0]));
}
