// How large the maps are made: from the configuration they will hold, with room to grow. Hash maps allocate an element when it is
// added (BPF_F_NO_PREALLOC) and cost 16 bytes a possible entry until then; slots is an array and costs its whole size.
import type { Image } from "../compile/image.ts";
import { MeshError } from "../errors.ts";
import { maps } from "../layout/mesh.gen.ts";
import type { Transaction } from "./transaction.ts";

/** Entries per map. */
export interface Capacity {
  readonly listeners: number;
  readonly listener_prefixes: number;
  readonly clusters: number;
  readonly slots: number;
  readonly endpoints: number;
}

export type SizedMap = keyof Capacity;

const minimum: Capacity = { listeners: 8192, listener_prefixes: 4096, clusters: 8192, slots: 65536, endpoints: 65536 };
const growth = 4;

/** Room for four times what `need` asks for; never less than the minimum. */
export function capacityFor(need: Capacity): Capacity {
  const size = (map: SizedMap): number => Math.max(minimum[map], powerOfTwo(need[map] * growth));
  return {
    listeners: size("listeners"),
    listener_prefixes: size("listener_prefixes"),
    clusters: size("clusters"),
    slots: size("slots"),
    endpoints: size("endpoints"),
  };
}

/** What an Image takes. */
export function usage(image: Image): Capacity {
  const used = {
    listeners: 0,
    listener_prefixes: 0,
    clusters: image.clusters.size,
    slots: slotsOf(image),
    endpoints: 0,
  };
  for (const { endpointIds } of image.clusters.values()) used.endpoints += endpointIds.length;
  for (const { rows } of image.listeners.values()) for (const { map } of rows) used[map]++;
  return used;
}

/** Rows of the arena that an Image takes. */
function slotsOf(image: Image): number {
  let bytes = 0;
  for (const { table } of image.clusters.values()) bytes += table.rows.length;
  for (const { rows } of image.listeners.values()) for (const { table } of rows) bytes += table?.rows.length ?? 0;
  return bytes / maps.slots.valueSize;
}

/**
 * Refuses a transaction that doesn't fit, before anything is written. `used`: entries now. Deletes come after puts, so the room
 * that they make doesn't count. Throws MeshError "capacity".
 */
export function requireRoom(capacity: Capacity, used: Capacity, { puts }: Transaction): void {
  for (const { map, created } of puts) {
    if (!(map in capacity) || map === "slots") continue; // the arena has counted its rows already
    const sized = map as SizedMap;
    const needed = used[sized] + created;
    if (needed <= capacity[sized]) continue;
    throw new MeshError(
      "capacity",
      `commit: map ${map} holds at most ${capacity[sized]} entries and ${needed} are needed; nothing was changed; restart the agent to size the maps anew`,
    );
  }
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}
