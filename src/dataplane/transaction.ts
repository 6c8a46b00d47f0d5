// From the Image that the kernel holds to the one that it should hold: batches of map writes, in an order in which no live entry
// ever refers to a missing one. BPF has no transaction over several maps, so the order is the transaction. Pure.
import { equalBytes, type Freed } from "../compile/compile.ts";
import type { ClusterBody, Image, ListenerBody, ListenerRow, Table } from "../compile/image.ts";
import { pack, u32 } from "../layout/codec.ts";
import { IdKind, maps } from "../layout/mesh.gen.ts";

export type ImageMap =
  | "ids"
  | "listener_states"
  | "cluster_states"
  | "endpoint_states"
  | "slots"
  | "endpoints"
  | "clusters"
  | "listeners"
  | "listener_prefixes";

/** Bodies before roots. Deletes go the other way. */
export const publishOrder: readonly ImageMap[] = [
  "ids",
  "listener_states",
  "cluster_states",
  "endpoint_states",
  "slots",
  "endpoints",
  "clusters",
  "listeners",
  "listener_prefixes",
];

/** Elements for one map, packed. */
export interface Batch {
  readonly map: ImageMap;
  readonly count: number;
  /** Of `count`, the entries that the map did not have. */
  readonly created: number;
  readonly keys: Uint8Array;
  /** Empty in a batch of deletes. */
  readonly values: Uint8Array;
}

export interface Transaction {
  readonly puts: readonly Batch[];
  readonly deletes: readonly Batch[];
  /** What may be handed out again once the deletes are done. */
  readonly freed: Freed;
}

/** `have` is what the kernel holds. diff(a, a) has no batches. */
export function diff(have: Image, want: Image): Transaction {
  const puts = new Batches();
  const deletes = new Batches();
  const freed = {
    clusters: [] as number[],
    endpoints: [] as number[],
    listeners: [] as number[],
    tables: [] as number[],
  };

  for (const [id, body] of want.clusters) {
    const before = have.clusters.get(id);
    if (before === body) continue;
    putCluster(puts, before, body);
    dropEndpoints(deletes, freed.endpoints, before, new Set(body.endpointIds));
    dropTables(freed.tables, before === undefined ? [] : [before.table], [body.table]);
  }
  for (const [id, body] of have.clusters) {
    if (want.clusters.has(id)) continue;
    deletes.add("clusters", idKey(id));
    dropEndpoints(deletes, freed.endpoints, body, new Set());
    deletes.add("cluster_states", idKey(id));
    if (body.digest.length > 0) deletes.add("ids", nameKey(IdKind.ID_CLUSTER, body));
    freed.clusters.push(id);
    dropTables(freed.tables, [body.table], []);
  }
  for (const [id, body] of want.listeners) {
    const before = have.listeners.get(id);
    if (before === body) continue;
    putListener(puts, before, body);
    dropRows(deletes, before, body);
    dropTables(freed.tables, tablesOf(before), tablesOf(body));
  }
  for (const [id, body] of have.listeners) {
    if (want.listeners.has(id)) continue;
    dropRows(deletes, body, undefined);
    deletes.add("listener_states", idKey(id));
    if (body.digest.length > 0) deletes.add("ids", nameKey(IdKind.ID_LISTENER, body));
    freed.listeners.push(id);
    dropTables(freed.tables, tablesOf(body), []);
  }
  return {
    puts: puts.inOrder(publishOrder),
    deletes: deletes.withoutKeysOf(puts).inOrder([...publishOrder].reverse()),
    freed,
  };
}

function putCluster(puts: Batches, before: ClusterBody | undefined, body: ClusterBody): void {
  if (before === undefined) {
    puts.add("ids", nameKey(IdKind.ID_CLUSTER, body), idKey(body.id));
    puts.add("cluster_states", idKey(body.id), new Uint8Array(maps.cluster_states.valueSize));
  }
  const known = new Map<number, number>();
  before?.endpointIds.forEach((id, i) => {
    known.set(id, i);
  });
  body.endpointIds.forEach((id, i) => {
    const value = endpointValue(body, i);
    const index = known.get(id);
    if (index === undefined) puts.add("endpoint_states", idKey(id), new Uint8Array(maps.endpoint_states.valueSize));
    if (index === undefined || before === undefined || !equalBytes(endpointValue(before, index), value)) {
      puts.add("endpoints", idKey(id), value, index === undefined);
    }
  });
  if (
    before === undefined ||
    before.table.first !== body.table.first ||
    !equalBytes(before.table.rows, body.table.rows)
  ) {
    putTable(puts, body.table);
  }
  if (before === undefined || !equalBytes(before.value, body.value)) {
    puts.add("clusters", idKey(body.id), body.value, before === undefined);
  }
}

