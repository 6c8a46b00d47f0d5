// The agent: sources → snapshot → publisher → kernel, the workloads that it is bound to, and what the admin API may know of all
// that. The only module that knows everybody. Losing a source, or the agent itself, never takes governance away.
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { serve } from "./admin/serve.ts";
import type { AgentStatus, AgentView, Capability, WorkloadStatus } from "./admin/view.ts";
import { buildInfo } from "./build-info.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Compiled } from "./compile/compile.ts";
import type { Config } from "./config.ts";
import { readCounters } from "./dataplane/counters.ts";
import { readCapabilities } from "./dataplane/features.ts";
import { mapDirectory } from "./dataplane/maps.ts";
import { claimPins, removeAll } from "./dataplane/pins.ts";
import { readBack } from "./dataplane/read-back.ts";
import { ConfigError, KernelError, MeshError } from "./errors.ts";
import { type Explanation, explain } from "./explain.ts";
import type { ExplainedRequest } from "./explain-request.ts";
import { Health } from "./health.ts";
import type { SocketAddress } from "./ip.ts";
import { emptySnapshot, isSameSnapshot, mergeSnapshots, type ResourceType, type Snapshot } from "./model/snapshot.ts";
import { Publisher } from "./publisher.ts";
import { probe } from "./relay/behaviour/health-probe.ts";
import { RelayControl } from "./relay/control.ts";
import type { RelayStats } from "./relay/protocol.ts";
import { formatRejection, type MeshFile, readMeshFile } from "./source/mesh-file.ts";
import { watchMeshFile } from "./source/watch.ts";
import type { Counters } from "./telemetry/counters.ts";
import type { Log, LogLevel } from "./telemetry/log.ts";
import { requireCgroupRoot } from "./workload/cgroup.ts";
import { type Workload, Workloads } from "./workload/workloads.ts";
import { ControlPlane } from "./xds/control-plane.ts";
import { logEvent } from "./xds/log-event.ts";
import { type Host, identify, type NodeIdentity } from "./xds/node.ts";

export interface AgentOptions {
  readonly config: Config;
  /** Starts this executable again, as a worker of the relay. */
  readonly relayWorker: readonly string[];
  /** The linked BPF object. */
  readonly object: Uint8Array;
  readonly host: Host & { readonly sources: { readonly v4: string; readonly v6: string } };
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told once, when a configuration is in effect and the workloads are attached. */
  readonly onReady?: () => void;
}

interface ControlPlaneAddress {
  readonly host: string;
  readonly port: number;
  readonly delta?: boolean;
}

/** Once a minute, what no relay has taken is removed. */
const sweepRounds = 20;
/** Checks of a cluster that began together end together, more or less. */
const healthGatherMs = 5;
/** What the relay's connections get to end when the agent is told to leave nothing behind. */
const relayDrainMs = 10_000;
/** How often cgroups that come and go are looked for, and a failed publication is tried again. */
const reconcileMs = 3_000;
/** Map entries, from where collecting garbage (some 100 ms at 180,000) is worth it. */
const largeTransaction = 20_000;

export class Agent implements AgentView {
  readonly build = buildInfo;
  readonly startedAt: Date;
  readonly #config: Config;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #host: AgentOptions["host"];
  readonly #onReady: () => void;
  readonly #publisher: Publisher;
  readonly #relay: RelayControl;
  readonly #health: Health;
  readonly #workloads: Workloads;
  readonly #server: ControlPlaneAddress | undefined;
  #file: MeshFile | undefined;
  #fileError: string | undefined;
  /** From when the agent runs. */
  #controlPlane: ControlPlane | undefined;
  /** What the control plane said, as far as it is in effect. */
  #dynamic: Snapshot | undefined;
  #snapshot: Snapshot = emptySnapshot;
  #generation = 0;
  #changedAt: Date | undefined;
  #commitError: string | undefined;
  #commits = { count: 0, failed: 0, puts: 0, deletes: 0, durationMs: 0 };
  #isReady = false;
  #isWantedAnew = false;
  #isStopping = false;
  /** One publication after the other. */
  #publications: Promise<void> = Promise.resolve();

