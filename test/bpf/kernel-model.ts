// A model of the kernel's maps for tests of what is written to them, and in which order: entries by their key, and the question
// that matters after every single write: does anything that a connection can reach refer to something that isn't there?
import type { Image } from "../../src/compile/image.ts";
import type { Batch } from "../../src/dataplane/batches.ts";
import { diff, type Transaction } from "../../src/dataplane/transaction.ts";
import { unpack } from "../../src/layout/codec.ts";
import * as layout from "../../src/layout/mesh.gen.ts";

type MapName = Batch["map"];
const noEndpoint = 0xffffffff;

/** One write or delete of one entry. */
export interface Step {
  readonly map: MapName;
  readonly key: Uint8Array;
  /** Undefined: a delete. */
  readonly value: Uint8Array | undefined;
}

/** Puts and deletes one by one, in the order in which the dataplane does them. */
export function stepsOf({ puts, deletes }: Transaction): Step[] {
  const split = ({ map, count, keys, values }: Batch, isDelete: boolean): Step[] => {
    const { keySize, valueSize } = layout.maps[map];
    return Array.from({ length: count }, (_, i) => ({
      map,
      key: keys.slice(i * keySize, (i + 1) * keySize),
      value: isDelete ? undefined : values.slice(i * valueSize, (i + 1) * valueSize),
    }));
  };
  return [...puts.flatMap((batch) => split(batch, false)), ...deletes.flatMap((batch) => split(batch, true))];
}

export class KernelModel {
  readonly #maps = new Map<MapName, Map<string, Uint8Array>>();

  /** What it holds once `image` was committed to empty maps. */
  static of(image: Image): KernelModel {
    const kernel = new KernelModel();
    const empty: Image = { clusters: new Map(), listeners: new Map() };
    for (const step of stepsOf(diff(empty, image))) kernel.apply(step);
    return kernel;
  }

  apply({ map, key, value }: Step): void {
    const entries = this.#entries(map);
    if (value === undefined) entries.delete(key.toHex());
    else entries.set(key.toHex(), value);
  }

  /** All but rows that nothing refers to: those are never read. */
  contents(): Record<string, Record<string, string>> {
    const reachable = new Set(this.reachableRows().map(keyOf));
    const plain = [...this.#maps].map(([map, entries]) => {
      const rows = [...entries].filter(([key]) => map !== "slots" || reachable.has(key));
      return [map, Object.fromEntries(rows.map(([key, value]) => [key, value.toHex()]).sort())] as const;
    });
    return Object.fromEntries(plain.filter(([, rows]) => Object.keys(rows).length > 0).sort());
  }

  has(map: MapName, id: number): boolean {
    return this.#entries(map).has(keyOf(id));
  }

  /** Rows of slots that a connection could read now. */
  reachableRows(): number[] {
    return this.#walk().rows;
  }

  /** What is missing of all that a connection could reach now. */
  missing(): string[] {
    return this.#walk().missing;
  }

  #walk(): { rows: number[]; missing: string[] } {
    const rows: number[] = [];
    const missing: string[] = [];
    const expect = (map: MapName, id: number, owner: string): void => {
      if (!this.has(map, id)) missing.push(`${map} ${id} of ${owner}`);
    };
    const table = (first: number, count: number, owner: string): layout.Slot[] =>
      Array.from({ length: count }, (_, i) => first + i).flatMap((row) => {
        rows.push(row);
        expect("slots", row, owner);
        const value = this.#entries("slots").get(keyOf(row));
        return value === undefined ? [] : unpack(layout.slot, value, 1);
      });
    const clusters = new Set<number>();
    for (const map of ["listeners", "listener_prefixes"] as const) {
      for (const [key, bytes] of this.#entries(map)) {
        const [value] = unpack(layout.listener, bytes, 1);
        if (value === undefined) continue;
        const owner = `${map} ${key}`;
        expect("listener_states", value.id, owner);
        if (namesCluster(value)) clusters.add(value.target);
        if (value.action !== layout.ListenerAction.ACTION_WEIGHTED_CLUSTERS) continue;
        for (const { id, alias } of table(value.target, value.count, owner)) clusters.add(id).add(alias);
      }
    }
    for (const id of clusters) this.#walkCluster(id, table, expect);
    return { rows, missing };
  }

  #walkCluster(
    id: number,
    table: (first: number, count: number, owner: string) => layout.Slot[],
    expect: (map: MapName, id: number, owner: string) => void,
  ): void {
    const owner = `cluster ${id}`;
    expect("clusters", id, owner);
    expect("cluster_states", id, owner);
    const [value] = unpack(
      layout.cluster,
      this.#entries("clusters").get(keyOf(id)) ?? new Uint8Array(0),
      this.has("clusters", id) ? 1 : 0,
    );
    if (value === undefined) return;
    const isBuckets = (value.flags & layout.ClusterFlags.CLUSTER_HASH_BUCKETS) !== 0;
    const hasAlias = value.pick === layout.Pick.PICK_ALIAS || value.pick === layout.Pick.PICK_LEAST_REQUEST;
    const endpoints = new Set<number>();
    table(value.table, value.count, owner).forEach((slot, i) => {
      if (isBuckets && i < layout.HASH_BUCKETS) return;
      endpoints.add(slot.id);
      if (hasAlias) endpoints.add(slot.alias);
    });
    endpoints.delete(noEndpoint);
    for (const endpoint of endpoints) {
      expect("endpoints", endpoint, owner);
      expect("endpoint_states", endpoint, owner);
      const bytes = this.#entries("endpoints").get(keyOf(endpoint));
      if (bytes !== undefined && unpack(layout.endpoint, bytes, 1)[0]?.cluster !== id)
        expect("endpoints", -1, `${owner}: another's endpoint`);
    }
  }

  #entries(map: MapName): Map<string, Uint8Array> {
    const known = this.#maps.get(map);
    if (known !== undefined) return known;
    const fresh = new Map<string, Uint8Array>();
    this.#maps.set(map, fresh);
    return fresh;
  }
}

function namesCluster({ action, flags }: layout.Listener): boolean {
  if (action === layout.ListenerAction.ACTION_CLUSTER) return true;
  const hasFallback = (flags & layout.ListenerFlags.LISTENER_FALLBACK_CLUSTER) !== 0;
  return action === layout.ListenerAction.ACTION_RELAY && hasFallback;
}

function keyOf(id: number): string {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, id >>> 0, true);
  return key.toHex();
}