function endpointValue(body: ClusterBody, i: number): Uint8Array {
  const size = maps.endpoints.valueSize;
  return body.endpointValues.subarray(i * size, (i + 1) * size);
}

function putTable(puts: Batches, { first, rows }: Table): void {
  const size = maps.slots.valueSize;
  for (let row = 0; row * size < rows.length; row++) {
    puts.add("slots", idKey(first + row), rows.subarray(row * size, (row + 1) * size));
  }
}

function putListener(puts: Batches, before: ListenerBody | undefined, body: ListenerBody): void {
  if (before === undefined) {
    puts.add("ids", nameKey(IdKind.ID_LISTENER, body), idKey(body.id));
    puts.add("listener_states", idKey(body.id), new Uint8Array(maps.listener_states.valueSize));
  }
  const known = rowsByKey(before);
  const tables = new Set(tablesOf(before).map(({ first }) => first));
  for (const row of body.rows) {
    if (row.table !== undefined && !tables.has(row.table.first)) putTable(puts, row.table);
    const old = known.get(rowKey(row));
    if (old === undefined || !equalBytes(old.value, row.value)) {
      puts.add(row.map, row.key, row.value, old === undefined);
    }
  }
}

function dropEndpoints(
  deletes: Batches,
  freed: number[],
  before: ClusterBody | undefined,
  live: ReadonlySet<number>,
): void {
  before?.endpointIds.forEach((id) => {
    if (live.has(id)) return;
    deletes.add("endpoints", idKey(id));
    deletes.add("endpoint_states", idKey(id));
    freed.push(id);
  });
}

function dropRows(deletes: Batches, before: ListenerBody | undefined, body: ListenerBody | undefined): void {
  const live = rowsByKey(body);
  for (const row of before?.rows ?? []) if (!live.has(rowKey(row))) deletes.add(row.map, row.key);
}

function dropTables(freed: number[], before: readonly Table[], after: readonly Table[]): void {
  const live = new Set(after.filter(({ rows }) => rows.length > 0).map(({ first }) => first));
  for (const { first, rows } of before) if (rows.length > 0 && !live.has(first)) freed.push(first);
}

function tablesOf(body: ListenerBody | undefined): Table[] {
  return body?.rows.flatMap(({ table }) => table ?? []) ?? [];
}

function rowsByKey(body: ListenerBody | undefined): Map<string, ListenerRow> {
  return new Map(body?.rows.map((row) => [rowKey(row), row]));
}

function rowKey({ map, key }: ListenerRow): string {
  return `${map} ${text(key)}`;
}

function text(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function nameKey(kind: IdKind, { digest }: { readonly digest: Uint8Array }): Uint8Array {
  return pack(maps.ids.key, [{ digest, kind }]);
}

function idKey(id: number): Uint8Array {
  return pack(u32, [id]);
}

/** Elements collected per map, then packed. */
class Batches {
  readonly #elements = new Map<
    ImageMap,
    { created: number; readonly keys: Uint8Array[]; readonly values: Uint8Array[] }
  >();

  add(map: ImageMap, key: Uint8Array, value: Uint8Array = new Uint8Array(0), isNew = false): void {
    const elements = this.#elements.get(map) ?? { created: 0, keys: [], values: [] };
    this.#elements.set(map, elements);
    if (isNew) elements.created++;
    elements.keys.push(key);
    elements.values.push(value);
  }

  /** A destination that moved from one listener to another was put: it must not be deleted for the one that lost it. */
  withoutKeysOf(other: Batches): Batches {
    const rest = new Batches();
    for (const [map, { keys, values }] of this.#elements) {
      const taken = new Set(other.#elements.get(map)?.keys.map(text));
      keys.forEach((key, i) => {
        if (!taken.has(text(key))) rest.add(map, key, values[i]);
      });
    }
    return rest;
  }

  inOrder(order: readonly ImageMap[]): Batch[] {
    return order.flatMap((map) => {
      const elements = this.#elements.get(map);
      if (elements === undefined) return [];
      const { created, keys, values } = elements;
      return [{ map, count: keys.length, created, keys: concat(keys), values: concat(values) }];
    });
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(new ArrayBuffer(parts.reduce((sum, part) => sum + part.length, 0)));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
