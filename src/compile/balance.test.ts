import { describe, expect, test } from "bun:test";
import type { LoadBalancing } from "../model/cluster.ts";
import type { Health, LocalityEndpoints } from "../model/endpoint.ts";
import { MAXIMUM_TOTAL } from "./alias.ts";
import { type Balance, NO_ENDPOINT } from "./balance.ts";
import { balanced, chanceByPort, endpoint, locality, ports, type Settings } from "./cluster.fixture.ts";

const roundRobin: LoadBalancing = { policy: "round_robin" };
const random: LoadBalancing = { policy: "random" };
const leastRequest: LoadBalancing = { policy: "least_request", choiceCount: 2 };

const weighted = (...weights: readonly number[]) =>
  weights.map((weight, i) => endpoint(`127.0.0.1:${80 + i}`, { weight }));

/** Hosts with healths by letter: h, d, u. */
const hosts = (first: number, healths: string) =>
  [...healths].map((letter, i) => endpoint(`127.0.0.1:${first + i}`, { health: HEALTHS[letter] ?? "healthy" }));
const HEALTHS: Readonly<Record<string, Health>> = { h: "healthy", d: "degraded", u: "unhealthy" };

function turns({ table, endpoints }: Balance): number[] {
  if (table.pick !== "sequence") throw new Error(`a ${table.pick}, not a sequence`);
  return Array.from(table.rows, (id) => (id === NO_ENDPOINT ? 0 : (endpoints[id]?.address.port ?? -1)));
}

describe("round robin", () => {
  test.each([
    ["equal weights: plain rotation", weighted(5, 5, 5), [80, 81, 82]],
    ["reduced to the shortest period", weighted(10, 20), [81, 80, 81]],
    ["a weight of 0 counts as 1", weighted(0, 1), [80, 81]],
  ])("%s", (_, endpoints, expected) => {
    expect(turns(balanced(roundRobin, [locality(endpoints)]))).toEqual(expected);
  });

  test("as many rows as endpoints, even beyond the longest period", () => {
    expect(turns(balanced(roundRobin, [locality(ports(1000, 5000))]))).toHaveLength(5000);
  });

  test("a period that would be too long is drawn", () => {
    const { table } = balanced(roundRobin, [locality(weighted(4096, 1))]);
    expect(table).toMatchObject({ pick: "alias", rows: { total: 4097 } });
    expect(turns(balanced(roundRobin, [locality(weighted(4095, 1))]))).toHaveLength(4096);
  });

  test("failover: the product of the priorities' and the hosts' shares", () => {
    const balance = balanced(roundRobin, [locality(hosts(80, "hu")), locality(hosts(90, "hh"), { priority: 1 })]);
    expect(turns(balance)).toHaveLength(20);
    expect(chanceByPort(balance)).toEqual({ 80: 0.7, 90: 0.15, 91: 0.15 });
  });
});

describe("random and least request", () => {
  test("random takes no notice of endpoint weights", () => {
    expect(chanceByPort(balanced(random, [locality(weighted(1, 99))]))).toEqual({ 80: 0.5, 81: 0.5 });
  });

  test("least request draws by weight and compares by weight", () => {
    const { table } = balanced(leastRequest, [locality(weighted(10, 30))]);
    expect(table).toMatchObject({ pick: "least_request", draws: 2, weights: Uint32Array.of(1, 3), rows: { total: 4 } });
  });

  test("at most 8 draws", () => {
    const { table } = balanced({ policy: "least_request", choiceCount: 100 }, [locality(weighted(1, 1))]);
    expect(table).toMatchObject({ draws: 8 });
  });

  test("weights whose sum does not fit are scaled, and none is lost", () => {
    const { table } = balanced(leastRequest, [locality(weighted(MAXIMUM_TOTAL, MAXIMUM_TOTAL, 1))]);
    if (table.pick !== "least_request") throw new Error(table.pick);
    expect(table.rows.total).toBeLessThanOrEqual(MAXIMUM_TOTAL);
    expect([...table.weights]).toEqual([2147483645, 2147483645, 1]);
  });
});

