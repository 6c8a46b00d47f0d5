// A cluster (envoy.config.cluster.v3.Cluster) as the compiler needs it.
import type { EndpointAssignment } from "./endpoint.ts";
import type { Need } from "./need.ts";

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
  /** What the relay counts against, by priority. Envoy's defaults where unset: 1,024, and 3 retries. */
  readonly limits: { readonly default: RequestLimits; readonly high: RequestLimits };
  readonly outlierDetection: OutlierDetection | undefined;
  readonly healthChecks: readonly HealthCheck[];
  /** 5,000 where unset. The application's own where a connection isn't relayed. */
  readonly connectTimeoutMs: number;
  /** The relay's connections to endpoints. */
  readonly http: {
    /** 3,600,000 where unset; 0 = none. */
    readonly idleTimeoutMs: number;
    /** 0 = none. */
    readonly maxConnectionMs: number;
    /** 0 = unlimited. */
    readonly maxRequestsPerConnection: number;
  };
  /** The transport socket of endpoints that match nothing in `transportSocketMatches`: "raw", or its typed-config name. */
  readonly transportSocket: string;
  /** In order; the first whose `match` (JSON object of key → value) is contained in the endpoint's metadata applies. */
  readonly transportSocketMatches: readonly {
    readonly name: string;
    readonly match: string;
    readonly socket: string;
  }[];
  /** Explicit resilience that only who sees the requests can give, by field path: HTTP to this cluster takes the relay. */
  readonly needs: readonly Need[];
  /** Settings that are understood but not honoured everywhere, as findings. */
  readonly findings: readonly Finding[];
}

/** circuit_breakers.thresholds of one priority; Infinity = unlimited. */
export interface RequestLimits {
  readonly connections: number;
  readonly pendingRequests: number;
  readonly requests: number;
  /** Concurrent retries; unused where there is a budget. */
  readonly retries: number;
  /** budget_percent (20 where unset) of the active and pending requests, at least min_retry_concurrency (3 where unset). */
  readonly retryBudget: { readonly percent: number; readonly minimum: number } | undefined;
}

export const defaultLimits: RequestLimits = {
  connections: 1024,
  pendingRequests: 1024,
  requests: 1024,
  retries: 3,
  retryBudget: undefined,
};

/** Envoy's defaults where unset; 0 switches a detection off. Percentages are whole. */
export interface OutlierDetection {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly enforcing5xx: number;
  readonly enforcingGatewayFailure: number;
  readonly enforcingLocalOriginFailure: number;
  readonly splitLocalOriginErrors: boolean;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOne: boolean;
  readonly successRate:
    | {
        readonly enforcing: number;
        readonly minimumHosts: number;
        readonly requestVolume: number;
        /** In thousandths: 1900 = 1.9. */
        readonly stdevFactor: number;
      }
    | undefined;
  readonly failurePercentage:
    | {
        readonly enforcing: number;
        readonly threshold: number;
        readonly minimumHosts: number;
        readonly requestVolume: number;
      }
    | undefined;
}

export interface HealthCheck {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly noTrafficIntervalMs: number;
  readonly unhealthyIntervalMs: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly check:
    | {
        readonly type: "http";
        readonly path: string;
        /** "" = the cluster's name. */
        readonly host: string;
        readonly method: string;
        /** [start, end) each; 200 where unset. */
        readonly expectedStatuses: readonly (readonly [start: number, end: number])[];
        readonly requestHeaders: readonly (readonly [name: string, value: string])[];
      }
    /** Bytes to send ("" = only connect), and blocks that must come in this order. */
    | { readonly type: "tcp"; readonly send: Uint8Array; readonly receive: readonly Uint8Array[] };
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
    limits: { default: defaultLimits, high: defaultLimits },
    outlierDetection: undefined,
    healthChecks: [],
    connectTimeoutMs: 5_000,
    http: { idleTimeoutMs: 3_600_000, maxConnectionMs: 0, maxRequestsPerConnection: 0 },
    transportSocket: "raw",
    transportSocketMatches: [],
    needs: [],
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
