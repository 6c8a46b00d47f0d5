// Snapshot → Image. Pure but for what it remembers: ids, rows of the arena, and the body of every resource that did not change, so
// that one changed endpoint costs one cluster. A Compiler that failed to commit is thrown away and made anew from the kernel's state.
import { MeshError } from "../errors.ts";
import { slot } from "../layout/mesh.gen.ts";
import type { Cluster } from "../model/cluster.ts";
import type { EndpointAssignment } from "../model/endpoint.ts";
import type { Listener } from "../model/listener.ts";
import type { RouteConfiguration } from "../model/route.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type Balance, balance } from "./balance.ts";
import { compileCluster, dispositionOf } from "./cluster.ts";
import type { Disposition } from "./disposition.ts";
import type { ClusterBody, Image, ListenerBody, Table } from "./image.ts";
import { Arena, Interner } from "./intern.ts";
import { compileListener } from "./listener.ts";
import { type Placement, placements } from "./placement.ts";
import { type RelayChains, reachableClusters, relayChains } from "./relay-chains.ts";

export interface CompiledCluster {
  readonly cluster: Cluster;
  readonly assignment: EndpointAssignment | undefined;
  readonly disposition: Disposition;
  /** Undefined for ORIGINAL_DST: nothing to choose from. */
  readonly balance: Balance | undefined;
  readonly body: ClusterBody | undefined;
}

export interface CompiledListener {
  readonly listener: Listener;
  /** Without those that another listener has: see Compiled.conflicts. */
  readonly placements: readonly Placement[];
  readonly body: ListenerBody;
  /** Its chains that the relay has to know. */
  readonly relayed: RelayChains;
}

export interface Compiled {
  readonly image: Image;
  readonly clusters: ReadonlyMap<string, CompiledCluster>;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  /** What goes to the relay. A chain that did not change is the same object. */
  readonly relayed: RelayChains;
  /** The clusters that relayed requests can reach. */
  readonly relayedClusters: ReadonlySet<string>;
  /** Destinations that two listeners claim: the loser, in words. */
  readonly conflicts: readonly string[];
}

/** What is no longer used once a commit has removed it. */
export interface Freed {
  readonly clusters: readonly number[];
  readonly endpoints: readonly number[];
  readonly listeners: readonly number[];
  /** First rows of tables. */
  readonly tables: readonly number[];
}

/** What an earlier run left in the kernel. */
export interface Restored {
  readonly image: Image;
  /** Name digest → id. */
  readonly clusterIds: ReadonlyMap<string, number>;
  readonly listenerIds: ReadonlyMap<string, number>;
  /** endpointKey → id. */
  readonly endpointIds: ReadonlyMap<string, number>;
  /** Ids of what is gone but for connections that still count: not to be given to others. */
  readonly draining: { readonly clusters: readonly number[]; readonly endpoints: readonly number[] };
}

export const nothingRestored: Restored = {
  image: { clusters: new Map(), listeners: new Map() },
  clusterIds: new Map(),
  listenerIds: new Map(),
  endpointIds: new Map(),
  draining: { clusters: [], endpoints: [] },
};

/** The clusters of the last snapshot. */
interface Clusters {
  readonly compiled: ReadonlyMap<string, CompiledCluster>;
  /** By id. */
  readonly bodies: ReadonlyMap<number, ClusterBody>;
}

/** The listeners of the last snapshot, each destination with one owner. */
interface Listeners {
  readonly source: Pick<Snapshot, "listener" | "route">;
  readonly memo: ReadonlyMap<string, ListenerMemo>;
  readonly resolved: Resolved;
  /** By id. */
  readonly bodies: ReadonlyMap<number, ListenerBody>;
  readonly relayed: RelayChains;
  readonly reachable: ReadonlySet<string> | "all";
}

interface Resolved {
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly conflicts: readonly string[];
}

interface ListenerMemo {
  readonly listener: Listener;
  readonly routes: readonly (RouteConfiguration | undefined)[];
  /** Cluster name → what it meant to the listener. */
  readonly dependencies: ReadonlyMap<string, string>;
  readonly compiled: CompiledListener;
  readonly rowKeys: readonly string[];
}

