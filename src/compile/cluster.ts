// From a cluster and its endpoints to a table in the slots arena, the endpoints' rows, and the cluster's own row.
import { formatSocketAddress } from "../ip.ts";
import { pack } from "../layout/codec.ts";
import {
  ClusterFlags,
  cluster as clusterCodec,
  endpoint as endpointCodec,
  HASH_BUCKETS,
  Pick,
  type Slot,
  slot,
} from "../layout/mesh.gen.ts";
import type { Cluster } from "../model/cluster.ts";
import type { Endpoint, EndpointAssignment } from "../model/endpoint.ts";
import type { AliasTable } from "./alias.ts";
import { type Balance, type Table as BalanceTable, NO_ENDPOINT } from "./balance.ts";
import type { Disposition } from "./disposition.ts";
import type { Buckets, HashTable } from "./hash-table.ts";
import type { ClusterBody, Table } from "./image.ts";

export interface ClusterTools {
  readonly endpointId: (key: string) => number;
  /** A place in the slots arena for these rows; the rows of the cluster's present table where they are the same. */
  readonly place: (rows: Uint8Array) => Table;
}

/** No limit, and no rejection, in struct cluster. */
const unlimited = 0xffffffff;

/** The interned name of an endpoint; also made from a kernel row when the ids of an earlier run are restored. */
export function endpointKey(clusterId: number, address: Endpoint["address"]): string {
  return `${clusterId} ${formatSocketAddress(address)}`;
}

export function compileCluster(
  id: number,
  digest: Uint8Array,
  cluster: Cluster,
  balance: Balance,
  tools: ClusterTools,
): ClusterBody {
  const { endpoints, table } = balance;
  const endpointIds = Uint32Array.from(endpoints, (endpoint) => tools.endpointId(endpointKey(id, endpoint.address)));
  const { rows, ...shape } = layOut(table, endpointIds);
  const placed = tools.place(pack(slot, rows));
  const base = { total: 0n, draws: 0, flags: 0, table: placed.first, count: rows.length };
  return {
    id,
    digest,
    value: pack(clusterCodec, [{ ...base, maxConnections: cluster.maxConnections ?? unlimited, ...shape }]),
    table: placed,
    endpointIds,
    endpointValues: pack(
      endpointCodec,
      endpoints.map(({ address }, i) => ({
        address: address.address.bytes,
        cluster: id,
        portBe: address.port,
        family: address.address.family,
        weight: table.pick === "least_request" ? (table.weights[i] ?? 1) : 1,
      })),
    ),
  };
}

interface Shape {
  readonly rows: readonly Slot[];
  readonly pick: Pick;
  readonly total?: bigint;
  readonly draws?: number;
  readonly flags?: number;
}

function layOut(table: BalanceTable, ids: Uint32Array): Shape {
  const idOf = (row: number | undefined): number => ids[row ?? NO_ENDPOINT] ?? NO_ENDPOINT;
  switch (table.pick) {
    case "none":
      return { rows: [], pick: Pick.PICK_SEQUENCE };
    case "sequence":
      return { rows: plainRows(table.rows, idOf), pick: Pick.PICK_SEQUENCE };
    case "alias":
      return { ...aliasRows(table.rows, idOf), pick: Pick.PICK_ALIAS };
    case "least_request":
      return { ...aliasRows(table.rows, idOf), pick: Pick.PICK_LEAST_REQUEST, draws: table.draws };
    case "ring":
    case "maglev":
      return { rows: hashRows(table, idOf), pick: pickOf(table) };
    case "buckets":
      return bucketRows(table, idOf);
    default:
      return table satisfies never;
  }
}

type IdOf = (row: number | undefined) => number;

function plainRows(rows: Uint32Array, idOf: IdOf): Slot[] {
  return Array.from(rows, (row) => ({ value: 0n, id: idOf(row), alias: 0 }));
}

/** Also a listener's weighted clusters: `idOf` says what the rows stand for. */
export function aliasRows({ total, keep, id, alias }: AliasTable, idOf: IdOf): { rows: Slot[]; total: bigint } {
  const rows = Array.from(id, (index, row) => ({
    value: BigInt(keep[row] ?? 0),
    id: idOf(index),
    alias: idOf(alias[row]),
  }));
  return { rows, total: BigInt(total) };
}

function hashRows(table: HashTable, idOf: IdOf): Slot[] {
  switch (table.pick) {
    case "none":
      return [];
    case "ring":
      return Array.from(table.id, (row, i) => ({ value: table.hash[i] ?? 0n, id: idOf(row), alias: 0 }));
    case "maglev":
      return plainRows(table.rows, idOf);
    default:
      return table satisfies never;
  }
}

function pickOf({ pick }: HashTable): Pick {
  return pick === "ring" ? Pick.PICK_RING : Pick.PICK_MAGLEV;
}

/** HASH_BUCKETS rows that name a table each by its first row and length, then the tables. */
function bucketRows({ bucket, tables }: Buckets, idOf: IdOf): Shape {
  const laidOut = tables.map((table) => hashRows(table, idOf));
  const firsts: number[] = [];
  let next = HASH_BUCKETS;
  for (const rows of laidOut) {
    firsts.push(next);
    next += rows.length;
  }
  const index = Array.from(bucket, (which) => ({
    value: 0n,
    id: firsts[which] ?? 0,
    alias: laidOut[which]?.length ?? 0,
  }));
  const filled = tables.find(({ pick }) => pick !== "none") ?? { pick: "none" };
  return { rows: [...index, ...laidOut.flat()], pick: pickOf(filled), flags: ClusterFlags.CLUSTER_HASH_BUCKETS };
}

/** What a listener makes of this cluster. An endpoint that wants TLS can't be served by a plaintext data plane. */
export function dispositionOf(cluster: Cluster | undefined, assignment: EndpointAssignment | undefined): Disposition {
  if (cluster === undefined) return { type: "unsupported", reason: "the cluster is unknown" };
  if (cluster.discovery.type === "original_dst") return { type: "native", needs: cluster.needs };
  for (const { endpoints } of assignment?.localities ?? []) {
    for (const endpoint of endpoints) {
      const socket = transportSocketOf(cluster, endpoint);
      if (socket !== "raw") {
        return {
          type: "unsupported",
          reason: `endpoint ${formatSocketAddress(endpoint.address)} wants transport socket ${socket}`,
        };
      }
    }
  }
  return { type: "balanced", needs: cluster.needs };
}

function transportSocketOf(cluster: Cluster, endpoint: Endpoint): string {
  if (cluster.transportSocketMatches.length === 0) return cluster.transportSocket;
  const metadata = parse(endpoint.transportSocketMatch);
  const matched = cluster.transportSocketMatches.find(({ match }) =>
    Object.entries(parse(match)).every(([key, value]) => metadata[key] === value),
  );
  return matched?.socket ?? cluster.transportSocket;
}

function parse(json: string): Record<string, unknown> {
  return json === "" ? {} : (JSON.parse(json) as Record<string, unknown>);
}
