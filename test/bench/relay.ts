// Requests of which each is sent where a header says, over every path in turns: how many, how fast, at which cost, and what the
// connections cost while nothing happens.
import type { Cgroup } from "../support/cgroup.ts";
import { type LoadResult, type Mode, runFortio } from "./load.ts";
import { type Idle, measureIdle } from "./relay-memory.ts";
import { type PathName, type RelayPath, startPaths } from "./relay-paths.ts";
import { type Body, bodies, canaryField } from "./relay-peers.ts";
import { middle, ratio, type Samples, takeTurns } from "./rounds.ts";
import { cpuSeconds } from "./usage.ts";

export interface RelayPlan {
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly seconds: number;
  readonly paths: readonly PathName[];
  /** Of each path, before it is measured. */
  readonly warmUpRequests: number;
  readonly idleConnections: number;
}

export interface Cell {
  readonly mode: Mode;
  readonly body: Body;
  readonly connections: number;
}

export interface RelayResults {
  /** The first requests of each, which no other figure contains: what is compiled as it runs needs them to get up to speed. */
  readonly warmUp: readonly WarmUp[];
  readonly traffic: readonly RelayRow[];
  readonly idle: readonly Idle[];
}

export interface WarmUp {
  readonly path: string;
  readonly requests: number;
  readonly qps: number;
  readonly meshCpuPer10k: number;
}

/** Medians over the rounds. */
export interface RelayRow extends Cell {
  readonly path: string;
  readonly qps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of everything that took part: client, backend, and what is between. */
  readonly cpuPer10k: number;
  /** Of what is between alone, all of its processes. */
  readonly meshCpuPer10k: number;
  readonly toDirect: Ratios;
  readonly toEnvoy: Ratios;
  readonly toNginx: Ratios;
  readonly errors: number;
}

/** Medians of the ratios to another path in the same round. */
export interface Ratios {
  readonly qps: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  /** Infinite where there is nothing between. */
  readonly meshCpu: number;
}

interface Sample extends LoadResult {
  readonly cpuPer10k: number;
  readonly meshCpuPer10k: number;
}

const busiest: Cell = { mode: "kept alive", body: "small", connections: 32 };

export async function measureRelay(plan: RelayPlan, progress: (text: string) => void): Promise<RelayResults> {
  await using stack = new AsyncDisposableStack();
  progress("relay: starting everybody");
  const { rounds, seconds } = plan;
  const { paths, backend } = await startPaths(plan.paths, stack);
  progress("relay: warming up");
  const warmUp: WarmUp[] = [];
  for (const path of paths) {
    const { requests, qps, meshCpuPer10k } = await measureOnce(path, backend, busiest, {
      requests: plan.warmUpRequests,
    });
    warmUp.push({ path: path.name, requests, qps, meshCpuPer10k });
  }
  progress(`relay: memory of ${plan.idleConnections} idle connections`);
  const idle = await measureIdle(paths, plan.idleConnections);
  const traffic: RelayRow[] = [];
  for (const cell of plan.cells) {
    const { mode, body, connections } = cell;
    progress(`relay: ${mode}, ${body}, ${connections} connections`);
    const samples = await takeTurns(paths, rounds, (path) => measureOnce(path, backend, cell, { seconds }));
    traffic.push(...rowsOf(cell, samples));
  }
  return { warmUp, idle, traffic };
}

type Extent = { readonly seconds: number } | { readonly requests: number };

async function measureOnce(path: RelayPath, backend: Cgroup, cell: Cell, extent: Extent): Promise<Sample> {
  const all = [path.client, backend, ...(path.mesh === undefined ? [] : [path.mesh])];
  const before = all.map(cpuSeconds);
  const url = `http://${path.address}${bodies[cell.body]}`;
  const { mode, connections } = cell;
  const result = await runFortio(url, { mode, connections, ...extent, field: canaryField }, path.enter);
  const used = all.map((group, i) => ((cpuSeconds(group) - (before[i] ?? 0)) / result.requests) * 10_000);
  return { ...result, cpuPer10k: used.reduce((sum, one) => sum + one, 0), meshCpuPer10k: used[2] ?? 0 };
}

function rowsOf(cell: Cell, samples: Samples<Sample>): RelayRow[] {
  return [...samples].map(([path, own]) => {
    const to = (base: string): Ratios => ratiosOf(own, samples.get(base) ?? []);
    return {
      ...cell,
      path,
      qps: middle(own, ({ qps }) => qps),
      p50Us: middle(own, ({ p50Us }) => p50Us),
      p99Us: middle(own, ({ p99Us }) => p99Us),
      cpuPer10k: middle(own, ({ cpuPer10k }) => cpuPer10k),
      meshCpuPer10k: middle(own, ({ meshCpuPer10k }) => meshCpuPer10k),
      ...{ toDirect: to("direct"), toEnvoy: to("Envoy"), toNginx: to("nginx") },
      errors: own.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

function ratiosOf(own: readonly Sample[], base: readonly Sample[]): Ratios {
  return {
    qps: ratio(own, base, ({ qps }) => qps),
    p50: ratio(own, base, ({ p50Us }) => p50Us),
    p99: ratio(own, base, ({ p99Us }) => p99Us),
    cpu: ratio(own, base, ({ cpuPer10k }) => cpuPer10k),
    meshCpu: ratio(own, base, ({ meshCpuPer10k }) => meshCpuPer10k),
  };
}
