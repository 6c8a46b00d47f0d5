// From the Image that the kernel holds to the one that it should hold: batches of map writes, in an order in which no live entry
// ever refers to a missing one. BPF has no transaction over several maps, so the order is the transaction. Pure.
import { equalBytes, type Freed } from "../compile/compile.ts";
import type { ClusterBody, Image, ListenerBody, ListenerRow, Table } from "../compile/image.ts";
import { pack, u32 } from "../layout/codec.ts";
import { IdKind, maps } from "../layout/mesh.gen.ts";
import { type Batch, Batches, type ImageMap } from "./batches.ts";

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

/** What programs begin at: nothing refers to an entry of these. */
export const rootMaps: ReadonlySet<ImageMap> = new Set(["listeners", "listener_prefixes"]);

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

  const isSameClusters = have.clusters === want.clusters;
  const isSameListeners = have.listeners === want.listeners;
  for (const [id, body] of isSameClusters ? [] : want.clusters) {
    const before = have.clusters.get(id);
    if (before === body) continue;
    putCluster(puts, before, body);
    dropEndpoints(deletes, freed.endpoints, before, new Set(body.endpointIds));
    dropTables(freed.tables, before === undefined ? [] : [before.table], [body.table]);
  }
  for (const [id, body] of isSameClusters ? [] : have.clusters) {
    if (want.clusters.has(id)) continue;
    deletes.addById("clusters", id);
    dropEndpoints(deletes, freed.endpoints, body, new Set());
    deletes.addById("cluster_states", id);
    if (body.digest.length > 0) deletes.add("ids", nameKey(IdKind.ID_CLUSTER, body));
    freed.clusters.push(id);
    dropTables(freed.tables, [body.table], []);
  }
  for (const [id, body] of isSameListeners ? [] : want.listeners) {
    const before = have.listeners.get(id);
    if (before === body) continue;
    putListener(puts, before, body);
    dropRows(deletes, before, body);
    dropTables(freed.tables, tablesOf(before), tablesOf(body));
  }
  for (const [id, body] of isSameListeners ? [] : have.listeners) {
    if (want.listeners.has(id)) continue;
    dropRows(deletes, body, undefined);
    deletes.addById("listener_states", id);
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

const zero = {
  listener_states: new Uint8Array(maps.listener_states.valueSize),
  cluster_states: new Uint8Array(maps.cluster_states.valueSize),
  endpoint_states: new Uint8Array(maps.endpoint_states.valueSize),
} as const;

function putCluster(puts: Batches, before: ClusterBody | undefined, body: ClusterBody): void {
  if (before === undefined) {
    puts.add("ids", nameKey(IdKind.ID_CLUSTER, body), pack(u32, [body.id]));
    puts.addById("cluster_states", body.id, zero.cluster_states);
  }
  const known = new Map<number, number>();
  before?.endpointIds.forEach((id, i) => {
    known.set(id, i);
  });
  const size = maps.endpoints.valueSize;
  body.endpointIds.forEach((id, i) => {
    const index = known.get(id);
    if (index === undefined) puts.addById("endpoint_states", id, zero.endpoint_states);
    if (index !== undefined && isSameRow(before?.endpointValues, index, body.endpointValues, i, size)) return;
    puts.addRow("endpoints", id, body.endpointValues, i * size, size, index === undefined);
  });
  if (
    before === undefined ||
    before.table.first !== body.table.first ||
    !equalBytes(before.table.rows, body.table.rows)
  ) {
    putTable(puts, body.table);
  }
  if (before === undefined || !equalBytes(before.value, body.value)) {
    puts.addById("clusters", body.id, body.value, before === undefined);
  }
}

function isSameRow(a: Uint8Array | undefined, rowOfA: number, b: Uint8Array, rowOfB: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (a?.[rowOfA * size + i] !== b[rowOfB * size + i]) return false;
  return true;
}

function putTable(puts: Batches, { first, rows }: Table): void {
  const size = maps.slots.valueSize;
  for (let row = 0; row * size < rows.length; row++) puts.addRow("slots", first + row, rows, row * size, size);
}

function putListener(puts: Batches, before: ListenerBody | undefined, body: ListenerBody): void {
  if (before === undefined) {
    puts.add("ids", nameKey(IdKind.ID_LISTENER, body), pack(u32, [body.id]));
    puts.addById("listener_states", body.id, zero.listener_states);
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
    deletes.addById("endpoints", id);
    deletes.addById("endpoint_states", id);
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