export class Compiler {
  readonly digest: (name: string) => string;
  readonly trustVip: boolean;
  readonly isRelayed: boolean;
  readonly #clusterIds = new Interner();
  readonly #listenerIds = new Interner();
  readonly #endpointIds = new Interner();
  readonly #arena: Arena;
  /** Until the first commit: tables that stand in the kernel already are found here. */
  #restored: Restored;
  #clusters: Clusters = { compiled: new Map(), bodies: new Map() };
  #listeners: Listeners | undefined;

  /**
   * `slotCapacity`: rows of the slots map. `digest`: of a resource's name, as the ids map keeps it, in hex. `isRelayed`: false where
   * the configuration allows no relay.
   */
  constructor(
    slotCapacity: number,
    digest: (name: string) => string,
    trustVip: boolean,
    restored: Restored = nothingRestored,
    isRelayed = true,
  ) {
    this.digest = digest;
    this.trustVip = trustVip;
    this.isRelayed = isRelayed;
    this.#arena = new Arena(slotCapacity);
    this.#restored = restored;
    for (const [digestOfName, id] of restored.clusterIds) this.#clusterIds.claim(digestOfName, id);
    for (const [digestOfName, id] of restored.listenerIds) this.#listenerIds.claim(digestOfName, id);
    for (const [key, id] of restored.endpointIds) this.#endpointIds.claim(key, id);
    for (const id of restored.draining.clusters) this.#clusterIds.claim(`draining ${id}`, id);
    for (const id of restored.draining.endpoints) this.#endpointIds.claim(`draining ${id}`, id);
    for (const table of tablesOf(restored.image)) this.#arena.claim(table.first, rowCount(table.rows));
  }

  /** Throws MeshError "capacity" where the arena is too small; nothing that was compiled before is lost. */
  compile(snapshot: Snapshot): Compiled {
    const before = this.#clusters.compiled;
    this.#clusters = this.#compileClusters(snapshot, this.#clusters);
    const { compiled: clusters, bodies } = this.#clusters;
    this.#listeners = this.#compileListeners(snapshot, before);
    const { relayed, reachable, resolved } = this.#listeners;
    const image = { clusters: bodies, listeners: this.#listeners.bodies };
    const relayedClusters = reachable === "all" ? new Set(clusters.keys()) : reachable;
    return { image, clusters, ...resolved, relayed, relayedClusters };
  }

  /** After a commit has removed these from the kernel and no program can still see them. */
  release(freed: Freed): void {
    this.#restored = nothingRestored;
    for (const id of freed.clusters) this.#clusterIds.free(id);
    for (const id of freed.endpoints) this.#endpointIds.free(id);
    for (const id of freed.listeners) this.#listenerIds.free(id);
    for (const first of freed.tables) this.#arena.free(first);
  }

  /** The slots map turned out to have this many rows, enough for all that was compiled. */
  limitSlots(capacity: number): void {
    this.#arena.shrink(capacity);
  }

  get slotsUsed(): number {
    return this.#arena.used;
  }

  /** The same object where nothing changed; otherwise copies of its maps with the changes. */
  #compileClusters(snapshot: Snapshot, before: Clusters): Clusters {
    const changed = new Map<string, CompiledCluster>();
    for (const [name, cluster] of snapshot.cluster) {
      const assignment = assignmentOf(cluster, snapshot);
      const known = before.compiled.get(name);
      if (known?.cluster === cluster && known.assignment === assignment) continue;
      changed.set(name, this.#compileCluster(cluster, assignment, known?.body));
    }
    const removed = [...before.compiled.keys()].filter((name) => !snapshot.cluster.has(name));
    if (changed.size === 0 && removed.length === 0) return before;
    const compiled = new Map(before.compiled);
    const bodies = new Map(before.bodies);
    for (const name of [...removed, ...changed.keys()]) bodies.delete(compiled.get(name)?.body?.id ?? 0);
    for (const name of removed) compiled.delete(name);
    for (const [name, cluster] of changed) {
      compiled.set(name, cluster);
      if (cluster.body !== undefined) bodies.set(cluster.body.id, cluster.body);
    }
    return { compiled, bodies };
  }

  #compileCluster(
    cluster: Cluster,
    assignment: EndpointAssignment | undefined,
    before: ClusterBody | undefined,
  ): CompiledCluster {
    const disposition = dispositionOf(cluster, assignment);
    if (disposition.type === "native") return { cluster, assignment, disposition, balance: undefined, body: undefined };
    const id = this.#clusterIds.id(this.digest(cluster.name));
    const present = before ?? this.#restored.image.clusters.get(id);
    const balanced = balance(
      cluster,
      assignment ?? { name: cluster.name, overprovisioningPercent: 140, localities: [] },
      () => true,
    );
    const body = compileCluster(id, Uint8Array.fromHex(this.digest(cluster.name)), cluster, balanced, {
      endpointId: (key) => this.#endpointIds.id(key),
      place: (rows) => this.#place(rows, present === undefined ? [] : [present.table], `cluster ${cluster.name}`),
    });
    return { cluster, assignment, disposition, balance: balanced, body };
  }

