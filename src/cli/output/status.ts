// `status`: state and problems first, then where the configuration comes from, the workloads, and a line for each destination.
import type { ListenerStatuses } from "../../admin/listeners.ts";
import type { AgentStatus } from "../../admin/view.ts";
import { formatTable, indent, printable } from "./table.ts";
import { formatWorkloads } from "./workloads.ts";

/** Both as they came over the admin socket: dates may be text. */
export function formatStatus(status: AgentStatus, listeners: ListenerStatuses): string {
  const sections = [
    formatState(status),
    formatSource(status),
    formatSnapshot(status),
    section("Workloads", formatWorkloads(status.workloads)),
    formatRelay(status),
    section("Listeners", formatListeners(listeners)),
  ];
  return sections.filter((text) => text !== "").join("\n");
}

function formatState({ state, problems, bypass }: AgentStatus): string {
  const lines = [...problems.map((problem) => `problem: ${printable(problem)}`)];
  if (bypass) lines.push("bypass is on: every connection is left as it is");
  return `State: ${state}\n${indent(lines.map((line) => `${line}\n`).join(""))}`;
}

function formatSource({ file, controlPlane, snapshot, commits }: AgentStatus): string {
  const lines: string[] = [];
  if (file !== undefined) {
    const refused = file.error === undefined ? "" : " (last edit refused; an earlier version is in effect)";
    lines.push(`mesh file ${printable(file.path)}${refused}`);
  }
  if (controlPlane !== undefined) lines.push(describeControlPlane(controlPlane));
  const { generation, changedAt } = snapshot;
  const since = changedAt === undefined ? "" : `, since ${new Date(changedAt).toISOString()}`;
  lines.push(generation === 0 ? "nothing in effect yet" : `configuration ${generation} in effect${since}`);
  if (commits.failed > 0) lines.push(`${commits.failed} of ${commits.count + commits.failed} commits failed`);
  return section("Source", lines.map((line) => `${line}\n`).join(""));
}

function describeControlPlane({
  server,
  variant,
  connected,
  connectedSince,
  attempts,
  types,
}: NonNullable<AgentStatus["controlPlane"]>): string {
  const since = connectedSince === undefined ? "" : ` since ${new Date(connectedSince).toISOString()}`;
  const state = connected ? `connected${since}` : `not connected, ${attempts} attempts`;
  const held = Object.entries(types).map(([type, { held, nacks }]) => {
    return `${held} ${type}s${nacks > 0 ? ` (${nacks} NACKs)` : ""}`;
  });
  return `control plane ${printable(server)} (${variant}): ${state}; ${held.join(", ")}`;
}

/** Nothing where nothing is relayed. */
function formatRelay({ relayWorkers }: AgentStatus): string {
  const lines = relayWorkers.map(
    ({ pid, isListening }) => `worker ${pid} ${isListening ? "listens" : "is starting"}\n`,
  );
  return section("Relay", lines.join(""));
}

/** What isn't in effect, though somebody said it. */
function formatSnapshot({ snapshot: { rejections, waiting, conflicts } }: AgentStatus): string {
  const lines = [
    ...rejections.map(({ type, name, path, reason }) => {
      return `refused ${type} ${name}: ${path === "" ? "" : `${path}: `}${reason}`;
    }),
    ...waiting.map(({ type, name, for: references, hasPrevious }) => {
      const missing = references.map((reference) => `${reference.type} ${reference.name}`).join(", ");
      return `waiting ${type} ${name}: for ${missing}${hasPrevious ? "; its previous version is in effect" : ""}`;
    }),
    ...conflicts.map((conflict) => `conflict ${conflict}`),
  ];
  return section("Not in effect", lines.map((line) => `${printable(line)}\n`).join(""));
}

function formatListeners({ listener_statuses: listeners }: ListenerStatuses): string {
  const rows = listeners.flatMap(({ name, kmesh_edge: destinations }) =>
    destinations.map(({ destination, engine, clusters, reason }) => {
      return [destination, engine, formatClusters(engine, clusters), name, reason];
    }),
  );
  return formatTable(["DESTINATION", "ENGINE", "CLUSTERS", "LISTENER", "REASON"], rows) || "none\n";
}

/** What is relayed goes where each request says; its clusters here are those of a relay that is down. */
export function formatClusters(engine: string, clusters: readonly { cluster: string; weight: number }[]): string {
  if (engine === "relay") return "by request";
  if (clusters.length === 0) return "-";
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters
    .map(({ cluster, weight }) => (clusters.length > 1 ? `${cluster} (${weight} of ${total})` : cluster))
    .join(", ");
}

function section(title: string, body: string): string {
  return body === "" ? "" : `${title}:\n${indent(body)}`;
}
