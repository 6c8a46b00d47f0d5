// What a scenario is: resources for the one file that Envoy and kmesh-edge both read, and questions that both are asked. An
// expectation is what both must answer; where they are known not to agree, the probe names the difference and what each answers.
import type { DifferenceId } from "./differences.ts";
import { type ClusterSpec, cluster, type Json, listener, tcpProxy } from "./mesh.ts";

export type Counts = Readonly<Record<string, number>>;

/** `refused` among the names: the connection wasn't served. */
export type Expectation =
  /** as often as their weights say, by chance (chi-square); more even than chance is right too */
  | { readonly kind: "shares"; readonly weights: Counts }
  /** exactly as often */
  | { readonly kind: "counts"; readonly counts: Counts }
  /** each between two bounds */
  | { readonly kind: "within"; readonly bounds: Readonly<Record<string, readonly [low: number, high: number]>> }
  /** each source address has its endpoint, Envoy's and ours the same, and not all have one */
  | { readonly kind: "by_source" }
  /** one after the other differ at least (at most) so often, in percent */
  | { readonly kind: "alternates"; readonly atLeast: number; readonly atMost: number };

export interface Probe {
  /** The destination, IP:port. */
  readonly at: string;
  readonly count: number;
  readonly concurrency?: number;
  /** Keep the connections open until the probe ends. */
  readonly hold?: boolean;
  /** What an HTTP client would say first. */
  readonly send?: string;
  /** Asked until it is as expected: a proxy learns of closed connections a moment after the client has closed them. */
  readonly isEventual?: boolean;
  /** One connection from each of these addresses, instead of `count`. */
  readonly sources?: readonly string[];
  /** Of both; with `difference`, of Envoy. */
  readonly expect: Expectation;
  readonly difference?: { readonly id: DifferenceId; readonly ours: Expectation };
}

export interface Setting {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
  readonly probes: readonly Probe[];
}

/** The scenario's own part of the one file. */
export interface Place {
  /** An address of its own in 127.96.0.0/16; ports are free to choose. */
  readonly vip: string;
  /** A prefix for its names. */
  readonly id: string;
  /** A port that no other scenario uses, for wildcard listeners. */
  readonly port: number;
}

export interface Scenario {
  readonly name: string;
  readonly build: (place: Place) => Setting;
}

type Answers = Omit<Probe, "at">;

/** One listener, one cluster. */
export function oneCluster(
  name: string,
  spec: ClusterSpec & { readonly proxy?: Json },
  ...answers: readonly Answers[]
): Scenario {
  return {
    name,
    build: ({ vip, id }) => ({
      listeners: [listener(id, `${vip}:80`, [{ filter: tcpProxy(id, spec.proxy) }])],
      clusters: [cluster(id, spec)],
      probes: answers.map((answer) => ({ at: `${vip}:80`, ...answer })),
    }),
  };
}

const enoughForChance = 600;

export function shares(weights: Counts, count = enoughForChance): Answers {
  return { count, concurrency: 8, expect: { kind: "shares", weights } };
}

/** One after the other, exactly so often. */
export function exactly(counts: Counts): Answers {
  const count = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return { count, expect: { kind: "counts", counts } };
}

export function only(name: string): Answers {
  return exactly({ [name]: 6 });
}

export const refused: Answers = only("refused");

export const fromSources = (sources: readonly string[]): Answers => ({
  ...{ count: sources.length, sources, expect: { kind: "by_source" } },
});

/** Where each scenario of a group lives. */
export function placesOf(group: number, scenarios: readonly Scenario[]): readonly (readonly [Scenario, Place])[] {
  return scenarios.map((scenario, i) => [
    scenario,
    { vip: `127.96.${group}.${i + 1}`, id: `s${i + 1}`, port: 20_000 + group * 100 + i },
  ]);
}