interface Case {
  readonly name: string;
  readonly localities: readonly LocalityEndpoints[];
  readonly settings?: Settings;
  readonly chances: Readonly<Record<number, number>>;
}

const zones = (a: string, b: string, weights: readonly [number, number]) => [
  locality(hosts(80, a), { locality: "r/a", weight: weights[0] }),
  locality(hosts(90, b), { locality: "r/b", weight: weights[1] }),
];
const localityWeighted: Settings = { localityWeighted: true };

// load_balancer_impl.cc, hostSourceToUse; locality_wrr.cc and its test (UnhealthyFailover, AllZeroWeights, MissingWeight)
const CASES: readonly Case[] = [
  { name: "no endpoint", localities: [], chances: {} },
  {
    name: "unhealthy ones get nothing",
    localities: [locality(hosts(80, "hhuh"))],
    chances: { 80: 1 / 3, 81: 1 / 3, 83: 1 / 3 },
  },
  {
    name: "panic: everybody",
    localities: [locality(hosts(80, "huuu"))],
    chances: { 80: 0.25, 81: 0.25, 82: 0.25, 83: 0.25 },
  },
  {
    name: "panic off: the healthy one",
    localities: [locality(hosts(80, "huuu"))],
    settings: { panicThresholdPercent: 0 },
    chances: { 80: 1 },
  },
  {
    name: "panic off and all down: nobody",
    localities: [locality(hosts(80, "uu"))],
    settings: { panicThresholdPercent: 0 },
    chances: {},
  },
  {
    name: "fail_traffic_on_panic: nobody",
    localities: [locality(hosts(80, "huuu"))],
    settings: { failTrafficOnPanic: true },
    chances: {},
  },
  {
    name: "fail_traffic_on_panic: one priority of two",
    localities: [locality(hosts(80, "huuuuuuuuu")), locality(hosts(90, "hhhhhuuuuu"), { priority: 1 })],
    settings: { failTrafficOnPanic: true },
    chances: { 90: 0.166, 91: 0.166, 92: 0.166, 93: 0.166, 94: 0.166 },
  },
  {
    name: "degraded take what the healthy can't carry",
    localities: [locality(hosts(80, "hd"))],
    chances: { 80: 0.7, 81: 0.3 },
  },
  { name: "only degraded", localities: [locality(hosts(80, "dd"))], chances: { 80: 0.5, 81: 0.5 } },
  {
    name: "the overprovisioning factor",
    localities: [locality(hosts(80, "hu")), locality(hosts(90, "h"), { priority: 1 })],
    settings: { overprovisioningPercent: 100 },
    chances: { 80: 0.5, 90: 0.5 },
  },
  {
    name: "a gap in the priorities",
    localities: [locality(hosts(80, "h"), { priority: 3 })],
    chances: { 80: 1 },
  },
  {
    name: "locality weights that nobody asked for",
    localities: zones("hh", "h", [1, 2]),
    chances: { 80: 1 / 3, 81: 1 / 3, 90: 1 / 3 },
  },
  {
    name: "locality weights",
    localities: zones("hh", "h", [1, 2]),
    settings: localityWeighted,
    chances: { 80: 1 / 6, 81: 1 / 6, 90: 2 / 3 },
  },
  {
    name: "effective weights: 4 of 5 is still whole",
    localities: zones("hhhhu", "h", [1, 2]),
    settings: localityWeighted,
    chances: { 80: 1 / 12, 81: 1 / 12, 82: 1 / 12, 83: 1 / 12, 90: 2 / 3 },
  },
  {
    name: "effective weights: 2 of 5 counts 0.56",
    localities: zones("hhuuu", "h", [1, 2]),
    settings: localityWeighted,
    chances: { 80: 0.28 / 2.56, 81: 0.28 / 2.56, 90: 2 / 2.56 },
  },
  {
    name: "a locality that is down",
    localities: zones("u", "hh", [9, 1]),
    settings: localityWeighted,
    chances: { 90: 0.5, 91: 0.5 },
  },
  {
    name: "a locality without a weight",
    localities: zones("h", "h", [1, 0]),
    settings: localityWeighted,
    chances: { 80: 1 },
  },
  {
    name: "no locality has a weight",
    localities: zones("hh", "h", [0, 0]),
    settings: localityWeighted,
    chances: { 80: 1 / 3, 81: 1 / 3, 90: 1 / 3 },
  },
  {
    name: "panic takes no notice of localities",
    localities: zones("uu", "hu", [9, 1]),
    settings: localityWeighted,
    chances: { 80: 0.25, 81: 0.25, 90: 0.25, 91: 0.25 },
  },
  {
    name: "a locality that is listed twice",
    localities: [...zones("h", "h", [1, 3]), locality(hosts(81, "h"), { locality: "r/a" })],
    settings: localityWeighted,
    chances: { 80: 1 / 8, 81: 1 / 8, 90: 3 / 4 },
  },
  {
    name: "EDS: the first of two listings of an address counts",
    localities: [locality([...hosts(80, "h"), ...hosts(80, "u"), ...hosts(81, "h")])],
    chances: { 80: 0.5, 81: 0.5 },
  },
  {
    name: "STATIC: each listing of an address is a host",
    localities: [locality([...hosts(80, "h"), ...hosts(81, "h"), ...hosts(80, "h")])],
    settings: { discovery: { type: "static", assignment: { name: "", overprovisioningPercent: 140, localities: [] } } },
    chances: { 80: 2 / 3, 81: 1 / 3 },
  },
  {
    name: "an unusable endpoint is absent, for health too",
    localities: [locality(hosts(80, "huu"))],
    settings: { usable: ({ address }) => address.port !== 82 },
    chances: { 80: 1 },
  },
];

