// The connections to one endpoint for one priority: idle ones are used again, the latest first; requests that find none wait in
// turn. Counts and limits are Envoy's (source/common/conn_pool/conn_pool_base.cc).
import { KernelError } from "../errors.ts";
import type { SocketAddress } from "../ip.ts";
import type { Cluster, RequestLimits } from "../model/cluster.ts";
import type { Connecting, Connector } from "./connector.ts";
import { Counter, type Usage } from "./shared.ts";
import type { ClusterCounters } from "./stats.ts";
import { Timer, type Timers } from "./timers.ts";
import { type ResetReason, Upstream, type UpstreamOwner, type UpstreamUser } from "./upstream.ts";

/** What a pool takes from its cluster, as it is at that moment. */
export interface PoolSettings {
  readonly cluster: Cluster;
  readonly limits: RequestLimits;
  readonly usage: Usage;
  readonly counters: ClusterCounters;
}

export interface PoolTools {
  readonly timers: Timers;
  readonly connector: Connector;
}

/** A request that waits for a connection. */
interface Waiting {
  readonly user: UpstreamUser;
  readonly method: string;
  readonly mayTunnel: boolean;
}

/** Beside each connection. */
interface Entry {
  connecting: Connecting | undefined;
  readonly timer: Timer;
  /** Set only where the cluster limits how long a connection lasts. */
  readonly lifetime: Timer | undefined;
  state: "connecting" | "idle" | "busy";
  timedOut: boolean;
  isLast: boolean;
}

export class Pool implements UpstreamOwner {
  readonly address: SocketAddress;
  readonly #settings: () => PoolSettings;
  readonly #tools: PoolTools;
  readonly #onEmpty: () => void;
  readonly #entries = new Map<Upstream, Entry>();
  readonly #idle: Upstream[] = [];
  #waiting: Waiting[] = [];
  #connecting = 0;
  #isDraining = false;
  /** Requests that have a connection. */
  active = 0;

  /** `onEmpty`: nothing is left here. */
  constructor(address: SocketAddress, settings: () => PoolSettings, tools: PoolTools, onEmpty: () => void) {
    this.address = address;
    this.#settings = settings;
    this.#tools = tools;
    this.#onEmpty = onEmpty;
  }

