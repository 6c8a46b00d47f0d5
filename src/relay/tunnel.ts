// A client's connection that doesn't speak HTTP/1: its bytes go to an endpoint of the clusters that are configured for such, and
// back, as they come.
import type { Socket } from "bun";
import { KernelError } from "../errors.ts";
import type { WeightedCluster } from "../model/route.ts";
import type { Client } from "./client.ts";
import type { ClusterState } from "./cluster.ts";
import type { Connecting, Connection } from "./connector.ts";
import type { Engine } from "./engine.ts";
import { Flow } from "./flow.ts";
import { IdleTimer, Timer } from "./timers.ts";

/** tcp_proxy's idle_timeout, where nothing else is said (envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy). */
const idleMs = 3_600_000;

export class PlainTunnel implements Connection {
  readonly #client: Client;
  readonly #cluster: ClusterState;
  readonly #flow = new Flow();
  readonly #timeout: Timer;
  readonly #idle: IdleTimer;
  #connecting: Connecting | undefined;
  #isClosed = false;
  #clientHasEnded = false;
  #endpointHasEnded = false;

  private constructor(engine: Engine, client: Client, cluster: ClusterState) {
    this.#client = client;
    this.#cluster = cluster;
    this.#timeout = new Timer(engine.timers, () => this.#fail());
    this.#idle = new IdleTimer(engine.timers, () => client.abort());
  }

  /** `first` is what has come already. Undefined: there is no endpoint. */
  static open(
    engine: Engine,
    client: Client,
    clusters: readonly WeightedCluster[],
    first: Buffer,
  ): PlainTunnel | undefined {
    const cluster = engine.state.cluster(chooseByWeight(clusters, engine.random()) ?? "");
    const target = cluster?.choose(undefined, client.original.destination);
    if (cluster === undefined || target === undefined) return undefined;
    const tunnel = new PlainTunnel(engine, client, cluster);
    tunnel.#flow.feeder = client.flow;
    tunnel.pass(first);
    tunnel.#timeout.start(cluster.cluster.connectTimeoutMs);
    try {
      tunnel.#connecting = engine.connector.open(target.address, tunnel);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      tunnel.#timeout.stop();
      cluster.counters.connectFailures++;
      return undefined;
    }
    cluster.counters.connections++;
    cluster.counters.activeConnections++;
    return tunnel;
  }

  /** From the client. */
  pass(bytes: Buffer): void {
    this.#idle.touch();
    this.#flow.write(bytes, 0, bytes.length, true);
  }

  clientEnded(): void {
    this.#clientHasEnded = true;
    this.#flow.end();
    this.#finishIfEnded();
  }

  /** The client is gone. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#connecting?.cancel();
    this.#flow.terminate();
    this.#gone();
  }

  opened(socket: Socket<unknown>): void {
    this.#timeout.stop();
    this.#connecting = undefined;
    this.#idle.start(idleMs);
    this.#flow.attach(socket);
    this.#flow.drain();
    this.#client.flow.feeder = this.#flow;
  }

  data(bytes: Buffer): void {
    this.#idle.touch();
    this.#client.flow.write(bytes, 0, bytes.length, true);
  }

  ended(): void {
    this.#endpointHasEnded = true;
    this.#client.flow.end();
    this.#finishIfEnded();
  }

  drained(): void {
    this.#flow.drain();
    this.#finishIfEnded();
  }

  closed(): void {
    this.#flow.closed();
    this.#fail();
  }

  /** Not before each side has been sent all: a reset could overtake the last bytes. */
  #finishIfEnded(): void {
    if (!this.#clientHasEnded || !this.#endpointHasEnded || this.#flow.queued > 0) return;
    this.#flow.close();
    this.#fail();
  }

  #fail(): void {
    if (this.#isClosed) return;
    const wasConnected = this.#connecting === undefined;
    if (!wasConnected) this.#cluster.counters.connectFailures++;
    this.#connecting?.cancel();
    this.#gone();
    if (this.#endpointHasEnded) this.#client.finish();
    else this.#client.abort();
  }

  #gone(): void {
    this.#isClosed = true;
    this.#timeout.stop();
    this.#idle.stop();
    this.#cluster.counters.activeConnections--;
  }
}

function chooseByWeight(clusters: readonly WeightedCluster[], random: number): string | undefined {
  let left = random * clusters.reduce((sum, { weight }) => sum + weight, 0);
  for (const { cluster, weight } of clusters) {
    if (left < weight) return cluster;
    left -= weight;
  }
  return undefined;
}
