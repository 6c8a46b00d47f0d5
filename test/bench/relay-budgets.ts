// DESIGN.md's budgets for the relay: held against what Envoy and nginx do in the same rounds, each body for itself.
import type { Ratios, RelayRow } from "./relay.ts";
import { type Body, bodies } from "./relay-peers.ts";
import { atLeast, atMost, type Measured, type Verdict } from "./verdict.ts";

/** Where the budgets hold; more connections and new ones are measured, but promise nothing. */
const judged: readonly number[] = [1, 8, 32];

export function judgeRelay(rows: readonly RelayRow[]): Verdict[] {
  return (Object.keys(bodies) as Body[]).flatMap((body) =>
    judgeBody(
      body,
      rows.filter(
        (row) =>
          row.path === "kmesh-edge" &&
          row.mode === "kept alive" &&
          row.body === body &&
          judged.includes(row.connections),
      ),
    ),
  );
}

function judgeBody(body: Body, rows: readonly RelayRow[]): Verdict[] {
  const of = (value: (row: RelayRow) => number): readonly Measured[] =>
    rows.map((row) => ({ value: value(row), where: `${row.connections} connections` }));
  const envoy = (value: (ratios: Ratios) => number) => of(({ toEnvoy }) => value(toEnvoy));
  const name = (what: string): string => `relay, ${body}: ${what}`;
  return [
    ...atLeast(
      name("QPS of Envoy"),
      1.3,
      "x",
      envoy(({ qps }) => qps),
    ),
    ...atLeast(
      name("QPS of direct"),
      0.45,
      "x",
      of(({ toDirect }) => toDirect.qps),
    ),
    ...atMost(
      name("its CPU per request of Envoy's"),
      0.45,
      "x",
      envoy(({ meshCpu }) => meshCpu),
    ),
    ...atMost(
      name("its CPU per request of nginx's"),
      1.1,
      "x",
      of(({ toNginx }) => toNginx.meshCpu),
    ),
    ...atMost(
      name("p99 of Envoy"),
      1,
      "x",
      envoy(({ p99 }) => p99),
    ),
  ];
}
