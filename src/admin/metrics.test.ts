import { expect, test } from "bun:test";
import { formatPrometheus } from "../telemetry/metrics.ts";
import { collectMetrics } from "./metrics.ts";
import { parseCpuSeconds, parseStatus, readProcessUsage } from "./process-usage.ts";
import { changedAt, controlPlane, fixtureView, status } from "./view.fixture.ts";
import type { AgentView } from "./view.ts";

const usage = { residentBytes: 1000, virtualBytes: 2000, cpuSeconds: 1.5, openFiles: 9 };
const host = { now: () => new Date(changedAt.getTime() + 30_500), usage: () => usage };
const lines = (view: AgentView): string[] => formatPrometheus(collectMetrics(view, host)).split("\n");

test.each([
  'kmesh_edge_connects_total{reason="balanced"} 6',
  'kmesh_edge_connects_total{reason="no_listener"} 7',
  'kmesh_edge_listener_connects_total{listener="plain",result="accepted"} 6',
  'kmesh_edge_listener_connects_total{listener="plain",result="refused"} 2',
  'kmesh_edge_cluster_connections_opened_total{cluster="shop"} 5',
  'kmesh_edge_cluster_connections_closed_total{cluster="shop"} 2',
  'kmesh_edge_cluster_connections_failed_total{cluster="shop"} 1',
  'kmesh_edge_cluster_connects_refused_total{cluster="shop",reason="overflow"} 4',
  'kmesh_edge_cluster_connects_refused_total{cluster="shop",reason="no_endpoint"} 0',
  'kmesh_edge_cluster_connections_active{cluster="shop"} 3',
  'kmesh_edge_cluster_endpoints{cluster="shop"} 2',
  'kmesh_edge_relay_workers{state="listening"} 1',
  'kmesh_edge_relay_workers{state="starting"} 1',
  'kmesh_edge_relay_connections_total{listener="plain"} 4',
  'kmesh_edge_relay_requests_total{listener="plain",code="2xx"} 6',
  'kmesh_edge_relay_requests_active{listener="plain"} 1',
  'kmesh_edge_relay_refused_total{reason="not a workload"} 7',
  'kmesh_edge_relay_upstream_requests_total{cluster="shop",code="5xx"} 2',
  'kmesh_edge_relay_upstream_failures_total{cluster="shop",reason="connect"} 1',
  'kmesh_edge_relay_retries_total{cluster="shop",result="success"} 1',
  'kmesh_edge_relay_mirrored_total{cluster="shop"} 6',
  'kmesh_edge_map_entries{map="clusters"} 2',
  'kmesh_edge_map_capacity{map="clusters"} 8192',
  "kmesh_edge_snapshot_generation 3",
  "kmesh_edge_snapshot_age_seconds 30.5",
  'kmesh_edge_rejected_resources{type="listener"} 1',
  'kmesh_edge_rejected_resources{type="cluster"} 0',
  'kmesh_edge_waiting_resources{type="route"} 1',
  "kmesh_edge_mesh_file_valid 1",
  'kmesh_edge_commits_total{result="success"} 3',
  'kmesh_edge_commits_total{result="failure"} 1',
  "kmesh_edge_commit_duration_seconds 0.0125",
  "kmesh_edge_control_plane_connected 1",
  'kmesh_edge_control_plane_responses_total{type="route",answer="nack"} 1',
  'kmesh_edge_workloads{state="attached"} 1',
  'kmesh_edge_workloads{state="adopted"} 0',
  'kmesh_edge_workloads{state="missing"} 1',
  "kmesh_edge_bypass 0",
  "kmesh_edge_ready 1",
  'kmesh_edge_build_info{version="0.1.0",sources="0123456789abcdef",commit="abcdef-dirty"} 1',
  "process_cpu_seconds_total 1.5",
  "process_resident_memory_bytes 1000",
  "process_open_fds 9",
])("%s", (line) => {
  const snapshot = {
    ...status.snapshot,
    rejections: [{ type: "listener", name: "x", path: "", reason: "y" }],
    waiting: [{ type: "route", name: "x", for: [], hasPrevious: false }],
  } as const;
  expect(lines(fixtureView({ status: () => ({ ...status, snapshot, controlPlane }) }))).toContain(line);
});

test("what isn't there has no sample", () => {
  const snapshot = { ...status.snapshot, changedAt: undefined };
  const all = lines(
    fixtureView({ counters: () => undefined, status: () => ({ ...status, snapshot, file: undefined }) }),
  );
  const absent = /^kmesh_edge_(snapshot_age|control_plane_connected|mesh_file|connects_total|cluster_connections)/;
  expect(all.filter((line) => absent.test(line))).toEqual([]);
});

test("every name once, with Prometheus' grammar", () => {
  const metrics = collectMetrics(fixtureView(), host);
  const names = metrics.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, help } of metrics) {
    expect(name).toMatch(/^[a-z][a-z_]*[a-z]$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    expect(help).toMatch(/^[^\n\\]+\.$/);
  }
});

test("proc(5)", () => {
  expect(parseStatus("Name:\tx\nVmSize:\t    4 kB\nVmRSS:\t     2 kB\n")).toEqual({
    virtualBytes: 4096,
    residentBytes: 2048,
  });
  expect(parseCpuSeconds("7 (a b) c) S 1 1 1 0 -1 4 1 0 0 0 150 50 0 0 20")).toBe(2);
  const own = readProcessUsage();
  expect(own.residentBytes).toBeGreaterThan(1 << 20);
  expect(own.openFiles).toBeGreaterThan(2);
});
