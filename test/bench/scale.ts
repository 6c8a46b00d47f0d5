// A large configuration, from a file and from a control plane: how long until it is in effect, what it costs, and how long one
// change of endpoints takes. Envoy on the same input.
import { Cgroup } from "../support/cgroup.ts";
import { ControlPlane, type Scale } from "../support/control-plane.ts";
import { Envoy } from "../support/envoy.ts";
import { scaleMesh } from "./scale-mesh.ts";
import { median, percentile, wallClock } from "./statistics.ts";
import { TimedAgent } from "./timed-agent.ts";
import { memoryOf } from "./usage.ts";

export interface ScalePlan {
  readonly size: Scale;
  readonly rounds: number;
  readonly changes: number;
  readonly settleSeconds: number;
  readonly withEnvoy: boolean;
}

export interface ScaleRow {
  readonly who: string;
  readonly source: "file" | "ADS";
  /** From exec to everything being in effect. */
  readonly loadMs: number;
  readonly peakMb: number;
  readonly settledMb: number;
  readonly settledAnonymousMb: number;
  readonly changes?: Changes;
}

/**
 * From the control plane's sending to the agent's report that the commit is done. That is late by the grace period which the agent
 * waits for before it frees what was replaced: the maps have the new rows some milliseconds earlier.
 */
export interface Changes {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From asking the control plane for it: with the time that it takes itself. */
  readonly p50FromCallMs: number;
  /** Of it, compiling and committing, as far as it is told. */
  readonly p50PublishMs?: number;
}

export async function measureScale(plan: ScalePlan, progress: (text: string) => void): Promise<ScaleRow[]> {
  const mesh = scaleMesh(plan.size);
  const rows: ScaleRow[] = [];
  progress(`scale: kmesh-edge, ${(mesh.length / 1e6).toFixed(1)} MB of YAML`);
  rows.push(await repeat(plan.rounds, () => measureAgent(plan, { mesh })));
  await using controlPlane = await ControlPlane.generate(plan.size);
  progress("scale: kmesh-edge, ADS");
  rows.push(
    await repeat(plan.rounds, (isLast) => measureAgent(isLast ? plan : { ...plan, changes: 0 }, { controlPlane })),
  );
  if (!plan.withEnvoy) return rows;
  progress("scale: Envoy, file");
  rows.push(await measureEnvoy(plan, mesh, undefined));
  progress("scale: Envoy, ADS");
  rows.push(await measureEnvoy(plan, dynamicBootstrap(controlPlane.address), controlPlane));
  return rows;
}

/** Medians, but for the peak, which is the highest, and for the changes, which the last round has. */
async function repeat(rounds: number, measure: (isLast: boolean) => Promise<ScaleRow>): Promise<ScaleRow> {
  const all: ScaleRow[] = [];
  for (let round = 1; round <= rounds; round++) all.push(await measure(round === rounds));
  const last = all[all.length - 1];
  if (last === undefined) throw new Error("a measurement needs a round");
  return {
    ...last,
    loadMs: median(all.map(({ loadMs }) => loadMs)),
    peakMb: Math.max(...all.map(({ peakMb }) => peakMb)),
    settledMb: median(all.map(({ settledMb }) => settledMb)),
    settledAnonymousMb: median(all.map(({ settledAnonymousMb }) => settledAnonymousMb)),
  };
}

async function measureAgent(
  plan: ScalePlan,
  { mesh, controlPlane }: { readonly mesh?: string; readonly controlPlane?: ControlPlane },
): Promise<ScaleRow> {
  using workload = Cgroup.create("bench-scale");
  await using agent = TimedAgent.start({
    cgroup: workload.path,
    ...(mesh === undefined ? {} : { mesh }),
    ...(controlPlane === undefined ? {} : { controller: controlPlane.address }),
  });
  const loadMs = (await filled(agent, plan.size)) - agent.startedAt;
  const changed =
    controlPlane === undefined || plan.changes === 0 ? {} : { changes: await agentChanges(agent, controlPlane, plan) };
  await Bun.sleep(plan.settleSeconds * 1000);
  const { peakMb, rssMb, anonymousMb } = memoryOf(agent.pid);
  return {
    ...{ who: "kmesh-edge", source: controlPlane === undefined ? "file" : "ADS", loadMs, peakMb },
    ...{ settledMb: rssMb, settledAnonymousMb: anonymousMb, ...changed },
  };
}

