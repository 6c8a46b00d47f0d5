// A relay without the kernel's part: it listens where a mesh file's listeners are, so that the address that a connection was accepted
// at is the one that it was opened to.
import { systemClock } from "../../src/clock.ts";
import { formatSocketAddress } from "../../src/ip.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { Listener } from "../../src/model/listener.ts";
import type { WeightedCluster } from "../../src/model/route.ts";
import type { ChainKey, EndpointResult, RelayChain, RelayCluster, RelayStats } from "../../src/relay/protocol.ts";
import { Relay } from "../../src/relay/relay.ts";
import { Shared } from "../../src/relay/shared.ts";
import { parseMeshFile } from "../../src/source/mesh-file.ts";
import { waitFor } from "./wait.ts";

export interface RelayMesh {
  readonly listeners: readonly Listener[];
  readonly clusters: readonly Cluster[];
}

/** Of a mesh file's text. Throws where anything of it is rejected. */
export function meshOf(text: string): RelayMesh {
  const { snapshot, rejections } = parseMeshFile(text, "mesh.yaml");
  const [first] = rejections;
  if (first !== undefined) throw new Error(`${first.path}: ${first.reason}`);
  return { listeners: [...snapshot.listener.values()], clusters: [...snapshot.cluster.values()] };
}

export class TestRelay implements AsyncDisposable {
  readonly results: EndpointResult[] = [];
  readonly log: string[] = [];
  readonly #relay: Relay;
  readonly #keys = new Map<string, ChainKey>();
  #chains = new Map<ChainKey, RelayChain>();
  #clusters = new Map<string, RelayCluster>();
  #generation = 0;

  constructor(mesh: RelayMesh, shared = Shared.local()) {
    this.#relay = new Relay({
      clock: systemClock,
      origins: {
        take: (_, local) => {
          const destination = local();
          const key = this.#keys.get(formatSocketAddress(destination));
          return key && { key, destination };
        },
      },
      exempt: () => {},
      shared,
      onResults: (results) => this.results.push(...results),
      log: (text) => this.log.push(text),
    });
    this.apply(mesh);
    for (const { address } of mesh.listeners) this.#relay.listen(address, () => {});
  }

  /** From the next request on; listeners stay where they were. */
  apply({ listeners, clusters }: RelayMesh): void {
    const chains = new Map<ChainKey, RelayChain>();
    listeners.forEach((listener, i) => {
      const chain = chainOf(listener);
      if (chain === undefined) return;
      const key: ChainKey = `${i + 1}/0`;
      this.#keys.set(formatSocketAddress(listener.address), key);
      chains.set(key, chain);
    });
    const relayed = new Map(clusters.map((cluster, row) => [cluster.name, relayCluster(cluster, row)]));
    this.#relay.apply({
      type: "update",
      generation: ++this.#generation,
      chains: new Map([...[...this.#chains.keys()].map((key) => [key, undefined] as const), ...chains]),
      clusters: new Map([...[...this.#clusters.keys()].map((name) => [name, undefined] as const), ...relayed]),
    });
    this.#chains = chains;
    this.#clusters = relayed;
  }

  stats(): RelayStats {
    return this.#relay.stats();
  }

  get connections(): number {
    return this.#relay.connections;
  }

  /** The connections that are open end with their requests; resolves when none is left. */
  async drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#relay.drain(resolve);
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.drain(() => {});
    this.#relay.abort();
    await waitFor("the relay's last connection to end", () => this.#relay.connections === 0);
  }
}

function chainOf({ name, filterChains, defaultFilterChain }: Listener): RelayChain | undefined {
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
  let http: RelayChain | undefined;
  let plain: readonly WeightedCluster[] | undefined;
  for (const { name: chain, filter } of chains) {
    if (filter.type === "tcp_proxy") plain = filter.clusters;
    else if (filter.routes.source === "inline") {
      http ??= { listener: name, chain, http: filter, configuration: filter.routes.configuration, plain: undefined };
    }
  }
  return http && { ...http, plain };
}

function relayCluster(cluster: Cluster, row: number): RelayCluster {
  const { discovery } = cluster;
  return { cluster, row, assignment: discovery.type === "static" ? discovery.assignment : undefined };
}
