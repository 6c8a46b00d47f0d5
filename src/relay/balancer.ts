// Chooses an endpoint per request, from the same table that the kernel chooses from per connection (bpf/balance.h).
import type { AliasTable } from "../compile/alias.ts";
import { type Balance, NO_ENDPOINT } from "../compile/balance.ts";
import { pickByHash } from "../compile/pick.ts";
import type { Endpoint } from "../model/endpoint.ts";

export class Balancer {
  readonly balance: Balance;
  /** Active requests of an endpoint. */
  readonly #activeOf: (endpoint: Endpoint) => number;
  #turn: number;

  constructor(balance: Balance, activeOf: (endpoint: Endpoint) => number) {
    this.balance = balance;
    this.#activeOf = activeOf;
    // Workers and updates begin anywhere, so that the first endpoints don't get more than the others.
    this.#turn = Math.floor(Math.random() * 0x1_0000);
  }

  /** Undefined: there is none, or this is a part of the traffic that is to fail. */
  pick(hash: bigint | undefined): Endpoint | undefined {
    return this.balance.endpoints[this.#row(hash)];
  }

  #row(hash: bigint | undefined): number {
    const { table } = this.balance;
    switch (table.pick) {
      case "sequence":
        return table.rows[this.#turn++ % table.rows.length] ?? NO_ENDPOINT;
      case "alias":
        return draw(table.rows);
      case "least_request":
        return this.#leastLoaded(table.rows, table.draws, table.weights);
      case "none":
      case "ring":
      case "maglev":
      case "buckets":
        return pickByHash(table, hash ?? randomHash());
    }
  }

  #leastLoaded(rows: AliasTable, draws: number, weights: Uint32Array): number {
    let best = draw(rows);
    for (let i = 1; i < draws; i++) {
      const other = draw(rows);
      if (this.#load(other, weights) < this.#load(best, weights)) best = other;
    }
    return best;
  }

  #load(row: number, weights: Uint32Array): number {
    const endpoint = this.balance.endpoints[row];
    return endpoint === undefined ? Number.POSITIVE_INFINITY : this.#activeOf(endpoint) / (weights[row] ?? 1);
  }
}

function draw({ id, alias, keep, total }: AliasTable): number {
  const column = Math.floor(Math.random() * id.length);
  const kept = Math.random() * total < (keep[column] ?? 0);
  return (kept ? id[column] : alias[column]) ?? NO_ENDPOINT;
}

function randomHash(): bigint {
  const half = (): bigint => BigInt(Math.floor(Math.random() * 0x1_0000_0000));
  return (half() << 32n) | half();
}
