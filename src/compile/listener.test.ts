import { describe, expect, test } from "bun:test";
import { address, prefix } from "../../test/bpf/model.ts";
import { prefixOf } from "../ip.ts";
import { unpack } from "../layout/codec.ts";
import * as layout from "../layout/mesh.gen.ts";
import { compileListener } from "./listener.ts";
import type { Placement, Target } from "./placement.ts";

const base = { chain: "", virtualHost: "", reason: "" };
const exact = (text: string, port: number, target: Target): Placement => {
  const whole = address(text);
  return { ...base, prefix: prefixOf(whole, whole.family === 4 ? 32 : 128), isExact: true, port, target };
};
const wild = (text: string, port: number, target: Target): Placement => ({
  ...base,
  prefix: prefix(text),
  isExact: false,
  port,
  target,
});
const clusters = (weights: Record<string, number>, hashSource = false): Target => ({
  type: "clusters",
  clusters: Object.entries(weights).map(([cluster, weight]) => ({ cluster, weight })),
  hashSource,
});

function compile(placement: Placement) {
  const ids: Record<string, number> = { a: 21, b: 22 };
  const [row] = compileListener(5, [placement], {
    clusterId: (name) => ids[name] ?? 0,
    place: (rows) => ({ first: 300, rows }),
  });
  if (row === undefined) throw new Error("no row");
  const [value] = unpack(layout.listener, row.value, 1);
  const rows =
    row.table === undefined ? [] : unpack(layout.slot, row.table.rows, row.table.rows.length / layout.slot.size);
  return { map: row.map, key: row.key, value, rows };
}

describe("keys", () => {
  test("an exact destination", () => {
    const { map, key } = compile(exact("10.1.2.3", 8080, { type: "native" }));
    expect([map, key.toHex()]).toEqual(["listeners", `0a010203${"00".repeat(12)}1f900400`]);
  });

  test("an exact IPv6 destination", () => {
    const { map, key } = compile(exact("2001:db8::1", 80, { type: "native" }));
    expect([map, key.toHex()]).toEqual(["listeners", "20010db800000000000000000000000100500600"]);
  });

  test("a prefix: its length counts the 32 bits of port and family", () => {
    const { map, key } = compile(wild("10.1.0.0/16", 80, { type: "native" }));
    expect([map, key.toHex()]).toEqual(["listener_prefixes", `3000000000500400${"0a010000".padEnd(32, "0")}`]);
  });

  test("a /32 prefix is no exact destination", () => {
    expect(compile(wild("10.1.2.3/32", 80, { type: "native" })).map).toBe("listener_prefixes");
  });
});

describe("actions", () => {
  const none = { total: 0n, id: 5, target: 0, count: 0, flags: 0 };
  const cases: readonly [string, Target, object][] = [
    ["refuse", { type: "refuse" }, { ...none, action: layout.ListenerAction.ACTION_REFUSE }],
    ["native", { type: "native" }, { ...none, action: layout.ListenerAction.ACTION_PASS }],
    ["ungoverned", { type: "ungoverned", needs: [] }, { ...none, action: layout.ListenerAction.ACTION_PASS }],
    ["one cluster", clusters({ a: 7 }), { ...none, action: layout.ListenerAction.ACTION_CLUSTER, target: 21 }],
    [
      "one cluster by source",
      clusters({ b: 1 }, true),
      {
        ...none,
        action: layout.ListenerAction.ACTION_CLUSTER,
        target: 22,
        flags: layout.ListenerFlags.LISTENER_HASH_SOURCE,
      },
    ],
    ["none with a weight", clusters({}), { ...none, action: layout.ListenerAction.ACTION_REFUSE }],
    [
      "weights",
      clusters({ a: 1, b: 3 }),
      { ...none, action: layout.ListenerAction.ACTION_WEIGHTED_CLUSTERS, target: 300, count: 2, total: 4n },
    ],
  ];
  test.each(cases)("%s", (_name, target, expected) =>
    expect(compile(exact("10.0.0.1", 80, target)).value).toEqual(expected as never),
  );

  test("weights become an alias table whose chances are the weights", () => {
    const { rows, value } = compile(exact("10.0.0.1", 80, clusters({ a: 1, b: 3 })));
    const chances: Record<number, bigint> = {};
    for (const { id, alias, value: keep } of rows) {
      chances[id] = (chances[id] ?? 0n) + keep;
      chances[alias] = (chances[alias] ?? 0n) + (value?.total ?? 0n) - keep;
    }
    expect(chances).toEqual({ 21: 2n, 22: 6n });
  });
});
