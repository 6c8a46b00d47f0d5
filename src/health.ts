// What is known of endpoints beyond what the control plane says: active health checks, and outliers among the relayed requests.
// Both become part of the snapshot before it is compiled, so that the kernel and the relay choose by the same health.
import { type Clock, sleep } from "./clock.ts";
import { formatSocketAddress, type SocketAddress } from "./ip.ts";
import type { Cluster, HealthCheck } from "./model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "./model/endpoint.ts";
import type { Snapshot } from "./model/snapshot.ts";
import { HealthState } from "./relay/behaviour/health.ts";
import { OutlierDetector } from "./relay/behaviour/outlier.ts";
import type { EndpointResult } from "./relay/protocol.ts";
import type { Log } from "./telemetry/log.ts";

export type Probe = (
  endpoint: SocketAddress,
  cluster: string,
  check: HealthCheck,
) => Promise<"pass" | "fail" | "timeout">;

export interface HealthOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly probe: Probe;
  readonly log: Log;
  /** Some endpoint's health has changed: the snapshot in effect should be overlaid anew. */
  readonly onChange: () => void;
}

export class Health implements Disposable {
  readonly #options: HealthOptions;
  readonly #watched = new Map<string, WatchedCluster>();
  #last: { readonly source: Snapshot; readonly version: number; readonly result: Snapshot } | undefined;
  #version = 0;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** The snapshot with the endpoints that fail their checks, or are ejected, as unhealthy. The same object where nothing changed. */
  overlay(source: Snapshot): Snapshot {
    const last = this.#last;
    if (last?.source === source && last.version === this.#version) return last.result;
    if (last?.source.cluster !== source.cluster || last.source.endpoint !== source.endpoint) this.#watch(source);
    const result = this.#apply(source);
    this.#last = { source, version: this.#version, result };
    return result;
  }

  /** What the relay saw. */
  record(results: readonly EndpointResult[]): void {
    const now = this.#options.clock.now();
    for (const { cluster, endpoint, result } of results) this.#watched.get(cluster)?.record(endpoint, result, now);
  }

  /** `host:port` of the endpoints of a cluster that are taken for unhealthy here. */
  unhealthy(cluster: string): ReadonlySet<string> {
    return this.#watched.get(cluster)?.unhealthy() ?? new Set();
  }

  [Symbol.dispose](): void {
    for (const watched of this.#watched.values()) watched[Symbol.dispose]();
    this.#watched.clear();
  }

  #watch(source: Snapshot): void {
    const wanted = [...source.cluster.values()].filter(isWatched);
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, watched] of this.#watched) {
      if (names.has(name)) continue;
      watched[Symbol.dispose]();
      this.#watched.delete(name);
    }
    for (const cluster of wanted) {
      const known = this.#watched.get(cluster.name);
      const isSame =
        known?.cluster.healthChecks === cluster.healthChecks &&
        known.cluster.outlierDetection === cluster.outlierDetection;
      if (!isSame) known?.[Symbol.dispose]();
      const watched = isSame ? known : new WatchedCluster(cluster, this.#options, () => this.#changed());
      this.#watched.set(cluster.name, watched);
      watched.follow(endpointsOf(cluster, source));
    }
  }

  #changed(): void {
    this.#version++;
    this.#options.onChange();
  }

  #apply(source: Snapshot): Snapshot {
    const clusters = new Map<string, Cluster>();
    const assignments = new Map<string, EndpointAssignment>();
    for (const [name, watched] of this.#watched) {
      const cluster = source.cluster.get(name);
      const unhealthy = watched.unhealthy();
      if (cluster === undefined || unhealthy.size === 0) continue;
      const { discovery } = cluster;
      if (discovery.type === "static") {
        const assignment = watched.mark(discovery.assignment, unhealthy);
        clusters.set(name, watched.withAssignment(cluster, assignment));
      } else if (discovery.type === "eds") {
        const assignment = assignments.get(discovery.serviceName) ?? source.endpoint.get(discovery.serviceName);
        if (assignment !== undefined) assignments.set(discovery.serviceName, watched.mark(assignment, unhealthy));
      }
    }
    return {
      ...source,
      cluster: clusters.size === 0 ? source.cluster : new Map([...source.cluster, ...clusters]),
      endpoint: assignments.size === 0 ? source.endpoint : new Map([...source.endpoint, ...assignments]),
    };
  }
}

function isWatched({ healthChecks, outlierDetection, discovery }: Cluster): boolean {
  return discovery.type !== "original_dst" && (healthChecks.length > 0 || outlierDetection !== undefined);
}

function endpointsOf({ discovery }: Cluster, source: Snapshot): ReadonlyMap<string, SocketAddress> {
  const assignment =
    discovery.type === "static"
      ? discovery.assignment
      : discovery.type === "eds"
        ? source.endpoint.get(discovery.serviceName)
        : undefined;
  const endpoints = (assignment?.localities ?? []).flatMap((locality) => locality.endpoints);
  return new Map(endpoints.map(({ address }) => [formatSocketAddress(address), address]));
}

/** One cluster's checks and outliers. */
class WatchedCluster implements Disposable {
  readonly cluster: Cluster;
  readonly #options: HealthOptions;
  readonly #onChange: () => void;
  readonly #detector: OutlierDetector | undefined;
  readonly #checked = new Map<string, CheckedEndpoint>();
  readonly #stopped = new AbortController();
  #ejected = "";
  /** Of the last marking: the same object where nothing changed. */
  #marked: { readonly of: EndpointAssignment; readonly key: string; readonly result: EndpointAssignment } | undefined;
  #derived: { readonly of: Cluster; readonly assignment: EndpointAssignment; readonly result: Cluster } | undefined;

