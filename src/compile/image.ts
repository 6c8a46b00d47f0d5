// The Image: the bytes that the kernel's maps should hold, grouped by the resource that owns them. A body that didn't change is
// the same object in the next Image, so that comparing two Images costs one look at each body.

/** Rows of the `slots` arena, from row `first` on; rows.length is a multiple of the slot size. */
export interface Table {
  readonly first: number;
  readonly rows: Uint8Array;
}

export interface ClusterBody {
  readonly id: number;
  /** struct id_key's digest of the name; empty where it was read from a kernel that doesn't know it. */
  readonly digest: Uint8Array;
  /** struct cluster */
  readonly value: Uint8Array;
  readonly table: Table;
  readonly endpointIds: Uint32Array;
  /** struct endpoint for each of endpointIds, packed */
  readonly endpointValues: Uint8Array;
}

export type ListenerMap = "listeners" | "listener_prefixes";

export interface ListenerRow {
  readonly map: ListenerMap;
  /** struct listener_key or listener_prefix_key */
  readonly key: Uint8Array;
  /** struct listener */
  readonly value: Uint8Array;
  /** The cluster choices of ACTION_WEIGHTED_CLUSTERS. */
  readonly table: Table | undefined;
}

export interface ListenerBody {
  readonly id: number;
  /** As ClusterBody.digest. */
  readonly digest: Uint8Array;
  readonly rows: readonly ListenerRow[];
}

export interface Image {
  /** By cluster id. */
  readonly clusters: ReadonlyMap<number, ClusterBody>;
  /** By listener id. */
  readonly listeners: ReadonlyMap<number, ListenerBody>;
}

export const emptyImage: Image = { clusters: new Map(), listeners: new Map() };
