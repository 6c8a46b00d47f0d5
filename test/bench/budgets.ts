// What the measurements should be (DESIGN.md, Budgets), and whether they are.
import type { Life } from "./life.ts";
import type { Mode } from "./load.ts";
import type { RelayResults } from "./relay.ts";
import { judgeRelay } from "./relay-budgets.ts";
import type { ScaleRow } from "./scale.ts";
import { control, type TrafficRow } from "./traffic.ts";
import { atLeast, atMost, type Measured, type Verdict } from "./verdict.ts";

export interface Results {
  readonly traffic?: readonly TrafficRow[];
  readonly relay?: RelayResults;
  readonly life?: Life;
  readonly scale?: readonly ScaleRow[];
}

export function judge({ traffic = [], relay, life, scale = [] }: Results): Verdict[] {
  return [
    ...judgeTraffic(traffic),
    ...(relay === undefined ? [] : judgeRelay(relay.traffic)),
    ...(life === undefined ? [] : judgeLife(life)),
    ...judgeScale(scale),
  ];
}

function judgeTraffic(rows: readonly TrafficRow[]): Verdict[] {
  const of = (mode: Mode, value: (row: TrafficRow) => number): readonly Measured[] =>
    rows
      .filter((row) => row.path === "kmesh-edge" && row.mode === mode)
      .map((row) => ({ value: value(row), where: `${row.connections} connections`, ...controlOf(row, value) }));
  const controlOf = ({ mode, connections }: TrafficRow, value: (row: TrafficRow) => number): { control?: number } => {
    const again = rows.find((row) => row.path === control && row.mode === mode && row.connections === connections);
    return again === undefined ? {} : { control: value(again) };
  };
  return [
    ...atLeast(
      "kept alive: QPS of direct",
      0.98,
      "x",
      of("kept alive", ({ qpsRatio }) => qpsRatio),
    ),
    ...atMost(
      "kept alive: p50 of direct",
      1.03,
      "x",
      of("kept alive", ({ p50Ratio }) => p50Ratio),
    ),
    ...atMost(
      "kept alive: CPU per request of direct",
      1.03,
      "x",
      of("kept alive", ({ cpuRatio }) => cpuRatio),
    ),
    ...atLeast(
      "new connection: QPS of direct",
      0.95,
      "x",
      of("new connection", ({ qpsRatio }) => qpsRatio),
    ),
  ];
}

function judgeLife({ startMs, idle, idleCpuPercent }: Life): Verdict[] {
  return [
    ...atMost("exec to attached", 50, "ms", [{ value: startMs, where: "small configuration" }]),
    ...atMost("RSS, idle", 45, "MB", [{ value: idle.rssMb, where: "small configuration" }]),
    ...atMost("CPU, idle", 0.2, "%", [{ value: idleCpuPercent, where: "of one core" }]),
  ];
}

function judgeScale(rows: readonly ScaleRow[]): Verdict[] {
  const own = rows.filter(({ who }) => who === "kmesh-edge");
  const of = (value: (row: ScaleRow) => number | undefined): readonly Measured[] =>
    own.flatMap((row) => {
      const measured = value(row);
      return measured === undefined ? [] : [{ value: measured, where: row.source }];
    });
  return [
    ...atMost(
      "exec to all maps filled",
      2500,
      "ms",
      of(({ loadMs }) => loadMs),
    ),
    ...atMost(
      "RSS, while loading",
      200,
      "MB",
      of(({ peakMb }) => peakMb),
    ),
    ...atMost(
      "RSS, after",
      120,
      "MB",
      of(({ settledMb }) => settledMb),
    ),
    ...atMost(
      "one EDS change, received to effective, p50",
      5,
      "ms",
      of(({ changes }) => changes?.p50Ms),
    ),
    ...atMost(
      "one EDS change, received to effective, p99",
      20,
      "ms",
      of(({ changes }) => changes?.p99Ms),
    ),
  ];
}
