// An endpoint assignment (ClusterLoadAssignment) as the compiler needs it: addresses, weights, health, priorities.
import type { SocketAddress } from "../ip.ts";

/** Envoy's coarse health (envoy.config.core.v3.HealthStatus): UNKNOWN and HEALTHY are healthy; UNHEALTHY, DRAINING and TIMEOUT are not. */
export type Health = "healthy" | "degraded" | "unhealthy";

export interface Endpoint {
  readonly address: SocketAddress;
  /** LbEndpoint.load_balancing_weight; 1 where unset. */
  readonly weight: number;
  readonly health: Health;
  /** Endpoint.hostname, the hash key with use_hostname_for_hashing; "" where unset. */
  readonly hostname: string;
  /** `metadata.filter_metadata["envoy.lb"].hash_key`: what RING_HASH and MAGLEV hash instead of the address; "" where unset. */
  readonly hashKey: string;
  /** `metadata.filter_metadata["envoy.transport_socket_match"]` as a canonical JSON string; "" where unset. */
  readonly transportSocketMatch: string;
}

export interface LocalityEndpoints {
  /** `region/zone/sub_zone` without trailing slashes; "" where unset. */
  readonly locality: string;
  /** 0 is the highest priority. */
  readonly priority: number;
  /** LocalityLbEndpoints.load_balancing_weight; 0 where unset. Used only with locality-weighted load balancing. */
  readonly weight: number;
  readonly endpoints: readonly Endpoint[];
}

/** One ClusterLoadAssignment. */
export interface EndpointAssignment {
  readonly name: string;
  /** policy.overprovisioning_factor, percent; 140 where unset. */
  readonly overprovisioningPercent: number;
  readonly localities: readonly LocalityEndpoints[];
}
