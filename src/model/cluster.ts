// A cluster (envoy.config.cluster.v3.Cluster) as the compiler needs it.
import type { EndpointAssignment } from "./endpoint.ts";

export type LoadBalancing =
  | { readonly policy: "round_robin" }
  | { readonly policy: "random" }
  | { readonly policy: "least_request" /** 2 where unset. */; readonly choiceCount: number }
  | {
      readonly policy: "ring_hash";
      readonly minimumRingSize: number;
      readonly maximumRingSize: number;
      readonly hashFunction: "xx_hash" | "murmur_hash_2";
    }
  | { readonly policy: "maglev" /** A prime; 65537 where unset. */; readonly tableSize: number };

/** Where the endpoints come from. */
export type Discovery =
  | { readonly type: "static"; readonly assignment: EndpointAssignment }
  | {
      readonly type: "eds" /** eds_cluster_config.service_name, or the cluster's name. */;
      readonly serviceName: string;
    }
  /** ORIGINAL_DST: the address that the client asked for; here: leave the connection as it is. */
  | { readonly type: "original_dst" };

export interface Cluster {
  readonly name: string;
  readonly discovery: Discovery;
  readonly loadBalancing: LoadBalancing;
  /** common_lb_config.healthy_panic_threshold, percent (0 to 100, may be fractional); 50 where unset. */
  readonly panicThresholdPercent: number;
  /** zone_aware_lb_config.fail_traffic_on_panic. */
  readonly failTrafficOnPanic: boolean;
  /** common_lb_config.locality_weighted_lb_config is set. */
  readonly localityWeighted: boolean;
  /** consistent_hashing_lb_config.use_hostname_for_hashing. */
  readonly hashByHostname: boolean;
  /** circuit_breakers default-priority max_connections; undefined = unlimited (unlike Envoy's 1024: see ARCHITECTURE.md). */
  readonly maxConnections: number | undefined;
  /** The transport socket of endpoints that match nothing in `transportSocketMatches`: "raw", or its typed-config name. */
  readonly transportSocket: string;
  /** In order; the first whose `match` (JSON object of key → value) is contained in the endpoint's metadata applies. */
  readonly transportSocketMatches: readonly {
    readonly name: string;
    readonly match: string;
    readonly socket: string;
  }[];
  /** Settings that are understood but not honoured here, as findings. */
  readonly findings: readonly Finding[];
}

/** Stands for a cluster that a listener or route names and nobody has: connections to it are refused, as Envoy does. */
export function unknownCluster(name: string): Cluster {
  return {
    name,
    discovery: { type: "static", assignment: { name, overprovisioningPercent: 140, localities: [] } },
    loadBalancing: { policy: "random" },
    panicThresholdPercent: 50,
    failTrafficOnPanic: false,
    localityWeighted: false,
    hashByHostname: false,
    maxConnections: undefined,
    transportSocket: "raw",
    transportSocketMatches: [],
    findings: [],
  };
}

/**
 * Something a user should know about a resource that was accepted.
 * ignored: can't change where or whether traffic goes. degraded: resilience that was asked for and isn't given (the place stays right).
 */
export interface Finding {
  readonly severity: "ignored" | "degraded";
  /** Field path within the resource, for example `outlier_detection`. */
  readonly path: string;
  readonly reason: string;
}