  constructor(cluster: Cluster, options: HealthOptions, onChange: () => void) {
    this.cluster = cluster;
    this.#options = options;
    this.#onChange = onChange;
    const { outlierDetection } = cluster;
    if (outlierDetection === undefined) return;
    this.#detector = new OutlierDetector(outlierDetection, options.random);
    void this.#sweep(this.#detector, outlierDetection.intervalMs);
  }

  follow(endpoints: ReadonlyMap<string, SocketAddress>): void {
    this.#detector?.setEndpoints([...endpoints.keys()], this.#options.clock.now());
    if (this.cluster.healthChecks.length === 0) return;
    for (const [key, checked] of this.#checked) {
      if (endpoints.has(key)) continue;
      checked[Symbol.dispose]();
      this.#checked.delete(key);
    }
    for (const [key, address] of endpoints) {
      if (this.#checked.has(key)) continue;
      const checked = new CheckedEndpoint(address, this.cluster, this.#options, {
        onChange: this.#onChange,
        onPass: () => this.#pardon(key),
      });
      this.#checked.set(key, checked);
    }
  }

  record(endpoint: string, result: EndpointResult["result"], now: number): void {
    this.#detector?.record(endpoint, result, now);
    this.#noteEjections();
  }

  /**
   * An endpoint that wasn't checked yet counts as unhealthy, as in Envoy, once any of its cluster was: before that, nothing is known,
   * and the control plane's word stands.
   */
  unhealthy(): ReadonlySet<string> {
    const unhealthy = new Set(this.#detector?.ejected());
    const isAnyChecked = [...this.#checked.values()].some(({ isChecked }) => isChecked);
    for (const [key, checked] of this.#checked) if (isAnyChecked && !checked.isHealthy) unhealthy.add(key);
    return unhealthy;
  }

  mark(assignment: EndpointAssignment, unhealthy: ReadonlySet<string>): EndpointAssignment {
    const key = [...unhealthy].sort().join(" ");
    if (this.#marked?.of === assignment && this.#marked.key === key) return this.#marked.result;
    const markOne = (endpoint: Endpoint): Endpoint =>
      unhealthy.has(formatSocketAddress(endpoint.address)) ? { ...endpoint, health: "unhealthy" } : endpoint;
    const result = {
      ...assignment,
      localities: assignment.localities.map((one) => ({ ...one, endpoints: one.endpoints.map(markOne) })),
    };
    this.#marked = { of: assignment, key, result };
    return result;
  }

  withAssignment(cluster: Cluster, assignment: EndpointAssignment): Cluster {
    if (this.#derived?.of === cluster && this.#derived.assignment === assignment) return this.#derived.result;
    const result: Cluster = { ...cluster, discovery: { type: "static", assignment } };
    this.#derived = { of: cluster, assignment, result };
    return result;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    for (const checked of this.#checked.values()) checked[Symbol.dispose]();
  }

  async #sweep(detector: OutlierDetector, intervalMs: number): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stopped.signal.aborted) {
      await sleep(clock, intervalMs, this.#stopped.signal);
      detector.tick(clock.now());
      this.#noteEjections();
    }
  }

  /** successful_active_health_check_uneject_host, which is true where unset. */
  #pardon(endpoint: string): void {
    this.#detector?.pardon(endpoint, this.#options.clock.now());
    this.#noteEjections();
  }

  #noteEjections(): void {
    const ejected = [...(this.#detector?.ejected() ?? [])].sort().join(" ");
    if (ejected === this.#ejected) return;
    this.#ejected = ejected;
    this.#options.log.warn("endpoints ejected as outliers", { cluster: this.cluster.name, ejected });
    this.#onChange();
  }
}

interface CheckEvents {
  readonly onChange: () => void;
  readonly onPass: () => void;
}

/** One endpoint, checked by each of its cluster's checks until it is disposed. It is healthy where all of them say so. */
class CheckedEndpoint implements Disposable {
  readonly #states: readonly HealthState[];
  readonly #stopped = new AbortController();
  #checked = 0;

  constructor(address: SocketAddress, { name, healthChecks }: Cluster, options: HealthOptions, events: CheckEvents) {
    this.#states = healthChecks.map((check) => new HealthState(check));
    healthChecks.forEach((check, i) => {
      const state = this.#states[i];
      if (state !== undefined) void this.#follow(state, () => options.probe(address, name, check), options, events);
    });
  }

  get isChecked(): boolean {
    return this.#checked >= this.#states.length;
  }

  get isHealthy(): boolean {
    return this.#states.every(({ healthy }) => healthy);
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
  }

  async #follow(
    state: HealthState,
    probe: () => ReturnType<Probe>,
    { clock }: HealthOptions,
    { onChange, onPass }: CheckEvents,
  ): Promise<void> {
    const { signal } = this.#stopped;
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const result = await probe();
      if (signal.aborted) return;
      if (isFirst) this.#checked++;
      if (result === "pass") onPass();
      // The first result counts even where it changes nothing: it may be the last that was waited for.
      if (state.observe(result) || isFirst) onChange();
      // Whether an endpoint has traffic isn't known for connections that the kernel balances: all are checked as if they had.
      await sleep(clock, state.nextDelayMs(true), signal);
    }
  }
}