  /** `clustersBefore`: where no cluster means something else now, unchanged listeners needn't be looked at. */
  #compileListeners(snapshot: Snapshot, clustersBefore: ReadonlyMap<string, CompiledCluster>): Listeners {
    const last = this.#listeners;
    const clusters = this.#clusters.compiled;
    const isUntouched = last?.source.listener === snapshot.listener && last.source.route === snapshot.route;
    if (last !== undefined && isUntouched && isSameMeaning(clustersBefore, clusters)) return last;
    const memo = new Map<string, ListenerMemo>();
    for (const [name, listener] of snapshot.listener) {
      const known = last?.memo.get(name);
      const isSame = known?.listener === listener && isCurrent(known, snapshot, clusters);
      memo.set(name, isSame ? known : this.#compileListener(listener, snapshot, clusters, known));
    }
    const resolved = resolveConflicts(memo);
    const bodies = new Map([...resolved.listeners.values()].map(({ body }) => [body.id, body]));
    const relayed = new Map([...resolved.listeners.values()].flatMap((compiled) => [...compiled.relayed]));
    return { source: snapshot, memo, resolved, bodies, relayed, reachable: reachableClusters(relayed.values()) };
  }

  #compileListener(
    listener: Listener,
    snapshot: Snapshot,
    clusters: ReadonlyMap<string, CompiledCluster>,
    before: ListenerMemo | undefined,
  ): ListenerMemo {
    const dependencies = new Map<string, string>();
    const placed = placements({
      listener,
      routes: snapshot.route,
      trustVip: this.trustVip,
      isRelayed: this.isRelayed,
      disposition: (name) => {
        const disposition = clusters.get(name)?.disposition ?? dispositionOf(undefined, undefined);
        dependencies.set(name, dependencyOf(clusters.get(name)));
        return disposition;
      },
    });
    const id = this.#listenerIds.id(this.digest(listener.name));
    const present = before?.compiled.body ?? this.#restored.image.listeners.get(id);
    const tables = present?.rows.flatMap(({ table }) => table ?? []) ?? [];
    const rows = compileListener(id, placed, {
      clusterId: (name) => clusters.get(name)?.body?.id ?? 0,
      place: (bytes) => this.#place(bytes, tables, `listener ${listener.name}`),
    });
    return {
      listener,
      routes: routesOf(listener, snapshot),
      dependencies,
      compiled: {
        listener,
        placements: placed,
        body: { id, digest: Uint8Array.fromHex(this.digest(listener.name)), rows },
        relayed: relayChains(id, listener, placed, before?.compiled.relayed),
      },
      rowKeys: rows.map(({ map, key }) => `${map} ${String.fromCharCode(...key)}`),
    };
  }

  /** Rows that stand in the arena already stay where they are: a restart, or a change elsewhere, writes nothing. */
  #place(rows: Uint8Array, present: readonly Table[], owner: string): Table {
    const same = present.find((table) => equalBytes(table.rows, rows));
    if (same !== undefined) return same;
    const first = this.#arena.allocate(rowCount(rows));
    if (first === undefined) {
      throw new MeshError(
        "capacity",
        `place ${owner}: its table needs ${rowCount(rows)} rows, and slots has no such room (${this.#arena.used} of ${this.#arena.capacity} in use); restart the agent to size the maps anew`,
      );
    }
    return { first, rows };
  }
}

