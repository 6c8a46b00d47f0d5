// The results as tables for people.
import type { Results } from "./budgets.ts";
import { table } from "./table.ts";
import type { Verdict } from "./verdict.ts";

export function report(results: Results, verdicts: readonly Verdict[]): string {
  const tables = [trafficTable, warmUpTable, relayTable, idleTable, lifeTable, scaleTable].map((of) => of(results));
  return [...tables, budgetTable(verdicts)].filter(Boolean).join("\n");
}

function trafficTable({ traffic = [] }: Results): string {
  const head = [
    "",
    "conns",
    "path",
    "QPS",
    "x",
    "p50 µs",
    "x",
    "p99 µs",
    "x",
    "CPU s/10k",
    "x",
    "of it mesh",
    "errors",
  ];
  const rows = traffic.map((row) => [
    ...[row.mode, String(row.connections), row.path, row.qps.toFixed(0), row.qpsRatio.toFixed(2)],
    ...[row.p50Us.toFixed(0), row.p50Ratio.toFixed(2), row.p99Us.toFixed(0), row.p99Ratio.toFixed(2)],
    ...[row.cpuPer10k.toFixed(3), row.cpuRatio.toFixed(2), row.meshCpuPer10k.toFixed(3), String(row.errors)],
  ]);
  return rows.length === 0 ? "" : table("TCP (x: of direct in the same round)", head, rows);
}

function warmUpTable({ relay }: Results): string {
  if (relay === undefined) return "";
  const rows = relay.warmUp.map(({ path, requests, qps, meshCpuPer10k }) => [
    ...[path, String(requests), qps.toFixed(0), meshCpuPer10k.toFixed(3)],
  ]);
  return table("HTTP, the first requests (in no other figure)", ["path", "requests", "QPS", "mesh CPU s/10k"], rows);
}

function relayTable({ relay }: Results): string {
  if (relay === undefined) return "";
  const head = [
    ...["", "body", "conns", "path", "QPS", "x direct", "x Envoy", "p50 µs", "x direct", "x Envoy"],
    ...[
      "p99 µs",
      "x direct",
      "x Envoy",
      "CPU s/10k",
      "x Envoy",
      "x nginx",
      "of it mesh",
      "x Envoy",
      "x nginx",
      "errors",
    ],
  ];
  const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : "");
  const rows = relay.traffic.map(({ toDirect, toEnvoy, toNginx, ...row }) => [
    ...[row.mode, row.body, String(row.connections), row.path],
    ...[row.qps.toFixed(0), ratio(toDirect.qps), ratio(toEnvoy.qps)],
    ...[row.p50Us.toFixed(0), ratio(toDirect.p50), ratio(toEnvoy.p50)],
    ...[row.p99Us.toFixed(0), ratio(toDirect.p99), ratio(toEnvoy.p99)],
    ...[row.cpuPer10k.toFixed(3), ratio(toEnvoy.cpu), ratio(toNginx.cpu)],
    ...[row.meshCpuPer10k.toFixed(3), ratio(toEnvoy.meshCpu), ratio(toNginx.meshCpu), String(row.errors)],
  ]);
  return table("HTTP, canary by header (x: of another path in the same round)", head, rows);
}

function idleTable({ relay }: Results): string {
  if (relay === undefined) return "";
  const rows = relay.idle.map(({ path, rssMb, anonymousMb, mbPer1000 }) => [
    ...[path, mbPer1000.toFixed(1), rssMb.toFixed(1), anonymousMb.toFixed(1)],
  ]);
  return table("Idle HTTP connections", ["path", "MB per 1,000", "RSS before, MB", "of it anonymous"], rows);
}

function lifeTable({ life }: Results): string {
  if (life === undefined) return "";
  const { startMs, startsMs, idle, idleCpuPercent } = life;
  return table(
    "Small configuration",
    ["what", "", ""],
    [
      [
        "exec to attached",
        `${startMs.toFixed(1)} ms`,
        `${Math.min(...startsMs).toFixed(1)} to ${Math.max(...startsMs).toFixed(1)}`,
      ],
      [
        "RSS, idle",
        `${idle.rssMb.toFixed(1)} MB`,
        `private ${idle.privateMb.toFixed(1)}, anonymous ${idle.anonymousMb.toFixed(1)}`,
      ],
      ["CPU, idle", `${idleCpuPercent.toFixed(3)} %`, "of one core"],
    ],
  );
}

function scaleTable({ scale = [] }: Results): string {
  const head = [
    "who",
    "source",
    "load s",
    "peak MB",
    "after MB",
    "anonymous",
    "change p50 ms",
    "p99 ms",
    "of it publishing",
    "p50 with control plane",
  ];
  const rows = scale.map(({ changes, ...row }) => [
    ...[row.who, row.source, (row.loadMs / 1000).toFixed(2), row.peakMb.toFixed(0), row.settledMb.toFixed(0)],
    row.settledAnonymousMb.toFixed(0),
    ...(changes === undefined
      ? ["", "", "", ""]
      : [
          changes.p50Ms.toFixed(2),
          changes.p99Ms.toFixed(2),
          changes.p50PublishMs?.toFixed(1) ?? "",
          changes.p50FromCallMs.toFixed(1),
        ]),
  ]);
  return rows.length === 0 ? "" : table("Large configuration", head, rows);
}

function budgetTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ budget, limit, sense, unit, measured, where, isMet, control }) => [
    ...[budget, `${sense} ${limit} ${unit}`, `${measured.toFixed(2)} ${unit}`, where],
    control === undefined ? "" : `${control.toFixed(2)} ${unit}`,
    isMet ? "met" : `MISSED by ${Math.abs((100 * (measured - limit)) / limit).toFixed(0)} %`,
  ]);
  return rows.length === 0
    ? ""
    : table("Budgets", ["what", "budget", "measured", "worst at", "direct again", ""], rows);
}