  /** Reads the mesh file and the state directory; touches no traffic. Throws ConfigError, UnsupportedError. */
  constructor({ config, relayWorker, object, host, log, clock, random, onReady }: AgentOptions) {
    this.#config = config;
    this.#host = host;
    this.#log = log;
    this.#clock = clock;
    this.#random = random;
    this.#onReady = onReady ?? (() => {});
    this.startedAt = new Date(clock.date());
    this.#file = config.meshFile === undefined ? undefined : usable(readMeshFile(config.meshFile));
    const server = config.controller ?? this.#file?.controlPlane;
    if (server === undefined && this.#file === undefined) {
      throw new ConfigError("", "nothing to govern by: give --mesh FILE or --controller HOST:PORT");
    }
    this.#server = server;
    mkdirSync(config.stateDirectory, { recursive: true, mode: 0o700 });
    this.#workloads = Workloads.open(requireCgroupRoot(), config.stateDirectory, config.workloads);
    const { pinDirectory, trustVip } = config;
    const isRelayed = config.engine === "auto";
    this.#publisher = new Publisher({ object, pinDirectory, trustVip, isRelayed, sources: host.sources });
    this.#health = new Health({ clock, random, log, probe, onChange: () => this.#wantAnew() });
    this.#relay = new RelayControl({
      command: relayWorker,
      workers: config.relayWorkers ?? availableParallelism(),
      maps: mapDirectory(pinDirectory),
      nodeId: this.node.id,
      log,
      clock,
      mapDescriptors: () => {
        const maps = this.#publisher.dataplane?.maps;
        return maps === undefined ? [] : [maps.relayed.fd, maps.connections.fd, maps.settings.fd];
      },
      onUp: () => this.#sendToRelay(),
      onResults: (results) => this.#health.record(results),
    });
  }

  /** Until the signal aborts. The data plane stays, unless the configuration says otherwise. */
  async run(signal: AbortSignal): Promise<void> {
    const { adminSocket: socket, adminAddress: address } = this.#config;
    using _pins = claimPins(this.#config.pinDirectory);
    using _admin = await serve(this, { socket, address });
    this.#controlPlane = this.#server === undefined ? undefined : await this.#connect(this.#server);
    this.#log.info("started", { version: this.build.version, socket });
    // Without a control plane the file is everything; with one, maps of an earlier run serve until it has spoken.
    if (this.#controlPlane === undefined) await this.#publish();
    const sources = [this.#keepReconciled(signal)];
    if (this.#file !== undefined) sources.push(this.#followFile(this.#file, signal));
    if (this.#controlPlane !== undefined) sources.push(this.#followControlPlane(this.#controlPlane, signal));
    await Promise.all(sources);
    this.#isStopping = true;
    await this.#publications.catch(() => {});
    // Also what an earlier run left, where this one never got a configuration.
    if (this.#config.detachOnExit) {
      removeAll(this.#config.pinDirectory);
      await this.#relay.drain(relayDrainMs);
    }
    this.#health[Symbol.dispose]();
    this.#relay[Symbol.dispose]();
    this.#log.info("stopped", { governed: !this.#config.detachOnExit });
    this.#publisher[Symbol.dispose]();
  }

  async #followFile({ path, contentHash }: MeshFile, signal: AbortSignal): Promise<void> {
    for await (const change of watchMeshFile(path, signal, contentHash)) {
      try {
        this.#file = usable(change instanceof MeshError ? fail(change) : change);
        this.#fileError = undefined;
        this.#log.info("mesh file changed", { path });
        if (this.#controlPlane === undefined || this.#dynamic !== undefined) await this.#publish();
      } catch (error) {
        this.#fileError = MeshError.from(error).reason;
        this.#log.error("mesh file refused; the last good configuration stays", { path, error: this.#fileError });
      }
    }
  }

  async #followControlPlane(controlPlane: ControlPlane, signal: AbortSignal): Promise<void> {
    for await (const snapshot of controlPlane.snapshots(signal)) {
      this.#dynamic = snapshot;
      await this.#publish();
    }
  }

  async #connect(server: ControlPlaneAddress): Promise<ControlPlane> {
    // The gRPC client is loaded by those who have a control plane.
    const { Ads } = await import("./xds/ads.ts");
    const ads = new Ads({
      server,
      node: this.node,
      userAgent: { name: "kmesh-edge", version: this.build.version },
      clock: this.#clock,
      random: this.#random,
      variant: this.#config.xdsProtocol === "sotw" || server.delta === false ? "sotw" : "delta",
      limits: { initialFetchTimeoutMs: this.#config.initialFetchTimeoutMs },
      report: (event) => logEvent(this.#log, event),
    });
    return new ControlPlane(ads);
  }

  #publish(): Promise<void> {
    this.#publications = this.#publications.then(() => this.#publishNow());
    return this.#publications;
  }

  /** Endpoints' health has changed: all that changes now is published together. */
  #wantAnew(): void {
    if (this.#isWantedAnew) return;
    this.#isWantedAnew = true;
    this.#clock.after(healthGatherMs, () => {
      this.#isWantedAnew = false;
      if (this.#isStopping) return;
      // A failure is in the status, and tried again; what can't be helped ends the agent from where it waits for a publication.
      this.#publish().catch(() => {});
    });
  }

  async #publishNow(): Promise<void> {
    const source = mergeSnapshots(this.#file?.snapshot, this.#dynamic);
    const snapshot = this.#health.overlay(source);
    if (isSameSnapshot(snapshot, this.#snapshot) && this.#commitError === undefined && this.#generation > 0) return;
    const start = this.#clock.now();
    try {
      const prepared = this.#publisher.prepare(snapshot);
      await this.#relay.prepare(prepared.compiled);
      const { puts, deletes } = prepared.commit();
      this.#relay.settle();
      this.#sendToRelay();
      this.#snapshot = snapshot;
      this.#generation++;
      this.#changedAt = new Date(this.#clock.date());
      this.#commitError = undefined;
      const durationMs = this.#clock.now() - start;
      this.#commits = { ...this.#commits, count: this.#commits.count + 1, puts, deletes, durationMs };
      this.#log.info("configuration in effect", {
        generation: this.#generation,
        puts,
        deletes,
        durationMs: Math.round(durationMs),
      });
      // The entries of a large transaction are garbage as soon as the kernel has them; no traffic waits for us here.
      if (puts + deletes > largeTransaction) Bun.gc(true);
    } catch (error) {
      await this.#failedToPublish(error);
    }
    this.#reconcile();
  }

  /** An earlier agent's relay, if one is left, has the connections until this one's listens. */
  #sendToRelay(): void {
    const { dataplane, compiled } = this.#publisher;
    const { listen } = this.#relay;
    // What an earlier agent left behind sees that it is superseded, also by one that relays nothing.
    const { onRelayDown } = this.#config;
    if (compiled?.relayed.size === 0) dataplane?.sendToRelay(undefined, onRelayDown);
    else if (listen !== undefined) dataplane?.sendToRelay(listen, onRelayDown);
  }

  async #failedToPublish(error: unknown): Promise<void> {
    const { reason, code } = MeshError.from(error);
    this.#commitError = reason;
    this.#commits = { ...this.#commits, failed: this.#commits.failed + 1 };
    this.#log.error("configuration not put in effect; the last good one stays", { error: reason });
    // The relay goes back to what the kernel still has.
    if (this.#publisher.compiled !== undefined) await this.#relay.prepare(this.#publisher.compiled);
    // No retry can help, unless it was a signal that interrupted the verifier.
    const isInterrupted = error instanceof KernelError && error.errnoName === "EAGAIN";
    if (code === "unsupported" || (code === "verifier" && !isInterrupted)) throw error;
  }

  async #keepReconciled(signal: AbortSignal): Promise<void> {
    for (let round = 1; !signal.aborted; round++) {
      await sleep(this.#clock, reconcileMs, signal);
      if (signal.aborted) return;
      if (round % sweepRounds === 0) this.#publisher.dataplane?.sweepRelayed();
      if (this.#commitError !== undefined) await this.#publish();
      else this.#reconcile();
    }
  }

  #reconcile(): void {
    const { dataplane } = this.#publisher;
    if (dataplane === undefined || this.#generation === 0) return;
    const before = this.#workloads.list();
    this.#workloads.reconcile(dataplane);
    this.#logWorkloads(before, this.#workloads.list());
    if (this.#isReady) return;
    this.#isReady = true;
    this.#log.info("ready", { workloads: this.#workloads.list().filter(({ state }) => state !== "missing").length });
    this.#onReady();
  }

  #logWorkloads(before: readonly Workload[], after: readonly Workload[]): void {
    const known = new Map(before.map((workload) => [workload.target, workload]));
    for (const { target, state, cgroup, problem } of after) {
      const old = known.get(target);
      if (old?.state === state && old.cgroup?.id === cgroup?.id) continue;
      if (state === "missing") this.#log.warn("workload not attached", { target, reason: problem });
      else this.#log.info("workload attached", { target, state, cgroup: cgroup?.path });
    }
  }

  // AgentView

  get node(): NodeIdentity {
    const file = this.#file?.node;
    return identify({ ...file, ...this.#config.node }, this.#host);
  }

  get logLevel(): LogLevel {
    return this.#log.level;
  }

  set logLevel(level: LogLevel) {
    this.#log.level = level;
  }

  status(): AgentStatus {
    const { dataplane, compiled } = this.#publisher;
    const workloads = this.#workloads.list();
    const isRelayDown = compiled !== undefined && compiled.relayed.size > 0 && this.#relay.listen === undefined;
    const problems = [
      ...(isRelayDown ? ["the relay is down: what it should have is bypassed or refused"] : []),
      ...(this.#commitError === undefined ? [] : [this.#commitError]),
      ...(this.#fileError === undefined ? [] : [this.#fileError]),
      ...workloads.flatMap(({ target, problem }) => (problem === undefined ? [] : [`workload ${target}: ${problem}`])),
      ...this.#controlPlaneProblem(),
    ];
    return {
      state: !this.#isReady
        ? "initializing"
        : this.#commitError !== undefined || this.#fileError !== undefined || isRelayDown
          ? "degraded"
          : "live",
      problems,
      isReady: this.#isReady,
      snapshot: {
        generation: this.#generation,
        changedAt: this.#changedAt,
        rejections: this.#controlPlane?.rejections ?? [],
        waiting: this.#controlPlane?.waiting ?? [],
        conflicts: compiled?.conflicts ?? [],
      },
      file: this.#file === undefined ? undefined : { path: this.#file.path, error: this.#fileError },
      controlPlane: this.#controlPlane?.status(),
      commits: this.#commits,
      mapUse: dataplane === undefined ? {} : mapUse(dataplane.used, dataplane.capacity),
      workloads: workloads.map(describe),
      relayWorkers: this.#relay.workers.map(({ pid, isListening }) => ({ pid, isListening })),
      bypass: dataplane?.settings().bypass === 1,
    };
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  isStatic(type: ResourceType, name: string): boolean {
    return this.#file?.snapshot[type].has(name) === true;
  }

  compiled(): Compiled | undefined {
    return this.#publisher.compiled;
  }

  counters(): Counters | undefined {
    const { dataplane } = this.#publisher;
    return dataplane === undefined ? undefined : readCounters(dataplane.maps);
  }

  relay(): RelayStats {
    return this.#relay.stats();
  }

  readMaps(): Readonly<Record<string, readonly unknown[]>> {
    const { dataplane } = this.#publisher;
    return dataplane === undefined ? {} : readBack(dataplane.maps);
  }

  capabilities(): readonly Capability[] {
    return readCapabilities();
  }

  explain(destination: SocketAddress, request?: ExplainedRequest): Explanation {
    return explain(this.#publisher.compiled, destination, request);
  }

  enroll(target: string): WorkloadStatus {
    this.#workloads.enroll(target);
    this.#reconcile();
    const workload = this.#workloads.list().find((one) => one.target === target);
    if (workload === undefined) throw new MeshError("unexpected", `enroll ${target}: it is not in the list`);
    return describe(workload);
  }

  unenroll(target: string): boolean {
    const isKnown = this.#workloads.unenroll(target);
    this.#reconcile();
    return isKnown;
  }

  #controlPlaneProblem(): string[] {
    const status = this.#controlPlane?.status();
    if (status === undefined || status.connected) return [];
    return [`control plane ${status.server}: ${status.lastError ?? "not connected yet"}`];
  }
}

/** A file with a rejected resource is refused whole. */
function usable(file: MeshFile): MeshFile {
  if (file.rejections.length === 0) return file;
  throw new ConfigError("", file.rejections.map((rejection) => formatRejection(file.path, rejection)).join("\n"));
}

function fail(error: MeshError): never {
  throw error;
}

function describe({ target, origin, cgroup, state }: Workload): WorkloadStatus {
  return { target, path: cgroup?.path, cgroupId: cgroup?.id.toString(), state, origin };
}

function mapUse<T extends object>(used: T, capacity: T): AgentStatus["mapUse"] {
  const entries = Object.entries(capacity) as [keyof T & string, number][];
  return Object.fromEntries(entries.map(([map, size]) => [map, { used: used[map] as number, capacity: size }]));
}
