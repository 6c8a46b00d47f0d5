// The kernel side of the mesh: programs, maps, links and pins. Opening adopts what an earlier run left; a commit writes the
// difference between what the kernel holds and an Image; closing leaves everything in place, so that traffic stays governed.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Freed, nothingRestored, type Restored } from "../compile/compile.ts";
import type { Image } from "../compile/image.ts";
import { MeshError, UnsupportedError } from "../errors.ts";
import type { MapDefinition } from "../layout/codec.ts";
import { maps as layouts, programs, type Settings } from "../layout/mesh.gen.ts";
import type { BpfMap } from "../libbpf/map.ts";
import { BpfObject } from "../libbpf/object.ts";
import { isBpffs, mountBpffs, synchronizeRcu } from "../libbpf/syscalls.ts";
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
import { type Capacity, capacityFor, requireRoom, type SizedMap, slotsOf, usage } from "./capacity.ts";
import { type Features, probeFeatures } from "./features.ts";
import { type DataplaneMaps, linkDirectory, mapNames, openPinnedMaps, pinMaps, removeOtherLayouts } from "./maps.ts";
import { removeOrphans, restore } from "./restore.ts";
import { diff, type Transaction } from "./transaction.ts";

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

const mainKey = 0;
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
  #used: Capacity;
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
    this.#have = this.restored.image;
    this.#used = usage(this.#have);
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
    requireRoom(this.capacity, this.#used, transaction);
    this.#have = undefined;
    for (const { map, keys, values, count } of transaction.puts) this.#maps[map].updateBatch(keys, values, count);
    this.#publishPins();
    if (transaction.deletes.length > 0 || transaction.freed.tables.length > 0) waitForPrograms();
    let deletes = 0;
    for (const { map, keys, count } of transaction.deletes) deletes += this.#maps[map].deleteBatch(keys, count);
    this.#have = want;
    this.#countUse(transaction, want);
    return { puts: transaction.puts.reduce((sum, { count }) => sum + count, 0), deletes, freed: transaction.freed };
  }

  /** After a failed commit: what the kernel holds now. */
  reread(): Restored {
    const restored = restore(this.#maps);
    removeOrphans(this.#maps, restored);
    this.#have = restored.image;
    this.#used = usage(restored.image);
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

  /** Removes every link and pin: governed traffic is native from now on. */
  destroy(): void {
    for (const id of this.pinnedCgroups()) this.detach(id);
    removePins(this.#pinDirectory);
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

  #countUse({ puts, deletes }: Transaction, want: Image): void {
    const used: Record<SizedMap, number> = { ...this.#used };
    for (const { map, created } of puts) if (map in used) used[map as SizedMap] += created;
    for (const { map, count } of deletes) if (map in used) used[map as SizedMap] -= count;
    used.slots = slotsOf(want);
    this.#used = used;
  }
}

/** The pin directory, in a bpf file system that is mounted where it isn't one. */
function preparePins(pinDirectory: string): void {
  const parent = dirname(pinDirectory);
  try {
    mkdirSync(parent, { recursive: true });
    if (!isBpffs(parent)) mountBpffs(parent);
    mkdirSync(linkDirectory(pinDirectory), { recursive: true, mode: 0o700 });
  } catch (error) {
    const { reason } = MeshError.from(error, `prepare pins in ${pinDirectory}`);
    throw new UnsupportedError("pins", reason, "run as root with CAP_SYS_ADMIN, or mount a bpf file system there");
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
  bpf.setMaxEntries("cluster_states", capacity.clusters);
  bpf.setMaxEntries("endpoint_states", capacity.endpoints);
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

function removePins(pinDirectory: string): void {
  for (const name of readIfThere(pinDirectory)) rmSync(join(pinDirectory, name), { recursive: true, force: true });
  rmSync(pinDirectory, { recursive: true, force: true });
}

function readIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
