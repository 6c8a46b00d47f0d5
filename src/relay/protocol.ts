// What the agent tells its relay workers, and what they tell it: plain values, framed by channel.ts.
import type { SocketAddress } from "../ip.ts";
import type { Cluster } from "../model/cluster.ts";
import type { EndpointAssignment } from "../model/endpoint.ts";
import type { Filter } from "../model/listener.ts";
import type { RouteConfiguration, WeightedCluster } from "../model/route.ts";

/** One filter chain whose connections come to the relay. */
export interface RelayChain {
  readonly listener: string;
  readonly chain: string;
  readonly http: Extract<Filter, { type: "http_connection_manager" }>;
  readonly configuration: RouteConfiguration;
  /** Where bytes go that aren't HTTP/1: the plain chain's clusters or the default route's; undefined: they are closed. */
  readonly plain: readonly WeightedCluster[] | undefined;
}

export interface RelayCluster {
  readonly cluster: Cluster;
  /** Undefined until it has arrived, and for ORIGINAL_DST. */
  readonly assignment: EndpointAssignment | undefined;
  /** `cluster.circuit_breakers` are counted over all workers in this row of the shared memory. */
  readonly row: number;
}

/** Listener id and filter chain index, as the kernel keeps them for each relayed connection. */
export type ChainKey = `${number}/${number}`;

export interface Original {
  readonly key: ChainKey;
  /** What the application connected to. */
  readonly destination: SocketAddress;
}

/** Only what changed; undefined removes. Applied whole, before the next request. */
export interface RelayUpdate {
  readonly type: "update";
  readonly generation: number;
  readonly chains: ReadonlyMap<ChainKey, RelayChain | undefined>;
  readonly clusters: ReadonlyMap<string, RelayCluster | undefined>;
}

/**
 * A worker is sent `start`, then updates; it listens once the first one is applied: before it knows any chain it would have to
 * turn connections away. Health and ejections arrive as changed assignments. It inherits four descriptors: 3 is the shared
 * memory, 4 to 6 the maps `relayed`, `connections` and `settings`. When its input ends (the agent has died) it serves on, and looks every second whether it is superseded: the pinned `settings` are gone or name
 * another relay port; then it drains.
 */
export type ToWorker =
  | {
      readonly type: "start";
      readonly listen: readonly SocketAddress[];
      /** Directory where the maps are pinned: what a worker without an agent looks at. */
      readonly maps: string;
      /** Which of how many; rows of the shared memory are per worker. */
      readonly worker: number;
      readonly workers: number;
      readonly nodeId: string;
    }
  | RelayUpdate
  /** Stop listening, end connections as they become idle, then exit. */
  | { readonly type: "drain"; readonly deadlineMs: number };

/** `listening` comes before the first `applied`. `stats` at most once a second, and only what changed something. */
export type FromWorker =
  | { readonly type: "listening" }
  | { readonly type: "applied"; readonly generation: number }
  | { readonly type: "stats"; readonly stats: RelayStats }
  /** Results that outlier detection counts, since the last report: by cluster and endpoint, in order. */
  | { readonly type: "results"; readonly results: readonly EndpointResult[] };

export interface EndpointResult {
  readonly cluster: string;
  readonly endpoint: string;
  /** A status, or what happened on this side of the connection. */
  readonly result: number | "connect_failure" | "timeout" | "reset";
}

/** Totals since the worker began but for `active`. */
export interface RelayStats {
  /** By listener. */
  readonly listeners: Readonly<Record<string, DownstreamStats>>;
  /** By cluster. */
  readonly clusters: Readonly<Record<string, UpstreamStats>>;
  /** Connections that ended before a request was understood, and requests that were answered 4xx by us, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface DownstreamStats {
  readonly connections: number;
  readonly activeConnections: number;
  readonly requests: number;
  readonly activeRequests: number;
  /** By hundreds: [1xx, 2xx, 3xx, 4xx, 5xx]. */
  readonly statuses: readonly number[];
}

export interface UpstreamStats {
  readonly connections: number;
  readonly activeConnections: number;
  readonly connectFailures: number;
  readonly requests: number;
  readonly activeRequests: number;
  readonly statuses: readonly number[];
  readonly retries: number;
  readonly retrySuccesses: number;
  readonly timeouts: number;
  /** Attempts that took too long, or of whose response nothing came for too long. */
  readonly perTryTimeouts: number;
  readonly resets: number;
  /** Refused by a circuit breaker. */
  readonly overflows: number;
  readonly retryOverflows: number;
  readonly mirrored: number;
}