describe.each([roundRobin, random, leastRequest])("%j", (policy) => {
  test.each(CASES)("$name", ({ localities, settings, chances }) => {
    const balance = balanced(policy, localities, settings);
    const actual = chanceByPort(balance);
    expect(Object.keys(actual)).toEqual(Object.keys(chances));
    for (const [port, chance] of Object.entries(chances)) expect(actual[Number(port)]).toBeCloseTo(chance, 12);
    expect(balance.table.pick === "none").toBe(Object.keys(chances).length === 0);
  });

  test("the order of endpoints and localities doesn't matter", () => {
    const localities = [
      locality([...weighted(1, 2, 3), ...hosts(83, "duu")], { locality: "r/a", weight: 3 }),
      locality(hosts(90, "hu"), { locality: "r/b", weight: 7 }),
      locality(hosts(100, "hh"), { priority: 1 }),
    ];
    const reversed = localities.map((part) => ({ ...part, endpoints: part.endpoints.toReversed() })).reverse();
    expect(chanceByPort(balanced(policy, reversed, localityWeighted))).toEqual(
      chanceByPort(balanced(policy, localities, localityWeighted)),
    );
  });
});

test("with a part that is refused, least request draws once", () => {
  const localities = [locality(hosts(80, "huuuuuuuuu")), locality(hosts(90, "hhhhhuuuuu"), { priority: 1 })];
  const { table, endpoints } = balanced(leastRequest, localities, { failTrafficOnPanic: true });
  if (table.pick !== "least_request") throw new Error(table.pick);
  expect(table.draws).toBe(1);
  expect([...table.rows.id]).toContain(NO_ENDPOINT);
  expect(table.weights).toHaveLength(endpoints.length);
});

test("the chances of any healthy mixture add up to 1", () => {
  for (const a of ["h", "hu", "hhhu", "huuu", "hdu", "dd", "uu"]) {
    for (const b of ["", "h", "uu", "hd", "huuuu"]) {
      for (const settings of [{}, localityWeighted]) {
        const localities = [
          locality(hosts(80, a), { locality: "r/a", weight: 2 }),
          locality(hosts(90, b), { locality: "r/b", weight: 5 }),
          locality(hosts(100, b), { priority: 1, weight: 1 }),
        ];
        const chances = Object.values(chanceByPort(balanced(roundRobin, localities, settings)));
        expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
        expect(Math.min(...chances)).toBeGreaterThan(0);
      }
    }
  }
});
