// A cluster as a worker has it: which endpoint a request goes to, and the pools of connections to each. Changes apply to the next
// request; connections to endpoints that have gone end with the request that they have.
import { type Balance, balance } from "../compile/balance.ts";
import { formatSocketAddress, type SocketAddress } from "../ip.ts";
import type { Cluster, RequestLimits } from "../model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../model/endpoint.ts";
import { Balancer } from "./balancer.ts";
import { Pool, type PoolTools } from "./pool.ts";
import type { RelayCluster } from "./protocol.ts";
import { Counter, type Priority, type Shared, type Usage } from "./shared.ts";
import type { ClusterCounters } from "./stats.ts";

/** Where a request is sent: an endpoint's address with the name that its host field may be given. */
export interface Target {
  readonly address: SocketAddress;
  readonly hostname: string;
}

export interface ClusterTools extends PoolTools {
  readonly shared: Shared;
}

const noEndpoints: EndpointAssignment = { name: "", overprovisioningPercent: 140, localities: [] };

export class ClusterState {
  readonly counters: ClusterCounters;
  readonly #tools: ClusterTools;
  /** By address and priority. */
  readonly #pools = new Map<string, Pool>();
  /** The same, for who has the endpoint at hand. */
  #poolOf: Readonly<Record<Priority, Map<Target, Pool>>> = { default: new Map(), high: new Map() };
  readonly #usage: Readonly<Record<Priority, Usage>>;
  #current: RelayCluster;
  #balancer: Balancer;
  #byAddress: ReadonlyMap<string, Endpoint>;
  #isGone = false;

  constructor(current: RelayCluster, counters: ClusterCounters, tools: ClusterTools) {
    this.#current = current;
    this.counters = counters;
    this.#tools = tools;
    this.#usage = {
      default: tools.shared.usage(current.row, "default"),
      high: tools.shared.usage(current.row, "high"),
    };
    this.#balancer = this.#balance();
    this.#byAddress = endpointsByAddress(current);
  }

  get cluster(): Cluster {
    return this.#current.cluster;
  }

  get isOriginalDestination(): boolean {
    return this.cluster.discovery.type === "original_dst";
  }

  update(next: RelayCluster): void {
    this.#current = next;
    this.#balancer = this.#balance();
    this.#byAddress = endpointsByAddress(next);
    this.#poolOf = { default: new Map(), high: new Map() };
    if (this.isOriginalDestination) return;
    for (const [key, pool] of [...this.#pools]) {
      if (this.#byAddress.has(formatSocketAddress(pool.address))) continue;
      this.#pools.delete(key);
      pool.drain();
    }
  }

  /** The cluster is gone. */
  drain(): void {
    this.#isGone = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    for (const pool of pools) pool.drain();
  }

  /** Undefined: there is no endpoint for it. */
  choose(hash: bigint | undefined, original: SocketAddress): Target | undefined {
    if (this.isOriginalDestination) return { address: original, hostname: "" };
    return this.#balancer.pick(hash);
  }

  /** An endpoint that a session names, unless it may not be used. */
  endpointAt(address: SocketAddress): Target | undefined {
    const endpoint = this.#byAddress.get(formatSocketAddress(address));
    return endpoint?.health === "unhealthy" ? undefined : endpoint;
  }

  pool(target: Target, priority: Priority): Pool {
    const known = this.#poolOf[priority].get(target);
    if (known !== undefined) return known;
    const pool = this.#poolAt(target.address, priority);
    if (!this.isOriginalDestination) this.#poolOf[priority].set(target, pool);
    return pool;
  }

  #poolAt(address: SocketAddress, priority: Priority): Pool {
    const key = `${formatSocketAddress(address)} ${priority}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool: Pool = new Pool(
      address,
      () => ({
        cluster: this.cluster,
        limits: this.cluster.limits[priority],
        usage: this.#usage[priority],
        counters: this.counters,
      }),
      this.#tools,
      () => {
        // One that was drained has left already.
        if (this.isOriginalDestination && this.#pools.get(key) === pool) this.#pools.delete(key);
      },
    );
    this.#pools.set(key, pool);
    // A retry of a request that the cluster still had: its connection isn't kept.
    if (this.#isGone) pool.drain();
    return pool;
  }

  /** Whether the circuit breaker lets one more retry begin; then `endRetry` is owed. */
  beginRetry(priority: Priority): boolean {
    const usage = this.#usage[priority];
    const isAllowed = usage.total(Counter.retries) < retryLimit(this.cluster.limits[priority], usage);
    if (isAllowed) usage.add(Counter.retries, 1);
    else this.counters.retryOverflows++;
    return isAllowed;
  }

  endRetry(priority: Priority): void {
    this.#usage[priority].add(Counter.retries, -1);
  }

  #balance(): Balancer {
    const { cluster, assignment } = this.#current;
    const table: Balance = balance(cluster, assignment ?? noEndpoints, () => true);
    return new Balancer(table, (endpoint) => this.#activeOf(endpoint));
  }

  #activeOf(endpoint: Endpoint): number {
    return (this.#poolOf.default.get(endpoint)?.active ?? 0) + (this.#poolOf.high.get(endpoint)?.active ?? 0);
  }
}

/** A budget is a share of what is under way (source/common/upstream/resource_manager_impl.h). */
function retryLimit({ retries, retryBudget }: RequestLimits, usage: Usage): number {
  if (retryBudget === undefined) return retries;
  const underWay = usage.total(Counter.requests) + usage.total(Counter.pending);
  return Math.max(retryBudget.minimum, Math.floor((underWay * retryBudget.percent) / 100));
}

function endpointsByAddress({ assignment }: RelayCluster): ReadonlyMap<string, Endpoint> {
  const endpoints = (assignment?.localities ?? []).flatMap(({ endpoints }) => endpoints);
  return new Map(endpoints.map((endpoint) => [formatSocketAddress(endpoint.address), endpoint]));
}
