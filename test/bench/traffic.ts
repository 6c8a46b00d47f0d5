// TCP: the same requests to the same backend over every path, in turns: directly, through kmesh-edge's connect engine, and through
// TCP proxies. The direct path is there twice, to show the noise.
import { Agent } from "../support/agent.ts";
import { Cgroup } from "../support/cgroup.ts";
import { Netns } from "../support/netns.ts";
import { compose, type Enter } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";
import { type LoadResult, type Mode, modes, run } from "./load.ts";
import { backendAddress, meshTo, startBackend, startEnvoy, startHaproxy, startNginxProxy } from "./peers.ts";
import { middle, ratio, takeTurns } from "./rounds.ts";
import { cpuSeconds } from "./usage.ts";

export interface TrafficPlan {
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
}

/** Medians over the rounds; ratios are to the direct path of the same round. */
export interface TrafficRow {
  readonly path: string;
  readonly mode: Mode;
  readonly connections: number;
  readonly qps: number;
  readonly qpsRatio: number;
  readonly p50Us: number;
  readonly p50Ratio: number;
  readonly p99Us: number;
  readonly p99Ratio: number;
  /** Of everything that took part: client, backend, and what is between. */
  readonly cpuPer10k: number;
  readonly cpuRatio: number;
  /** Of what is between alone. */
  readonly meshCpuPer10k: number;
  readonly errors: number;
}

interface Path {
  readonly name: string;
  readonly address: string;
  /** Where its client lives. */
  readonly client: Cgroup;
  /** Where what is between lives. */
  readonly mesh?: Cgroup;
}

interface Sample extends LoadResult {
  readonly cpuPer10k: number;
  readonly meshCpuPer10k: number;
}

const vips = { mesh: "127.96.0.1:80", envoy: "127.96.0.2:80", nginx: "127.96.0.3:80", haproxy: "127.96.0.4:80" };
const direct = "direct";
/** The direct path once more: what chance does to a ratio. */
export const control = "direct, again";

export async function measureTraffic(plan: TrafficPlan, progress: (text: string) => void): Promise<TrafficRow[]> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await Netns.create("bench"));
  const directory = stack.use(new TempDir());
  const cgroup = (name: string): Cgroup => stack.use(Cgroup.create(`bench-${name}`));
  const enterWith = (group: Cgroup): Enter => compose(group.enter, namespace.enter);
  const [plain, enrolled, backend] = [cgroup("plain"), cgroup("enrolled"), cgroup("backend")];
  const between = { mesh: cgroup("agent"), envoy: cgroup("envoy"), nginx: cgroup("nginx"), haproxy: cgroup("haproxy") };
  stack.use(await startBackend(directory, enterWith(backend)));
  stack.use(await Agent.start({ mesh: meshTo(vips.mesh), cgroups: [enrolled.path], enter: enterWith(between.mesh) }));
  stack.use(await startEnvoy(vips.envoy, enterWith(between.envoy)));
  stack.use(await startNginxProxy(vips.nginx, directory, enterWith(between.nginx)));
  stack.use(await startHaproxy(vips.haproxy, directory, enterWith(between.haproxy)));
  const paths: readonly Path[] = [
    { name: direct, address: backendAddress, client: plain },
    { name: "kmesh-edge", address: vips.mesh, client: enrolled, mesh: between.mesh },
    { name: control, address: backendAddress, client: plain },
    { name: "Envoy", address: vips.envoy, client: plain, mesh: between.envoy },
    { name: "nginx", address: vips.nginx, client: plain, mesh: between.nginx },
    { name: "haproxy", address: vips.haproxy, client: plain, mesh: between.haproxy },
  ];
  const sample = async (path: Path, mode: Mode, connections: number): Promise<Sample> => {
    const all = [path.client, backend, ...(path.mesh === undefined ? [] : [path.mesh])];
    const before = all.map(cpuSeconds);
    const load = { mode, connections, seconds: plan.seconds };
    const result = await run(`http://${path.address}/`, load, enterWith(path.client));
    const used = all.map((group, i) => ((cpuSeconds(group) - (before[i] ?? 0)) / result.requests) * 10_000);
    return { ...result, cpuPer10k: used.reduce((sum, one) => sum + one, 0), meshCpuPer10k: used[2] ?? 0 };
  };
  const rows: TrafficRow[] = [];
  for (const mode of modes) {
    for (const connections of plan.connections) {
      progress(`traffic: ${mode}, ${connections} connections`);
      rows.push(
        ...(await measureCell(paths, plan.rounds, (path) => sample(path, mode, connections))).map((row) => ({
          ...row,
          mode,
          connections,
        })),
      );
    }
  }
  return rows;
}

async function measureCell(
  paths: readonly Path[],
  rounds: number,
  sample: (path: Path) => Promise<Sample>,
): Promise<readonly Omit<TrafficRow, "mode" | "connections">[]> {
  const samples = await takeTurns(paths, rounds, sample);
  const base = samples.get(direct) ?? [];
  return [...samples].map(([path, own]) => {
    const middleOf = (value: (one: Sample) => number) => middle(own, value);
    const ratioOf = (value: (one: Sample) => number) => ratio(own, base, value);
    return {
      path,
      qps: middleOf(({ qps }) => qps),
      qpsRatio: ratioOf(({ qps }) => qps),
      p50Us: middleOf(({ p50Us }) => p50Us),
      p50Ratio: ratioOf(({ p50Us }) => p50Us),
      p99Us: middleOf(({ p99Us }) => p99Us),
      p99Ratio: ratioOf(({ p99Us }) => p99Us),
      cpuPer10k: middleOf(({ cpuPer10k }) => cpuPer10k),
      cpuRatio: ratioOf(({ cpuPer10k }) => cpuPer10k),
      meshCpuPer10k: middleOf(({ meshCpuPer10k }) => meshCpuPer10k),
      errors: own.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}