function rowCount(rows: Uint8Array): number {
  return rows.length / slot.size;
}

function assignmentOf({ discovery }: Cluster, snapshot: Snapshot): EndpointAssignment | undefined {
  switch (discovery.type) {
    case "static":
      return discovery.assignment;
    case "eds":
      return snapshot.endpoint.get(discovery.serviceName);
    case "original_dst":
      return undefined;
    default:
      return discovery satisfies never;
  }
}

function dependencyOf(cluster: CompiledCluster | undefined): string {
  if (cluster === undefined) return "unknown";
  const { disposition } = cluster;
  if (disposition.type === "unsupported") return disposition.reason;
  const needs = disposition.needs.map(({ path }) => path);
  return [disposition.type, cluster.body?.id, ...needs].join(" ");
}

function isSameMeaning(
  before: ReadonlyMap<string, CompiledCluster>,
  after: ReadonlyMap<string, CompiledCluster>,
): boolean {
  if (before === after) return true;
  if (before.size !== after.size) return false;
  for (const [name, cluster] of after) {
    const old = before.get(name);
    if (old !== cluster && dependencyOf(old) !== dependencyOf(cluster)) return false;
  }
  return true;
}

function routesOf(listener: Listener, snapshot: Snapshot): (RouteConfiguration | undefined)[] {
  const chains =
    listener.defaultFilterChain === undefined
      ? listener.filterChains
      : [...listener.filterChains, listener.defaultFilterChain];
  return chains.map(({ filter }) =>
    filter.type === "http_connection_manager" && filter.routes.source === "rds"
      ? snapshot.route.get(filter.routes.name)
      : undefined,
  );
}

function isCurrent(memo: ListenerMemo, snapshot: Snapshot, clusters: ReadonlyMap<string, CompiledCluster>): boolean {
  for (const [name, meaning] of memo.dependencies) if (dependencyOf(clusters.get(name)) !== meaning) return false;
  const routes = routesOf(memo.listener, snapshot);
  return routes.every((route, i) => route === memo.routes[i]);
}

/**
 * Two listeners for one destination: an exact address wins over a virtual host's claim on a wildcard listener (Envoy takes the
 * most specific listener), then the name that sorts first.
 */
function resolveConflicts(memo: ReadonlyMap<string, ListenerMemo>): Resolved {
  const listeners = new Map([...memo].map(([name, { compiled }]) => [name, compiled]));
  const owners = new Map<string, string>();
  const conflicts: string[] = [];
  const inOrder = [...memo.keys()].sort((a, b) => rank(listeners.get(a)) - rank(listeners.get(b)) || (a < b ? -1 : 1));
  for (const name of inOrder) {
    const compiled = listeners.get(name);
    const keys = memo.get(name)?.rowKeys ?? [];
    const lost = keys.filter((key) => owners.has(key) && owners.get(key) !== name);
    for (const key of keys) if (!owners.has(key)) owners.set(key, name);
    if (compiled === undefined || lost.length === 0) continue;
    conflicts.push(
      ...lost.map(
        (key) => `listener ${name}: ${lost.length} of its destinations belong to listener ${owners.get(key)}`,
      ),
    );
    // Rows and placements are parallel.
    const isKept = (_: unknown, i: number): boolean => owners.get(keys[i] ?? "") === name;
    const rows = compiled.body.rows.filter(isKept);
    const placements = compiled.placements.filter(isKept);
    const relayed = relayChains(compiled.body.id, compiled.listener, placements, compiled.relayed);
    listeners.set(name, { ...compiled, placements, body: { ...compiled.body, rows }, relayed });
  }
  return { listeners, conflicts: [...new Set(conflicts)] };
}

function rank(compiled: CompiledListener | undefined): number {
  return compiled?.placements.some(({ isExact }) => !isExact) === true ? 1 : 0;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function* tablesOf(image: Image): Generator<Table> {
  for (const { table } of image.clusters.values()) yield table;
  for (const { rows } of image.listeners.values()) for (const { table } of rows) if (table !== undefined) yield table;
}
