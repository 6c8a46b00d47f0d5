import { describe, expect, test } from "bun:test";
import { type HostCounts, priorityState } from "./priority.ts";

type Counts = readonly [all: number, healthy: number, degraded?: number];

function state(priorities: readonly Counts[], { overprovisioning = 140, threshold = 50 } = {}) {
  const counts = priorities.map(([all, healthy, degraded = 0]): HostCounts => ({ all, healthy, degraded }));
  const { load, panic } = priorityState(counts, overprovisioning, threshold);
  return { healthy: load.map((l) => l.healthy), degraded: load.map((l) => l.degraded), panic };
}

interface Case {
  readonly name: string;
  readonly hosts: readonly Counts[];
  readonly load: readonly number[];
  readonly degraded?: readonly number[];
  readonly panic?: readonly boolean[];
  readonly options?: { readonly overprovisioning?: number; readonly threshold?: number };
}

const calm = [false, false, false];
const all = [true, true, true];

// envoy/test/extensions/load_balancing_policies/common/load_balancer_impl_base_test.cc: PrioritySelection, OverProvisioningFactor,
// GentleFailover, GentleFailoverWithExtraLevels. Their cases with excluded hosts have no counterpart here.
const ENVOY: readonly Case[] = [
  {
    name: "all down: by hosts",
    hosts: [
      [1, 0],
      [1, 0],
    ],
    load: [50, 50],
    panic: [true, true],
  },
  {
    name: "all down: what rounding leaves goes first",
    hosts: [
      [1, 0],
      [2, 0],
    ],
    load: [34, 66],
  },
  {
    name: "only the last is up",
    hosts: [
      [1, 0],
      [2, 0],
      [1, 1],
    ],
    load: [0, 0, 100],
  },
  {
    name: "the first and the last are up",
    hosts: [
      [1, 1],
      [2, 0],
      [1, 1],
    ],
    load: [100, 0, 0],
  },
  {
    name: "half down, 140 %",
    hosts: [
      [4, 2],
      [4, 2],
    ],
    load: [70, 30],
  },
  {
    name: "half down, 100 %",
    hosts: [
      [4, 2],
      [4, 2],
    ],
    load: [50, 50],
    options: { overprovisioning: 100 },
  },
  {
    name: "all up",
    hosts: [
      [1, 1],
      [1, 1],
    ],
    load: [100, 0],
    panic: [false, false],
  },
  {
    name: "70 spills to the next",
    hosts: [
      [2, 1],
      [2, 1],
    ],
    load: [70, 30],
    panic: [false, false],
  },
  {
    name: "below the threshold but carried",
    hosts: [
      [4, 1],
      [2, 2],
    ],
    load: [35, 65],
    panic: [false, false],
  },
  {
    name: "not carried: total panic",
    hosts: [
      [4, 1],
      [4, 1],
    ],
    load: [50, 50],
    panic: [true, true],
  },
  {
    name: "three up",
    hosts: [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    load: [100, 0, 0],
    panic: calm,
  },
  {
    name: "three at half",
    hosts: [
      [2, 1],
      [2, 1],
      [2, 1],
    ],
    load: [70, 30, 0],
  },
  {
    name: "35, the rest to the second",
    hosts: [
      [4, 1],
      [2, 2],
      [2, 1],
    ],
    load: [35, 65, 0],
  },
  {
    name: "35 each",
    hosts: [
      [4, 1],
      [4, 1],
      [4, 1],
    ],
    load: [35, 35, 30],
  },
  {
    name: "28 each: scaled",
    hosts: [
      [5, 1],
      [5, 1],
      [5, 1],
    ],
    load: [34, 33, 33],
    panic: all,
  },
  {
    name: "third whole",
    hosts: [
      [5, 0],
      [5, 0],
      [5, 5],
    ],
    load: [0, 0, 100],
    panic: calm,
  },
  {
    name: "third overprovisioned",
    hosts: [
      [5, 0],
      [5, 0],
      [5, 4],
    ],
    load: [0, 0, 100],
    panic: calm,
  },
  {
    name: "third at 56: total panic",
    hosts: [
      [5, 0],
      [5, 0],
      [5, 2],
    ],
    load: [34, 33, 33],
    panic: all,
  },
  {
    name: "degraded count against panic",
    hosts: [
      [5, 0, 5],
      [5, 2, 2],
      [5, 2],
    ],
    load: [0, 56, 44],
    panic: calm,
  },
  {
    name: "total panic of 5, 3, 2",
    hosts: [
      [5, 0],
      [3, 0],
      [2, 0],
    ],
    load: [50, 30, 20],
    panic: all,
  },
  {
    name: "total panic of 5, 6, 3",
    hosts: [
      [5, 0],
      [6, 2],
      [3, 1],
    ],
    load: [37, 42, 21],
    panic: all,
  },
  {
    name: "spill into degraded",
    hosts: [
      [5, 0, 1],
      [5, 0, 5],
      [5, 1],
    ],
    load: [0, 0, 28],
    degraded: [28, 44, 0],
  },
  {
    name: "rounding goes to the first degraded",
    hosts: [
      [5, 0],
      [5, 0, 2],
      [5, 0, 1],
    ],
    load: [0, 0, 0],
    degraded: [0, 67, 33],
    options: { threshold: 0 },
  },
  {
    name: "degraded but total panic",
    hosts: [
      [5, 0],
      [5, 0, 2],
      [5, 0, 1],
    ],
    load: [34, 33, 33],
  },
  {
    name: "rounding in total panic",
    hosts: [
      [3, 0],
      [3, 0],
      [3, 0],
    ],
    load: [34, 33, 33],
    panic: all,
  },
  {
    name: "rounding passes by the empty",
    hosts: [
      [0, 0],
      [6, 0],
      [3, 0],
    ],
    load: [0, 67, 33],
    panic: all,
  },
];

describe("as Envoy's own tests", () => {
  test.each(ENVOY)("$name", ({ hosts, load, degraded, panic, options }) => {
    const actual = state(hosts, options);
    expect(actual.healthy).toEqual([...load]);
    expect(actual.degraded).toEqual([...(degraded ?? load.map(() => 0))]);
    if (panic !== undefined) expect(actual.panic).toEqual([...panic]);
  });
});

const MORE: readonly Case[] = [
  { name: "no host at all", hosts: [[0, 0]], load: [100], panic: [true] },
  { name: "no host at all, panic off", hosts: [[0, 0]], load: [100], panic: [false], options: { threshold: 0 } },
  {
    name: "all down, panic off",
    hosts: [
      [2, 0],
      [2, 0],
    ],
    load: [100, 0],
    panic: [false, false],
    options: { threshold: 0 },
  },
  {
    name: "one of two in panic",
    hosts: [
      [10, 1],
      [10, 5],
    ],
    load: [17, 83],
    panic: [true, false],
  },
  {
    name: "exactly at the threshold is no panic",
    hosts: [
      [4, 1],
      [4, 1],
    ],
    load: [50, 50],
    panic: [false, false],
    options: { threshold: 25 },
  },
  // ProtobufPercentHelper::convertPercent: 100 * (29 / 100) is 28.999…, truncated to 28
  { name: "29 counts as 28", hosts: [[100, 28]], load: [100], panic: [false], options: { threshold: 29 } },
  { name: "30 counts as 30", hosts: [[100, 28]], load: [100], panic: [true], options: { threshold: 30 } },
  { name: "a fraction of a percent is off", hosts: [[1, 0]], load: [100], panic: [false], options: { threshold: 0.9 } },
];

describe("from Envoy's sources", () => {
  test.each(MORE)("$name", ({ hosts, load, panic, options }) => {
    const actual = state(hosts, options);
    expect(actual.healthy).toEqual([...load]);
    expect(actual.panic).toEqual([...(panic ?? [])]);
  });
});

test("the load is always 100 %", () => {
  const sizes: readonly Counts[] = [
    [0, 0],
    [1, 0],
    [1, 0, 1],
    [3, 1, 1],
    [7, 2, 3],
    [13, 13],
    [100, 1],
  ];
  for (const a of sizes) {
    for (const b of sizes) {
      for (const c of sizes) {
        for (const threshold of [0, 50, 100]) {
          const { healthy, degraded } = state([a, b, c], { threshold });
          const total = [...healthy, ...degraded].reduce((sum, load) => sum + load, 0);
          expect({ a, b, c, threshold, total }).toEqual({ a, b, c, threshold, total: 100 });
        }
      }
    }
  }
});
