// The metrics of /stats/prometheus, made from the view when somebody asks. Their names are an interface: they don't change.
import type { CompiledCluster } from "../compile/compile.ts";
import type { ResourceType } from "../model/snapshot.ts";
import { counter, gauge, type Metric, type Sample } from "../telemetry/metrics.ts";
import type { ProcessUsage } from "./process-usage.ts";
import { relayMetrics } from "./relay-metrics.ts";
import type { AgentStatus, AgentView } from "./view.ts";

export interface MetricsHost {
  readonly now: () => Date;
  readonly usage: () => ProcessUsage;
}

export function collectMetrics(view: AgentView, host: MetricsHost): Metric[] {
  const status = view.status();
  return [
    ...trafficMetrics(view),
    ...relayMetrics(status.relayWorkers, view.relay()),
    ...mapMetrics(status),
    ...configMetrics(status, host.now()),
    ...controlPlaneMetrics(status),
    ...agentMetrics(view, status),
    ...processMetrics(view, host.usage()),
  ];
}

function trafficMetrics(view: AgentView): Metric[] {
  const counters = view.counters();
  const listeners = [...(view.compiled()?.listeners.values() ?? [])].flatMap(({ listener: { name }, body }) => {
    const state = counters?.listeners.get(body.id);
    return state === undefined ? [] : [{ listener: name, state }];
  });
  const clusters = [...(view.compiled()?.clusters.values() ?? [])].flatMap((compiled) => {
    const state = compiled.body === undefined ? undefined : counters?.clusters.get(compiled.body.id);
    return state === undefined ? [] : [{ cluster: compiled.cluster.name, state }];
  });
  const perCluster = (value: (state: (typeof clusters)[number]["state"]) => number | bigint): Sample[] =>
    clusters.map(({ cluster, state }) => ({ labels: { cluster }, value: value(state) }));
  return [
    counter(
      "kmesh_edge_connects_total",
      "connect() calls of enrolled workloads, by what became of them.",
      [...(counters?.verdicts ?? [])].map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    counter(
      "kmesh_edge_listener_connects_total",
      "connect() calls to a listener's destinations: accepted (balanced), relayed, passed (left native) or refused.",
      listeners.flatMap(({ listener, state }) =>
        (["accepted", "relayed", "passed", "refused"] as const).map((result) => ({
          labels: { listener, result },
          value: state[result],
        })),
      ),
    ),
    counter(
      "kmesh_edge_cluster_connections_opened_total",
      "Connections established.",
      perCluster((it) => it.opened),
    ),
    counter(
      "kmesh_edge_cluster_connections_closed_total",
      "Established connections that ended.",
      perCluster((it) => it.closed),
    ),
    counter(
      "kmesh_edge_cluster_connections_failed_total",
      "Connections that an endpoint did not accept.",
      perCluster((it) => it.failed),
    ),
    counter(
      "kmesh_edge_cluster_connects_refused_total",
      "connect() calls refused: overflow (max_connections) or no_endpoint (none that can be chosen).",
      clusters.flatMap(({ cluster, state }) => [
        { labels: { cluster, reason: "overflow" }, value: state.overflow },
        { labels: { cluster, reason: "no_endpoint" }, value: state.unusable },
      ]),
    ),
    gauge(
      "kmesh_edge_cluster_connections_active",
      "Connections open or being opened.",
      perCluster((it) => it.active),
    ),
    gauge(
      "kmesh_edge_cluster_endpoints",
      "Endpoints that can be chosen.",
      [...(view.compiled()?.clusters.values() ?? [])].flatMap(endpointSample),
    ),
  ];
}

function endpointSample({ cluster, balance }: CompiledCluster): Sample[] {
  return balance === undefined ? [] : [{ labels: { cluster: cluster.name }, value: balance.endpoints.length }];
}

function mapMetrics({ mapUse }: AgentStatus): Metric[] {
  const maps = Object.entries(mapUse);
  const per = (of: (use: AgentStatus["mapUse"][string]) => number): Sample[] =>
    maps.map(([map, use]) => ({ labels: { map }, value: of(use) }));
  return [
    gauge(
      "kmesh_edge_map_entries",
      "Entries in a BPF map.",
      per(({ used }) => used),
    ),
    gauge(
      "kmesh_edge_map_capacity",
      "Entries that a BPF map has room for.",
      per(({ capacity }) => capacity),
    ),
  ];
}

const resourceTypes: readonly ResourceType[] = ["listener", "route", "cluster", "endpoint"];

function configMetrics({ snapshot, commits, file }: AgentStatus, now: Date): Metric[] {
  const { changedAt, rejections, waiting, generation } = snapshot;
  const age = changedAt === undefined ? [] : single(Math.max(0, (now.getTime() - changedAt.getTime()) / 1000));
  const perType = (list: readonly { readonly type: ResourceType }[]): Sample[] =>
    resourceTypes.map((type) => ({ labels: { type }, value: list.filter((one) => one.type === type).length }));
  return [
    gauge(
      "kmesh_edge_snapshot_generation",
      "Configurations put in effect since the agent started.",
      single(generation),
    ),
    gauge("kmesh_edge_snapshot_age_seconds", "Time since the configuration in effect was put there.", age),
    gauge("kmesh_edge_rejected_resources", "Resources whose last version was refused.", perType(rejections)),
    gauge("kmesh_edge_waiting_resources", "Resources that wait for others that they refer to.", perType(waiting)),
    gauge(
      "kmesh_edge_mesh_file_valid",
      "0: the mesh file's last version was refused, and an earlier one is in effect.",
      file === undefined ? [] : single(file.error === undefined ? 1 : 0),
    ),
    counter("kmesh_edge_commits_total", "Configurations written to the kernel, or not.", [
      { labels: { result: "success" }, value: commits.count },
      { labels: { result: "failure" }, value: commits.failed },
    ]),
    gauge(
      "kmesh_edge_commit_duration_seconds",
      "Of the last commit, compilation included.",
      single(commits.durationMs / 1000),
    ),
  ];
}

function controlPlaneMetrics({ controlPlane }: AgentStatus): Metric[] {
  const types = controlPlane === undefined ? [] : resourceTypes.map((type) => ({ type, ...controlPlane.types[type] }));
  return [
    gauge(
      "kmesh_edge_control_plane_connected",
      "1: the stream to the control plane is open.",
      controlPlane === undefined ? [] : single(controlPlane.connected ? 1 : 0),
    ),
    counter(
      "kmesh_edge_control_plane_attempts_total",
      "Streams tried.",
      controlPlane === undefined ? [] : single(controlPlane.attempts),
    ),
    counter(
      "kmesh_edge_control_plane_responses_total",
      "Responses by answer: ack or nack.",
      types.flatMap(({ type, acks, nacks }) => [
        { labels: { type, answer: "ack" }, value: acks },
        { labels: { type, answer: "nack" }, value: nacks },
      ]),
    ),
  ];
}

function agentMetrics({ build }: AgentView, { workloads, bypass, isReady }: AgentStatus): Metric[] {
  return [
    gauge(
      "kmesh_edge_workloads",
      "Workloads by state.",
      (["attached", "adopted", "missing"] as const).map((state) => ({
        labels: { state },
        value: workloads.filter((workload) => workload.state === state).length,
      })),
    ),
    gauge("kmesh_edge_bypass", "1: the data plane lets everything pass.", single(bypass ? 1 : 0)),
    gauge(
      "kmesh_edge_ready",
      "1: a configuration is in effect and the workloads are attached.",
      single(isReady ? 1 : 0),
    ),
    gauge("kmesh_edge_build_info", "What the agent was built from.", [{ labels: { ...build }, value: 1 }]),
  ];
}

/** The names that Prometheus' client libraries agree on. */
function processMetrics({ startedAt }: AgentView, usage: ProcessUsage): Metric[] {
  return [
    counter("process_cpu_seconds_total", "User and system CPU time.", single(usage.cpuSeconds)),
    gauge("process_resident_memory_bytes", "Resident memory.", single(usage.residentBytes)),
    gauge("process_virtual_memory_bytes", "Virtual memory.", single(usage.virtualBytes)),
    gauge("process_open_fds", "Open file descriptors.", single(usage.openFiles)),
    gauge("process_start_time_seconds", "Start, in seconds since the epoch.", single(startedAt.getTime() / 1000)),
  ];
}

function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}
