// Maglev consistent hashing, row for row Envoy's (envoy/source/extensions/load_balancing_policies/maglev/maglev_lb.cc).
import { xxHash64 } from "./hash.ts";
import type { WeightedHost } from "./host-set.ts";

/** A connection belongs to row `hash % rows.length`. */
export interface Maglev {
  readonly pick: "maglev";
  readonly rows: Uint32Array;
}

interface Builder {
  readonly id: number;
  readonly weight: number;
  readonly skip: number;
  /** The next row of this host's permutation. */
  next: number;
  /** The turn that this host's next row is due in. */
  target: number;
}

/** `hosts` is not empty; `tableSize` is a prime. Hosts take turns in claiming their next free row; a lighter one sits turns out. */
export function maglev(hosts: readonly WeightedHost[], tableSize: number): Maglev {
  const heaviest = hosts.reduce((most, { weight }) => Math.max(most, weight), 0);
  const size = BigInt(tableSize);
  // The order of the hosts decides who comes first, so that it must not depend on the order they are listed in.
  const builders = [...hosts].sort(byKey).map(
    ({ key, id, weight }): Builder => ({
      id,
      weight,
      skip: Number(xxHash64(key, 1n) % (size - 1n)) + 1,
      next: Number(xxHash64(key) % size),
      target: 0,
    }),
  );
  const rows = new Uint32Array(tableSize);
  const taken = new Uint8Array(tableSize);
  let filled = 0;
  for (let turn = 1; filled < tableSize; turn++) {
    for (const builder of builders) {
      if (filled === tableSize) break;
      if (turn * builder.weight < builder.target) continue;
      builder.target += heaviest;
      while (taken[builder.next] === 1) advance(builder, tableSize);
      rows[builder.next] = builder.id;
      taken[builder.next] = 1;
      advance(builder, tableSize);
      filled++;
    }
  }
  return { pick: "maglev", rows };
}

/** offset + n * skip, modulo the table's size, one step at a time. */
function advance(builder: Builder, tableSize: number): void {
  builder.next += builder.skip;
  if (builder.next >= tableSize) builder.next -= tableSize;
}

function byKey(a: WeightedHost, b: WeightedHost): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.weight - b.weight;
}
