// From a listener's placements to its rows in the `listeners` and `listener_prefixes` maps.
import { pack } from "../layout/codec.ts";
import {
  ListenerAction,
  ListenerFlags,
  type Listener as ListenerValue,
  listener as listenerCodec,
  listenerKey,
  listenerPrefixKey,
  slot,
} from "../layout/mesh.gen.ts";
import type { WeightedCluster } from "../model/route.ts";
import { aliasTable } from "./alias.ts";
import { aliasRows } from "./cluster.ts";
import type { ListenerRow, Table } from "./image.ts";
import type { Placement } from "./placement.ts";
import { heaviestOf, type RelayTarget } from "./relayed.ts";

export interface ListenerTools {
  readonly clusterId: (name: string) => number;
  /** A place in the slots arena for these rows. */
  readonly place: (rows: Uint8Array) => Table;
}

/** Rows in no particular order; their keys are distinct unless two placements claim the same destination. */
export function compileListener(id: number, placements: readonly Placement[], tools: ListenerTools): ListenerRow[] {
  return placements.map((placement) => {
    const { table, ...value } = compileTarget(placement, tools);
    return {
      map: placement.isExact ? "listeners" : "listener_prefixes",
      key: encodeKey(placement),
      value: pack(listenerCodec, [{ id, total: 0n, target: 0, count: 0, flags: 0, ...value }]),
      table,
    };
  });
}

function encodeKey({ isExact, prefix, port }: Placement): Uint8Array {
  const fields = { address: prefix.address.bytes, portBe: port, family: prefix.address.family };
  if (isExact) return pack(listenerKey, [fields]);
  return pack(listenerPrefixKey, [{ ...fields, prefixLength: keyBits + prefix.length }]);
}

/** Family, port and padding come before the address in struct listener_prefix_key and always match whole. */
const keyBits = 32;

type Value = Partial<ListenerValue> & { readonly action: ListenerAction; readonly table: Table | undefined };

function compileTarget({ target }: Placement, tools: ListenerTools): Value {
  switch (target.type) {
    case "refuse":
      return { action: ListenerAction.ACTION_REFUSE, table: undefined };
    case "native":
    case "ungoverned":
      return { action: ListenerAction.ACTION_PASS, table: undefined };
    case "relay":
      return {
        action: ListenerAction.ACTION_RELAY,
        count: target.chainIndex,
        table: undefined,
        ...fallback(target, tools),
      };
    case "clusters": {
      const flags = target.hashSource ? ListenerFlags.LISTENER_HASH_SOURCE : 0;
      const [only, ...others] = target.clusters;
      if (only !== undefined && others.length === 0) {
        return {
          action: ListenerAction.ACTION_CLUSTER,
          target: tools.clusterId(only.cluster),
          flags,
          table: undefined,
        };
      }
      return { flags, ...compileWeights(target.clusters, tools) };
    }
    default:
      return target satisfies never;
  }
}

/** One cluster is enough for what is an emergency: the one that most requests would go to. */
function fallback({ fallback }: RelayTarget, tools: ListenerTools): { flags: number; target: number } {
  switch (fallback.type) {
    case "native":
      return { flags: ListenerFlags.LISTENER_FALLBACK_NATIVE, target: 0 };
    case "refuse":
      return { flags: 0, target: 0 };
    case "clusters":
      return {
        flags: ListenerFlags.LISTENER_FALLBACK_CLUSTER,
        target: tools.clusterId(heaviestOf(fallback.clusters)?.cluster ?? ""),
      };
    default:
      return fallback satisfies never;
  }
}

function compileWeights(clusters: readonly WeightedCluster[], tools: ListenerTools): Value {
  const alias = aliasTable(clusters.map(({ weight }) => weight));
  if (alias === undefined) return { action: ListenerAction.ACTION_REFUSE, table: undefined };
  const ids = clusters.map(({ cluster }) => tools.clusterId(cluster));
  const { rows, total } = aliasRows(alias, (index) => ids[index ?? 0] ?? 0);
  const table = tools.place(pack(slot, rows));
  return { action: ListenerAction.ACTION_WEIGHTED_CLUSTERS, target: table.first, count: rows.length, total, table };
}
