// The kernel side of the mesh: programs, maps, links and pins. Opening adopts what an earlier run left; a commit writes the
// difference between what the kernel holds and an Image; closing leaves everything in place, so that traffic stays governed.
import { type Freed, nothingRestored, type Restored } from "../compile/compile.ts";
import { emptyImage, type Image } from "../compile/image.ts";
import { MeshError } from "../errors.ts";
import type { SocketAddress } from "../ip.ts";
import type { MapDefinition } from "../layout/codec.ts";
import { maps as layouts, programs, type Settings } from "../layout/mesh.gen.ts";
import type { BpfMap } from "../libbpf/map.ts";
import { BpfObject } from "../libbpf/object.ts";
import { synchronizeRcu } from "../libbpf/syscalls.ts";
import type { Cgroup } from "../workload/cgroup.ts";
import {
  type Attached,
  attach,
  detach,
  isAttached,
  isDefunct,
  type ProgramName,
  type Programs,
  pinnedCgroups,
  stopGoverning,
} from "./attachment.ts";
import type { Batch } from "./batches.ts";
import { type Capacity, capacityFor, requireRoom, type SizedMap, usage } from "./capacity.ts";
import { Draining } from "./draining.ts";
import { type Features, probeFeatures } from "./features.ts";
import { type DataplaneMaps, mainKey, mapNames, openPinnedMaps, pinMaps, removeOtherLayouts } from "./maps.ts";
import { preparePins, removeAll } from "./pins.ts";
import { relaySettings, sweepRelayed } from "./relayed.ts";
import { removeOrphans, restore } from "./restore.ts";
import { diff, rootMaps } from "./transaction.ts";

export interface DataplaneOptions {
  /** The linked BPF object. */
  readonly object: Uint8Array;
  /** In a bpf file system; its parent is mounted as one where it isn't. */
  readonly pinDirectory: string;
  /** What the configuration needs; the maps are made larger. Pinned maps that are large enough are kept. */
  readonly need: Capacity;
}

export interface CommitResult {
  readonly puts: number;
  readonly deletes: number;
  readonly freed: Freed;
}

/** Where the kernel can't tell when a grace period is over, programs that run for microseconds get this long. */
const graceMs = 100;

export class Dataplane {
  readonly features: Features;
  readonly capacity: Capacity;
  /** What was found in the kernel at start; nothing where the maps are new. */
  readonly restored: Restored;
  /** The maps are an earlier run's. */
  readonly isAdopted: boolean;
  readonly #pinDirectory: string;
  readonly #maps: DataplaneMaps;
  readonly #programs: Programs;
  /** The Image that was committed last; undefined after a failure, until it is read back. */
  #have: Image | undefined;
  #draining: Draining;
  /** Counted when it is asked for: an update that adds no entry needn't know. */
  #used: Capacity | undefined;
  #isPinned: boolean;

  private constructor(
    features: Features,
    maps: DataplaneMaps,
    programs: Programs,
    pinDirectory: string,
    isPinned: boolean,
  ) {
    this.features = features;
    this.#maps = maps;
    this.#programs = programs;
    this.#pinDirectory = pinDirectory;
    this.#isPinned = isPinned;
    this.isAdopted = isPinned;
    this.capacity = capacityOf(maps);
    this.restored = isPinned ? restore(maps) : nothingRestored;
    if (isPinned) removeOrphans(maps, this.restored);
    this.#draining = new Draining(maps, this.restored.draining);
    this.#have = this.restored.image;
  }

  /** Loads the programs. Attaches nothing, changes no traffic. Throws UnsupportedError, VerifierError, KernelError. */
  static open({ object, pinDirectory, need }: DataplaneOptions): Dataplane {
    preparePins(pinDirectory);
    const features = probeFeatures();
    const pinned = adoptable(openPinnedMaps(pinDirectory), need);
    using bpf = BpfObject.open(object, "mesh.bpf.o");
    bpf.setVariable("can_set_retval", features.setRetval);
    if (pinned === undefined) sizeMaps(bpf, capacityFor(need));
    else for (const name of mapNames) bpf.reuseMap(name, pinned[name] as BpfMap<unknown, unknown>);
    bpf.load();
    const maps = pinned ?? takeMaps(bpf);
    return new Dataplane(features, maps, takePrograms(bpf), pinDirectory, pinned !== undefined);
  }

  /**
   * Makes the kernel hold `want`. Refused as a whole where it doesn't fit ("capacity"). A KernelError in the middle leaves every
   * live entry intact; read the maps back with `reread` and compile anew before the next commit.
   */
  commit(want: Image): CommitResult {
    const have = this.#have;
    if (have === undefined)
      throw new MeshError("unexpected", "commit: the maps must be read back after a failed commit");
    const transaction = diff(have, want);
    if (transaction.puts.some(({ created }) => created > 0)) requireRoom(this.capacity, this.used, transaction);
    this.#have = undefined;
    for (const batch of transaction.puts) this.#put(batch);
    this.#publishPins();
    // Between the roots and what they referred to, so that a program which has met a root finds all of it.
    let deletes = this.#delete(transaction.deletes.filter(({ map }) => rootMaps.has(map)));
    if (transaction.deletes.length > 0 || transaction.freed.tables.length > 0) waitForPrograms();
    deletes += this.#delete(transaction.deletes.filter(({ map }) => !rootMaps.has(map)));
    const freed = this.#draining.settle(transaction.freed);
    this.#have = want;
    this.#used = undefined;
    return { puts: transaction.puts.reduce((sum, { count }) => sum + count, 0), deletes, freed };
  }