  /** The user hears of it, perhaps before this returns. `isFresh`: only a connection that has had no request will do. */
  request(user: UpstreamUser, method: string, mayTunnel: boolean, isFresh: boolean): void {
    const waiting = { user, method, mayTunnel };
    const idle = isFresh ? undefined : this.#idle.pop();
    if (idle !== undefined) {
      if (this.#attach(idle, waiting)) return;
      this.#idle.push(idle);
      this.#overflow(user);
      return;
    }
    const { usage, limits } = this.#settings();
    if (usage.total(Counter.pending) >= limits.pendingRequests) {
      this.#overflow(user);
      return;
    }
    usage.add(Counter.pending, 1);
    this.#waiting.push(waiting);
    this.#connectMore();
  }

  /** A request that waits no longer. */
  cancel(user: UpstreamUser): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((waiting) => waiting.user !== user);
    if (this.#waiting.length < before) this.#settings().usage.add(Counter.pending, -1);
  }

  /** Each connection ends with the request that it has. */
  drain(): void {
    this.#isDraining = true;
    for (const upstream of [...this.#idle]) upstream.close();
    for (const entry of this.#entries.values()) entry.isLast = true;
    this.#checkEmpty();
  }

  onConnected(upstream: Upstream): void {
    const entry = this.#entries.get(upstream);
    if (entry === undefined) return;
    this.#connecting--;
    entry.connecting = undefined;
    entry.timer.stop();
    const { maxConnectionMs } = this.#settings().cluster.http;
    if (maxConnectionMs > 0) entry.lifetime?.start(maxConnectionMs);
    this.#serve(upstream, entry);
  }

  onIdle(upstream: Upstream): void {
    this.#release();
    const entry = this.#entries.get(upstream);
    if (entry === undefined) return;
    entry.state = "idle";
    if (entry.isLast) upstream.close();
    else this.#serve(upstream, entry);
  }

  onClosed(upstream: Upstream, wasConnected: boolean): void {
    const entry = this.#entries.get(upstream);
    if (entry === undefined) return;
    this.#entries.delete(upstream);
    entry.timer.stop();
    entry.lifetime?.stop();
    const { usage, counters } = this.#settings();
    usage.add(Counter.connections, -1);
    counters.activeConnections--;
    const at = this.#idle.indexOf(upstream);
    if (at >= 0) this.#idle.splice(at, 1);
    if (entry.state === "busy") this.#release();
    if (!wasConnected) this.#failed(entry.timedOut ? "connection timeout" : "remote connection failure");
    else if (this.#waiting.length > 0) this.#connectMore();
    this.#checkEmpty();
  }

  #release(): void {
    this.active--;
    const { usage, counters } = this.#settings();
    usage.add(Counter.requests, -1);
    counters.activeRequests--;
  }

  #serve(upstream: Upstream, entry: Entry): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#settings().usage.add(Counter.pending, -1);
      if (this.#attach(upstream, next)) return;
      this.#overflow(next.user);
    }
    if (this.#isDraining) {
      upstream.close();
      return;
    }
    this.#rest(upstream, entry);
  }

  #rest(upstream: Upstream, entry: Entry): void {
    entry.state = "idle";
    this.#idle.push(upstream);
    const { idleTimeoutMs } = this.#settings().cluster.http;
    if (idleTimeoutMs > 0) entry.timer.start(idleTimeoutMs);
  }

  /** False: the circuit breaker doesn't let another request begin. */
  #attach(upstream: Upstream, { user, method, mayTunnel }: Waiting): boolean {
    const entry = this.#entries.get(upstream);
    const { usage, limits, counters, cluster } = this.#settings();
    if (entry === undefined || usage.total(Counter.requests) >= limits.requests) return false;
    entry.timer.stop();
    entry.state = "busy";
    this.active++;
    usage.add(Counter.requests, 1);
    counters.requests++;
    counters.activeRequests++;
    upstream.begin(user, method, mayTunnel);
    const { maxRequestsPerConnection } = cluster.http;
    if (maxRequestsPerConnection > 0 && upstream.requests >= maxRequestsPerConnection) entry.isLast = true;
    user.onReady(upstream);
    return true;
  }

  /** One connection for each request that waits, as far as the limit lets; where there is none at all, one in any case. */
  #connectMore(): void {
    while (this.#waiting.length > this.#connecting) {
      const { usage, limits, counters } = this.#settings();
      const isWithinLimit = usage.total(Counter.connections) < limits.connections;
      if (!isWithinLimit) counters.overflows++;
      if (!isWithinLimit && this.#entries.size > 0) return;
      this.#connect();
    }
  }

  #connect(): void {
    const { usage, counters, cluster } = this.#settings();
    const upstream = new Upstream(this);
    const entry: Entry = {
      connecting: undefined,
      timer: new Timer(this.#tools.timers, () => this.#timeOut(upstream, entry)),
      lifetime:
        cluster.http.maxConnectionMs > 0 ? new Timer(this.#tools.timers, () => this.#age(upstream, entry)) : undefined,
      state: "connecting",
      timedOut: false,
      isLast: this.#isDraining,
    };
    this.#entries.set(upstream, entry);
    this.#connecting++;
    usage.add(Counter.connections, 1);
    counters.connections++;
    counters.activeConnections++;
    entry.timer.start(cluster.connectTimeoutMs);
    try {
      entry.connecting = this.#tools.connector.open(this.address, upstream);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      upstream.close();
    }
  }

  #timeOut(upstream: Upstream, entry: Entry): void {
    if (entry.state === "connecting") {
      entry.timedOut = true;
      entry.connecting?.cancel();
    }
    upstream.close();
  }

  #age(upstream: Upstream, entry: Entry): void {
    entry.isLast = true;
    if (entry.state === "idle") upstream.close();
  }

  /** Whoever waits is told, and may try elsewhere: waiting for another attempt here would only be longer. */
  #failed(reason: ResetReason): void {
    this.#connecting--;
    const { usage, counters } = this.#settings();
    counters.connectFailures++;
    const purged = this.#waiting;
    this.#waiting = [];
    // Counted first: what one of them throws must leave nothing behind.
    for (let i = 0; i < purged.length; i++) usage.add(Counter.pending, -1);
    for (const { user } of purged) user.onUnavailable(reason);
  }

  #overflow(user: UpstreamUser): void {
    this.#settings().counters.overflows++;
    user.onUnavailable("overflow");
  }

  #checkEmpty(): void {
    if (this.#entries.size === 0 && this.#waiting.length === 0) this.#onEmpty();
  }
}
