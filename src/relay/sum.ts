// Adds up the counters of several relay workers.
import type { RelayStats } from "./protocol.ts";

export const noStats: RelayStats = { listeners: {}, clusters: {}, refused: {} };

export function addStats(a: RelayStats, b: RelayStats): RelayStats {
  return {
    listeners: addEach(a.listeners, b.listeners),
    clusters: addEach(a.clusters, b.clusters),
    refused: addNumbers(a.refused, b.refused),
  };
}

type Counters<T> = { readonly [K in keyof T]: number | readonly number[] };

function addEach<T extends Counters<T>>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
): Readonly<Record<string, T>> {
  const sum: Record<string, T> = { ...a };
  for (const [name, counters] of Object.entries(b)) {
    const known = sum[name];
    sum[name] = known === undefined ? counters : addCounters(known, counters);
  }
  return sum;
}

export function addCounters<T extends Counters<T>>(a: T, b: T): T {
  const entries = Object.entries(a) as [keyof T & string, number | readonly number[]][];
  return Object.fromEntries(entries.map(([name, value]) => [name, add(value, b[name])])) as T;
}

function add(a: number | readonly number[], b: number | readonly number[]): number | readonly number[] {
  if (typeof a === "number") return a + (b as number);
  return a.map((value, i) => value + ((b as readonly number[])[i] ?? 0));
}

function addNumbers(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}
