// The relay's counters: as metrics of our own, and under Envoy's names for /stats.
import type { DownstreamStats, RelayStats, UpstreamStats } from "../relay/protocol.ts";
import { counter, gauge, type Metric, type Sample } from "../telemetry/metrics.ts";
import type { Stat } from "./stat.ts";
import type { RelayWorker } from "./view.ts";

const codeClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

export function relayMetrics(workers: readonly RelayWorker[], stats: RelayStats): Metric[] {
  const listeners = Object.entries(stats.listeners);
  const clusters = Object.entries(stats.clusters);
  const perListener = (value: (of: DownstreamStats) => number): Sample[] =>
    listeners.map(([listener, counters]) => ({ labels: { listener }, value: value(counters) }));
  const perCluster = (labels: Readonly<Record<string, string>>, value: (of: UpstreamStats) => number): Sample[] =>
    clusters.map(([cluster, counters]) => ({ labels: { cluster, ...labels }, value: value(counters) }));
  return [
    gauge("kmesh_edge_relay_workers", "Processes of the HTTP relay by state.", [
      { labels: { state: "listening" }, value: workers.filter(({ isListening }) => isListening).length },
      { labels: { state: "starting" }, value: workers.filter(({ isListening }) => !isListening).length },
    ]),
    counter(
      "kmesh_edge_relay_connections_total",
      "Connections of enrolled workloads that the relay accepted.",
      perListener((it) => it.connections),
    ),
    gauge(
      "kmesh_edge_relay_connections_active",
      "Those that are open.",
      perListener((it) => it.activeConnections),
    ),
    counter(
      "kmesh_edge_relay_requests_total",
      "Requests by the class of their answer.",
      listeners.flatMap(([listener, { statuses }]) => byClass({ listener }, statuses)),
    ),
    gauge(
      "kmesh_edge_relay_requests_active",
      "Requests that aren't answered yet.",
      perListener((it) => it.activeRequests),
    ),
    counter(
      "kmesh_edge_relay_refused_total",
      "Connections and requests that were turned away, by reason.",
      Object.entries(stats.refused).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    counter(
      "kmesh_edge_relay_upstream_requests_total",
      "Requests to endpoints, retries included, by the class of their answer.",
      clusters.flatMap(([cluster, { statuses }]) => byClass({ cluster }, statuses)),
    ),
    counter(
      "kmesh_edge_relay_upstream_connections_total",
      "Connections to endpoints.",
      perCluster({}, (it) => it.connections),
    ),
    gauge(
      "kmesh_edge_relay_upstream_connections_active",
      "Those that are open.",
      perCluster({}, (it) => it.activeConnections),
    ),
    counter("kmesh_edge_relay_upstream_failures_total", "Requests to endpoints that had no answer, by what happened.", [
      ...perCluster({ reason: "connect" }, (it) => it.connectFailures),
      ...perCluster({ reason: "reset" }, (it) => it.resets),
      ...perCluster({ reason: "timeout" }, (it) => it.timeouts),
      ...perCluster({ reason: "per_try_timeout" }, (it) => it.perTryTimeouts),
      ...perCluster({ reason: "overflow" }, (it) => it.overflows),
    ]),
    counter(
      "kmesh_edge_relay_retries_total",
      "Retries: made, of those successful, and kept from being made by a limit.",
      [
        ...perCluster({ result: "made" }, (it) => it.retries),
        ...perCluster({ result: "success" }, (it) => it.retrySuccesses),
        ...perCluster({ result: "overflow" }, (it) => it.retryOverflows),
      ],
    ),
    counter(
      "kmesh_edge_relay_mirrored_total",
      "Copies of requests.",
      perCluster({}, (it) => it.mirrored),
    ),
  ];
}

function byClass(labels: Readonly<Record<string, string>>, statuses: readonly number[]): Sample[] {
  return codeClasses.map((code, i) => ({ labels: { ...labels, code }, value: statuses[i] ?? 0 }));
}

/** Envoy's names of a cluster's request counters; connections are added to the kernel's by the caller. */
export function upstreamStats(cluster: string, counters: UpstreamStats): Stat[] {
  const of = (name: string, value: number): Stat => ({ name: `cluster.${cluster}.${name}`, value });
  return [
    of("upstream_rq_total", counters.requests),
    of("upstream_rq_active", counters.activeRequests),
    ...codeClasses.map((code, i) => of(`upstream_rq_${code}`, counters.statuses[i] ?? 0)),
    of("upstream_rq_retry", counters.retries),
    of("upstream_rq_retry_success", counters.retrySuccesses),
    of("upstream_rq_retry_overflow", counters.retryOverflows),
    of("upstream_rq_timeout", counters.timeouts),
    of("upstream_rq_per_try_timeout", counters.perTryTimeouts),
    of("upstream_rq_rx_reset", counters.resets),
    of("upstream_rq_pending_overflow", counters.overflows),
  ];
}

/** `http.PREFIX.*`, where several listeners may share a prefix. */
export function downstreamStats(prefix: string, counters: DownstreamStats): Stat[] {
  const of = (name: string, value: number): Stat => ({ name: `http.${prefix}.${name}`, value });
  return [
    of("downstream_cx_total", counters.connections),
    of("downstream_cx_active", counters.activeConnections),
    of("downstream_rq_total", counters.requests),
    of("downstream_rq_active", counters.activeRequests),
    ...codeClasses.map((code, i) => of(`downstream_rq_${code}`, counters.statuses[i] ?? 0)),
  ];
}
