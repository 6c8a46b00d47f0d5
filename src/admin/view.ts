// What the admin API may know of the agent and ask of it. The agent implements it; the API never sees anything else.
import type { BuildInfo } from "../build-info.ts";
import type { Compiled } from "../compile/compile.ts";
import type { Explanation } from "../explain.ts";
import type { ExplainedRequest } from "../explain-request.ts";
import type { SocketAddress } from "../ip.ts";
import type { Waiting } from "../model/ready.ts";
import type { Rejection, ResourceType, Snapshot } from "../model/snapshot.ts";
import type { RelayStats } from "../relay/protocol.ts";
import type { Counters } from "../telemetry/counters.ts";
import type { LogLevel } from "../telemetry/log.ts";
import type { AdsStatus } from "../xds/status.ts";

export interface AgentView {
  readonly build: BuildInfo;
  readonly startedAt: Date;
  /** Envoy's node, for /server_info. */
  readonly node: { readonly id: string; readonly cluster: string };
  status(): AgentStatus;
  /** The snapshot in effect. */
  snapshot(): Snapshot;
  /** From the mesh file, not from a control plane. */
  isStatic(type: ResourceType, name: string): boolean;
  compiled(): Compiled | undefined;
  counters(): Counters | undefined;
  /** As the relay's workers reported it last, not longer than a second ago. */
  relay(): RelayStats;
  /** Every entry of every map, decoded; plain JSON values but for bigint and Uint8Array. */
  readMaps(): Readonly<Record<string, readonly unknown[]>>;
  capabilities(): readonly Capability[];
  explain(destination: SocketAddress, request?: ExplainedRequest): Explanation;
  /** Takes effect at once and is kept over restarts. Throws ConfigError where there is no such cgroup. */
  enroll(target: string): WorkloadStatus;
  /** False where it isn't enrolled. Throws ConfigError where it stands in the configuration file. */
  unenroll(target: string): boolean;
  logLevel: LogLevel;
}

export interface AgentStatus {
  /** live: a configuration is in effect and every workload that exists is attached. */
  readonly state: "initializing" | "live" | "degraded";
  /** Why it isn't live, or what is wrong; empty where nothing is. */
  readonly problems: readonly string[];
  readonly isReady: boolean;
  readonly snapshot: {
    /** Counts the configurations that were put in effect. */
    readonly generation: number;
    readonly changedAt: Date | undefined;
    readonly rejections: readonly Rejection[];
    readonly waiting: readonly Waiting[];
    readonly conflicts: readonly string[];
  };
  readonly file: { readonly path: string; readonly error: string | undefined } | undefined;
  readonly controlPlane: AdsStatus | undefined;
  readonly commits: {
    readonly count: number;
    readonly failed: number;
    /** Of the last commit. */
    readonly puts: number;
    readonly deletes: number;
    readonly durationMs: number;
  };
  readonly mapUse: Readonly<Record<string, { readonly used: number; readonly capacity: number }>>;
  readonly workloads: readonly WorkloadStatus[];
  /** Processes of the relay; none where nothing is relayed. */
  readonly relayWorkers: readonly RelayWorker[];
  readonly bypass: boolean;
}

export interface RelayWorker {
  readonly pid: number;
  readonly isListening: boolean;
}

export interface WorkloadStatus {
  /** As it was given. */
  readonly target: string;
  readonly path: string | undefined;
  readonly cgroupId: string | undefined;
  readonly state: "attached" | "adopted" | "missing";
  /** config: in the configuration; enrolled: by `enroll`, kept in the state directory. */
  readonly origin: "config" | "enrolled";
}

export interface Capability {
  readonly name: string;
  readonly state: "supported" | "unsupported" | "unknown";
  readonly isRequired: boolean;
  readonly sinceKernel: string;
  readonly effect: string;
}
