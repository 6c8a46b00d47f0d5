// Reads the kernel's maps back into an Image: what an earlier run published. First start, restart and a retry after a failed commit
// all begin with this.

import { endpointKey } from "../compile/cluster.ts";
import type { Restored } from "../compile/compile.ts";
import type { ClusterBody, Image, ListenerBody, ListenerMap, ListenerRow, Table } from "../compile/image.ts";
import type { Family } from "../ip.ts";
import { pack, unpack } from "../layout/codec.ts";
import * as layout from "../layout/mesh.gen.ts";
import type { Dump } from "../libbpf/map-dump.ts";
import type { DataplaneMaps } from "./maps.ts";

export function restore(maps: DataplaneMaps): Restored {
  const rows = slotReader(maps);
  const endpoints = endpointsByCluster(maps);
  const names = readIds(maps);
  const clusters = new Map<number, ClusterBody>();
  const endpointIds = new Map<string, number>();
  for (const [id, value] of maps.clusters.entries()) {
    const own = endpoints.get(id) ?? [];
    for (const { id: endpointId, value: endpoint } of own) {
      const address = { family: endpoint.family as Family, bytes: endpoint.address };
      endpointIds.set(endpointKey(id, { address, port: endpoint.portBe }), endpointId);
    }
    clusters.set(id, {
      id,
      digest: names.digestOf(layout.IdKind.ID_CLUSTER, id),
      value: pack(layout.cluster, [value]),
      table: rows(value.table, value.count),
      endpointIds: Uint32Array.from(own, (endpoint) => endpoint.id),
      endpointValues: pack(
        layout.endpoint,
        own.map((endpoint) => endpoint.value),
      ),
    });
  }
  const listeners = new Map<number, ListenerBody>();
  for (const row of [...listenerRows("listeners", maps, rows), ...listenerRows("listener_prefixes", maps, rows)]) {
    const known = listeners.get(row.id)?.rows ?? [];
    const digest = names.digestOf(layout.IdKind.ID_LISTENER, row.id);
    listeners.set(row.id, { id: row.id, digest, rows: [...known, row.row] });
  }
  const image = { clusters, listeners };
  const { clusterIds, listenerIds } = names;
  return { image, clusterIds, listenerIds, endpointIds, draining: findDraining(maps, image) };
}

/**
 * Removes what a crash between two steps of a commit left unreachable: endpoints, counters and ids of clusters and listeners
 * that aren't there. Counters that still have connections to count stay.
 */
export function removeOrphans(maps: DataplaneMaps, { image, draining }: Restored): void {
  const endpoints = endpointsOf(image);
  const clusterStates = new Set([...image.clusters.keys(), ...draining.clusters]);
  const endpointStates = new Set([...endpoints, ...draining.endpoints]);
  for (const id of maps.endpoints.keys()) if (!endpoints.has(id)) maps.endpoints.delete(id);
  for (const id of maps.endpoint_states.keys()) if (!endpointStates.has(id)) maps.endpoint_states.delete(id);
  for (const id of maps.cluster_states.keys()) if (!clusterStates.has(id)) maps.cluster_states.delete(id);
  for (const id of maps.listener_states.keys()) if (!image.listeners.has(id)) maps.listener_states.delete(id);
  for (const [key, id] of maps.ids.entries()) {
    const owners = key.kind === layout.IdKind.ID_CLUSTER ? image.clusters : image.listeners;
    if (!owners.has(id)) maps.ids.delete(key);
  }
}

function findDraining(maps: DataplaneMaps, image: Image): Restored["draining"] {
  const endpoints = endpointsOf(image);
  return {
    clusters: maps.cluster_states
      .entries()
      .flatMap(([id, { active }]) => (active > 0 && !image.clusters.has(id) ? id : [])),
    endpoints: maps.endpoint_states
      .entries()
      .flatMap(([id, { active }]) => (active > 0 && !endpoints.has(id) ? id : [])),
  };
}

function endpointsOf(image: Image): Set<number> {
  return new Set([...image.clusters.values()].flatMap(({ endpointIds }) => [...endpointIds]));
}

type SlotReader = (first: number, count: number) => Table;

/** slots is dumped once; a cluster's or listener's own part is copied out. */
function slotReader(maps: DataplaneMaps): SlotReader {
  const size = layout.maps.slots.valueSize;
  let values: Uint8Array | undefined;
  return (first, count) => {
    if (count === 0) return { first, rows: new Uint8Array(0) };
    values ??= maps.slots.dump().values;
    return { first, rows: values.slice(first * size, (first + count) * size) };
  };
}

function endpointsByCluster(maps: DataplaneMaps): Map<number, { id: number; value: layout.Endpoint }[]> {
  const byCluster = new Map<number, { id: number; value: layout.Endpoint }[]>();
  for (const [id, value] of maps.endpoints.entries()) {
    const own = byCluster.get(value.cluster);
    if (own === undefined) byCluster.set(value.cluster, [{ id, value }]);
    else own.push({ id, value });
  }
  return byCluster;
}

function listenerRows(map: ListenerMap, maps: DataplaneMaps, rows: SlotReader): { id: number; row: ListenerRow }[] {
  const { keySize, valueSize } = layout.maps[map];
  const { keys, values, count }: Dump = maps[map].dump();
  return unpack(layout.listener, values, count).map((value, i) => {
    const isWeighted = value.action === layout.ListenerAction.ACTION_WEIGHTED_CLUSTERS;
    return {
      id: value.id,
      row: {
        map,
        key: keys.slice(i * keySize, (i + 1) * keySize),
        value: values.slice(i * valueSize, (i + 1) * valueSize),
        table: isWeighted ? rows(value.target, value.count) : undefined,
      },
    };
  });
}

interface Names {
  /** Digest in hex → id. */
  readonly clusterIds: Map<string, number>;
  readonly listenerIds: Map<string, number>;
  readonly digestOf: (kind: layout.IdKind, id: number) => Uint8Array;
}

function readIds(maps: DataplaneMaps): Names {
  const clusterIds = new Map<string, number>();
  const listenerIds = new Map<string, number>();
  const digests = new Map<string, Uint8Array>();
  for (const [{ digest, kind }, id] of maps.ids.entries()) {
    const ids = kind === layout.IdKind.ID_CLUSTER ? clusterIds : listenerIds;
    ids.set(digest.toHex(), id);
    digests.set(`${kind} ${id}`, digest);
  }
  return { clusterIds, listenerIds, digestOf: (kind, id) => digests.get(`${kind} ${id}`) ?? new Uint8Array(0) };
}