  /** After a failed commit: what the kernel holds now. */
  reread(): Restored {
    const restored = restore(this.#maps);
    removeOrphans(this.#maps, restored);
    this.#draining = new Draining(this.#maps, restored.draining);
    this.#have = restored.image;
    this.#used = undefined;
    return restored;
  }

  attach(cgroup: Cgroup): Attached {
    return attach(this.#pinDirectory, cgroup, this.#programs);
  }

  detach(cgroupId: bigint): void {
    detach(this.#pinDirectory, cgroupId);
  }

  /**
   * Ends the enrolment of a cgroup. What counts its connections out stays until none can be left: without it the places that they
   * hold under max_connections would never be free again. To be called again until it returns true.
   */
  retire(cgroupId: bigint): boolean {
    stopGoverning(this.#pinDirectory, cgroupId);
    if (!isDefunct(this.#pinDirectory, cgroupId) && this.#hasConnections()) return false;
    this.detach(cgroupId);
    return true;
  }

  isAttached(cgroupId: bigint): boolean {
    return isAttached(this.#pinDirectory, cgroupId);
  }

  pinnedCgroups(): bigint[] {
    return pinnedCgroups(this.#pinDirectory);
  }

  /** Entries in use, per map. */
  get used(): Capacity {
    this.#used ??= usage(this.#have ?? emptyImage);
    return this.#used;
  }

  /** For reading: counters, read-back. */
  get maps(): DataplaneMaps {
    return this.#maps;
  }

  get programs(): Programs {
    return this.#programs;
  }

  settings(): Settings {
    const value = this.#maps.settings.get(mainKey);
    if (value === undefined) throw new MeshError("unexpected", "read settings: the entry is missing");
    return value;
  }

  changeSettings(change: Partial<Settings>): void {
    this.#maps.settings.set(mainKey, { ...this.settings(), ...change });
  }

  /**
   * Sends the connections of relayed listeners to the relay's sockets on these addresses, one a family; undefined: there is no relay.
   * `whileDown`: whether the listeners' fallbacks are used where it can't be reached.
   */
  sendToRelay(addresses: readonly SocketAddress[] | undefined, whileDown: "bypass" | "refuse" = "bypass"): void {
    this.changeSettings({ ...relaySettings(addresses ?? []), relayRefuse: whileDown === "refuse" ? 1 : 0 });
  }

  /** Removes what the relay never took of `relayed`; how many. To be called about once a minute. */
  sweepRelayed(): number {
    return sweepRelayed(this.#maps);
  }

  /** Removes every link and pin: governed traffic is native from now on. */
  destroy(): void {
    removeAll(this.#pinDirectory);
  }

  /** Leaves everything that is pinned. */
  [Symbol.dispose](): void {
    for (const name of mapNames) this.#maps[name][Symbol.dispose]();
    for (const program of Object.values(this.#programs)) program[Symbol.dispose]();
  }

  #hasConnections(): boolean {
    return this.#maps.cluster_states.entries().some(([, { active }]) => active > 0);
  }

  /** New maps are pinned once they hold something to serve from; until then a restart begins anew. */
  #publishPins(): void {
    if (this.#isPinned) return;
    pinMaps(this.#pinDirectory, this.#maps);
    removeOtherLayouts(this.#pinDirectory);
    this.#isPinned = true;
  }

  #put(batch: Batch): void {
    const { map, keys, values, count } = this.#draining.toPut(batch);
    this.#maps[map].updateBatch(keys, values, count);
  }

  #delete(batches: readonly Batch[]): number {
    let deleted = 0;
    for (const batch of batches) {
      const { map, keys, count } = this.#draining.toDelete(batch);
      deleted += this.#maps[map].deleteBatch(keys, count);
    }
    return deleted;
  }
}

/** Maps that an earlier run pinned, unless the configuration has outgrown them: then all are made anew, larger. */
function adoptable(pinned: DataplaneMaps | undefined, need: Capacity): DataplaneMaps | undefined {
  if (pinned === undefined) return undefined;
  const capacity = capacityOf(pinned);
  const isLargeEnough = (Object.keys(need) as SizedMap[]).every((map) => need[map] <= capacity[map]);
  if (isLargeEnough) return pinned;
  for (const name of mapNames) pinned[name][Symbol.dispose]();
  return undefined;
}

function capacityOf(maps: DataplaneMaps): Capacity {
  const size = (map: SizedMap): number => maps[map].info().maxEntries;
  return {
    listeners: size("listeners"),
    listener_prefixes: size("listener_prefixes"),
    clusters: size("clusters"),
    slots: size("slots"),
    endpoints: size("endpoints"),
  };
}

function sizeMaps(bpf: BpfObject, capacity: Capacity): void {
  for (const map of Object.keys(capacity) as SizedMap[]) bpf.setMaxEntries(map, capacity[map]);
  bpf.setMaxEntries("listener_states", capacity.listeners);
  // As many again for those that drain.
  bpf.setMaxEntries("cluster_states", 2 * capacity.clusters);
  bpf.setMaxEntries("endpoint_states", 2 * capacity.endpoints);
  bpf.setMaxEntries("ids", capacity.listeners + capacity.clusters);
}

function takeMaps(bpf: BpfObject): DataplaneMaps {
  const taken = mapNames.map((name) => [name, bpf.map(layouts[name] as MapDefinition<unknown, unknown>)]);
  return Object.fromEntries(taken) as unknown as DataplaneMaps;
}

function takePrograms(bpf: BpfObject): Programs {
  const names = Object.keys(programs) as ProgramName[];
  return Object.fromEntries(names.map((name) => [name, bpf.program(name)])) as unknown as Programs;
}

function waitForPrograms(): void {
  if (!synchronizeRcu()) Bun.sleepSync(graceMs);
}