/** When every listener and endpoint was in the maps and the workload attached. */
async function filled(agent: TimedAgent, size: Scale): Promise<number> {
  const ready = await agent.line("ready");
  for (let mark = 0; ; ) {
    const line = await agent.line("configuration in effect", () => true, mark);
    mark = agent.mark;
    const { mapUse } = await agent.status();
    const used = (map: string) => mapUse[map]?.used ?? 0;
    if (used("listeners") < size.listeners || used("endpoints") < size.clusters * size.endpoints) continue;
    return Math.max(line.at, ready.at);
  }
}

async function agentChanges(
  agent: TimedAgent,
  controlPlane: ControlPlane,
  { changes, size }: ScalePlan,
): Promise<Changes> {
  const toWall = wallClock();
  return measureChanges(changes, size, async (cluster) => {
    const mark = agent.mark;
    const calledAt = toWall(performance.now());
    const line = agent.line("configuration in effect", ({ fields }) => Number(fields.puts) > 0, mark);
    await controlPlane.change(cluster);
    const { at, fields } = await line;
    const { last_sent: sentAt } = (await controlPlane.status()).clients;
    return { calledAt, sentAt, effectiveAt: toWall(at), publishMs: Number(fields.durationMs) };
  });
}

/** Envoy's counters would have to be polled: its ACK, which it sends when the main thread is done, is the earliest moment. */
async function envoyChanges(controlPlane: ControlPlane, { changes, size }: ScalePlan): Promise<Changes> {
  const toWall = wallClock();
  return measureChanges(changes, size, async (cluster) => {
    const calledAt = toWall(performance.now());
    await controlPlane.change(cluster);
    for (;;) {
      const { last_sent, last_ack } = (await controlPlane.status()).clients;
      if (last_sent > calledAt && last_ack > last_sent) return { calledAt, sentAt: last_sent, effectiveAt: last_ack };
      await Bun.sleep(5);
    }
  });
}

interface Change {
  /** Microseconds since 1970. */
  readonly calledAt: number;
  readonly sentAt: number;
  readonly effectiveAt: number;
  /** What the agent says that compiling and committing took, in whole milliseconds. */
  readonly publishMs?: number;
}

async function measureChanges(
  count: number,
  size: Scale,
  change: (cluster: number) => Promise<Change>,
): Promise<Changes> {
  const all: Change[] = [];
  // Far apart, and never the same twice.
  for (let i = 0; i < count; i++) all.push(await change((i * 97 + 13) % size.clusters));
  const fromSent = all.map(({ sentAt, effectiveAt }) => (effectiveAt - sentAt) / 1000);
  const published = all.flatMap(({ publishMs }) => (publishMs === undefined ? [] : [publishMs]));
  const fromCall = all.map(({ calledAt, effectiveAt }) => (effectiveAt - calledAt) / 1000);
  return {
    ...{ count, p50Ms: median(fromSent), p99Ms: percentile(fromSent, 99) },
    p50FromCallMs: median(fromCall),
    ...(published.length === 0 ? {} : { p50PublishMs: median(published) }),
  };
}

async function measureEnvoy(
  plan: ScalePlan,
  bootstrap: string,
  controlPlane: ControlPlane | undefined,
): Promise<ScaleRow> {
  const startedAt = performance.now();
  await using envoy = await Envoy.start(bootstrap, { concurrency: 2 });
  const name = "listener_manager.total_listeners_active";
  await envoy.process.waitFor(
    "its listeners",
    async () => (await envoy.stats(`^${name}$`))[name] === plan.size.listeners,
  );
  const loadMs = performance.now() - startedAt;
  const changed =
    controlPlane === undefined || plan.changes === 0 ? {} : { changes: await envoyChanges(controlPlane, plan) };
  await Bun.sleep(plan.settleSeconds * 1000);
  const { peakMb, rssMb, anonymousMb } = memoryOf(envoy.process.pid);
  return {
    ...{ who: "Envoy", source: controlPlane === undefined ? "file" : "ADS", loadMs, peakMb },
    ...{ settledMb: rssMb, settledAnonymousMb: anonymousMb, ...changed },
  };
}

/** Everything from the control plane, by delta. */
function dynamicBootstrap(address: string): string {
  const [host, port] = address.split(":");
  const ads = { ads: {}, resource_api_version: "V3" };
  const typed = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const socket_address = { address: host, port_value: Number(port) };
  const xds = {
    ...{ name: "xds", type: "STATIC", connect_timeout: "5s" },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": typed,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: "xds",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }],
    },
  };
  const service = {
    ...{ api_type: "DELTA_GRPC", transport_api_version: "V3" },
    grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
  };
  return JSON.stringify({
    node: { id: "bench", cluster: "bench" },
    static_resources: { clusters: [xds] },
    dynamic_resources: { ads_config: service, lds_config: ads, cds_config: ads },
  });
}
