import { describe, expect, test } from "bun:test";
import type { Endpoint } from "../model/endpoint.ts";
import { type Balance, NO_ENDPOINT } from "./balance.ts";
import { balanced, chanceByPort, endpoint, locality, ports, type Settings } from "./cluster.fixture.ts";
import { xxHash64 } from "./hash.ts";
import { pickByHash } from "./pick.ts";

const MAXIMUM = 0xffff_ffff_ffff_ffffn;

function ringOf(sizes: { readonly minimum: number; readonly maximum?: number; readonly murmur?: boolean }) {
  return {
    policy: "ring_hash",
    minimumRingSize: sizes.minimum,
    maximumRingSize: sizes.maximum ?? 8388608,
    hashFunction: sizes.murmur ? "murmur_hash_2" : "xx_hash",
  } as const;
}

function maglevOf(tableSize: number) {
  return { policy: "maglev", tableSize } as const;
}

/** The port that a hash goes to; 0 if it is refused. */
function port({ table, endpoints }: Balance, hash: bigint): number {
  if (!("pick" in table) || (table.pick !== "ring" && table.pick !== "maglev" && table.pick !== "buckets")) return 0;
  const index = pickByHash(table, hash);
  return index === NO_ENDPOINT ? 0 : (endpoints[index]?.address.port ?? -1);
}

function entries({ table, endpoints }: Balance): [bigint, number][] {
  if (table.pick !== "ring") throw new Error(`a ${table.pick}, not a ring`);
  const { hash, id } = table;
  return Array.from(hash, (at, i) => [at, endpoints[id[i] ?? -1]?.address.port ?? -1]);
}

function rows({ table, endpoints }: Balance): number[] {
  if (table.pick !== "maglev") throw new Error(`a ${table.pick}, not a Maglev table`);
  return Array.from(table.rows, (id) => endpoints[id]?.address.port ?? -1);
}

const named = (...names: readonly number[]): Endpoint[] =>
  names.map((name) => endpoint(`127.0.0.1:${name}`, { hostname: String(name) }));

// envoy/test/extensions/load_balancing_policies/ring_hash/ring_hash_lb_test.cc
describe("rings of Envoy's own tests", () => {
  test("Basic", () => {
    const balance = balanced(ringOf({ minimum: 12 }), [locality(ports(90, 6))]);
    expect(entries(balance)).toEqual([
      [833437586790550860n, 94],
      [928266305478181108n, 92],
      [1033482794131418490n, 90],
      [3551244743356806947n, 95],
      [3851675632748031481n, 93],
      [5583722120771150861n, 91],
      [6311230543546372928n, 91],
      [7700377290971790572n, 93],
      [13144177310400110813n, 95],
      [13444792449719432967n, 92],
      [15516499411664133160n, 94],
      [16117243373044804889n, 90],
    ]);
    const picks = [0n, MAXIMUM, 3551244743356806947n, 3551244743356806948n, 16117243373044804880n];
    expect(picks.map((hash) => port(balance, hash))).toEqual([94, 94, 95, 93, 90]);
  });

  test("a hash key in the metadata stands for the address", () => {
    const plain = balanced(ringOf({ minimum: 12 }), [locality(ports(90, 6))]);
    const keyed = ports(80, 6).map((one, i) => ({ ...one, hashKey: `127.0.0.1:${90 + i}` }));
    const balance = balanced(ringOf({ minimum: 12 }), [locality(keyed)]);
    expect(entries(balance).map(([hash, at]) => [hash, at + 10])).toEqual(entries(plain));
  });

  test("Basic, in panic: the same ring", () => {
    const healthy = balanced(ringOf({ minimum: 12 }), [locality(ports(90, 6))]);
    const panic = balanced(ringOf({ minimum: 12 }), [locality(ports(90, 6, { health: "unhealthy" }))]);
    expect(panic.panic).toEqual([true]);
    expect(entries(panic)).toEqual(entries(healthy));
  });

  test("BasicWithMurmur2", () => {
    const balance = balanced(ringOf({ minimum: 12, murmur: true }), [locality(ports(80, 6))]);
    expect(entries(balance)).toEqual([
      [1358027074129602068n, 85],
      [4361834613929391114n, 83],
      [7224494972555149682n, 84],
      [7701421856454313576n, 81],
      [8649315368077433379n, 82],
      [8739448859063030639n, 84],
      [9887544217113020895n, 81],
      [10150910876324007731n, 82],
      [15168472011420622455n, 83],
      [15427156902705414897n, 80],
      [16375050414328759093n, 85],
      [17613279263364193813n, 80],
    ]);
  });

  test("BasicWithHostname", () => {
    const hosts = [locality(named(90, 91, 92, 93, 94, 95))];
    const balance = balanced(ringOf({ minimum: 12 }), hosts, { hashByHostname: true });
    expect(entries(balance).slice(0, 6)).toEqual([
      [1975508444536362413n, 95],
      [2376063919839173711n, 95],
      [2386806903309390596n, 93],
      [6749904478991551885n, 94],
      [6803900775736438537n, 93],
      [7225015537174310577n, 92],
    ]);
  });

  test("UnevenHosts: the ring is larger than its minimum", () => {
    const balance = balanced(ringOf({ minimum: 3 }), [locality(ports(80, 2))]);
    expect(entries(balance)).toEqual([
      [5454692015285649509n, 80],
      [7859399908942313493n, 81],
      [13838424394637650569n, 80],
      [16064866803292627174n, 81],
    ]);
  });

  const tiny: [bigint, number][] = [
    [928266305478181108n, 92],
    [4443673547860492590n, 92],
    [5583722120771150861n, 91],
    [6311230543546372928n, 91],
    [13444792449719432967n, 92],
    [16117243373044804889n, 90],
  ];

  test("HostWeightedTinyRing", () => {
    const hosts = [1, 2, 3].map((weight, i) => endpoint(`127.0.0.1:${90 + i}`, { weight }));
    expect(entries(balanced(ringOf({ minimum: 6, maximum: 6 }), [locality(hosts)]))).toEqual(tiny);
  });

  test("LocalityWeightedTinyRing", () => {
    const zones = [1, 2, 3, 0].map((weight, i) => locality(ports(90 + i, 1), { locality: `/${"ABCD"[i]}`, weight }));
    const balance = balanced(ringOf({ minimum: 6, maximum: 6 }), zones, { localityWeighted: true });
    expect(entries(balance)).toEqual(tiny);
    expect(balance.endpoints.map(({ address }) => address.port)).not.toContain(93);
  });

  test("HostAndLocalityWeightedTinyRing", () => {
    const zone = (first: number, name: string, weight: number) =>
      locality(
        [1, 2].map((weight, i) => endpoint(`127.0.0.1:${first + i}`, { weight })),
        { locality: name, weight },
      );
    const zones = [zone(90, "/A", 1), zone(92, "/B", 2)];
    expect(entries(balanced(ringOf({ minimum: 9, maximum: 9 }), zones, { localityWeighted: true }))).toEqual([
      [928266305478181108n, 92],
      [3851675632748031481n, 93],
      [5583722120771150861n, 91],
      [6311230543546372928n, 91],
      [7700377290971790572n, 93],
      [12559126875973811811n, 93],
      [13444792449719432967n, 92],
      [13784988426630141778n, 93],
      [16117243373044804889n, 90],
    ]);
  });

  test("ZeroLocalityWeights: nobody", () => {
    const zones = [locality(ports(90, 1), { locality: "/A" }), locality(ports(91, 1), { locality: "/B" })];
    expect(balanced(ringOf({ minimum: 6 }), zones, { localityWeighted: true }).table).toEqual({ pick: "none" });
  });

  test("SmallFractionalScale: two of four hosts", () => {
    expect(entries(balanced(ringOf({ minimum: 2, maximum: 2 }), [locality(ports(90, 4))]))).toHaveLength(2);
  });

  const histograms = [
    ["HostWeightedLargeRing", { minimum: 6144 }, [1, 2, 3], 6000, [987, 1932, 3081]],
    ["LargeFractionalScale", { minimum: 1023, maximum: 1023 }, [1, 1], 1023, [526, 497]],
  ] as const;

  test.each(histograms)("%s", (_, sizes, weights, steps, expected) => {
    const hosts = weights.map((weight, i) => endpoint(`127.0.0.1:${90 + i}`, { weight }));
    const balance = balanced(ringOf(sizes), [locality(hosts)]);
    const counts = expected.map(() => 0);
    for (let i = 0n; i < BigInt(steps); i++) {
      const host = port(balance, i * (MAXIMUM / BigInt(steps))) - 90;
      counts[host] = (counts[host] ?? 0) + 1;
    }
    expect(counts).toEqual([...expected]);
  });
});

// envoy/test/extensions/load_balancing_policies/maglev/maglev_lb_test.cc
describe("Maglev tables of Envoy's own tests", () => {
  const weighted = [1, 2].map((weight, i) => endpoint(`127.0.0.1:${90 + i}`, { weight }));
  const zones = (weights: readonly number[]) =>
    weights.map((weight, i) =>
      locality([endpoint(`127.0.0.1:${[90, 92, 91][i]}`, { weight: i + 1 })], { locality: `/${"ABC"[i]}`, weight }),
    );

  test("Basic", () => {
    expect(rows(balanced(maglevOf(7), [locality(ports(90, 6))]))).toEqual([92, 94, 90, 91, 95, 90, 93]);
  });

  test("BasicStability: the order of the hosts doesn't matter", () => {
    expect(rows(balanced(maglevOf(7), [locality(ports(90, 6).reverse())]))).toEqual([92, 94, 90, 91, 95, 90, 93]);
  });

  test("BasicWithHostName", () => {
    const hosts = [locality(named(90, 91, 92, 93, 94, 95))];
    expect(rows(balanced(maglevOf(7), hosts, { hashByHostname: true }))).toEqual([92, 95, 90, 93, 94, 91, 90]);
  });

  test("SingleHost", () => {
    expect(rows(balanced(maglevOf(7), [locality(ports(90, 1))]))).toEqual([90, 90, 90, 90, 90, 90, 90]);
  });

  test("Weighted", () => {
    const expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1].map((host) => 90 + host);
    expect(rows(balanced(maglevOf(17), [locality(weighted)]))).toEqual(expected);
  });

  test("LocalityWeightedSameLocalityWeights", () => {
    const same = weighted.map((host, i) => locality([host], { locality: `/${"AB"[i]}`, weight: 1 }));
    const expected = [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1].map((host) => 90 + host);
    expect(rows(balanced(maglevOf(17), same, { localityWeighted: true }))).toEqual(expected);
  });

  test("LocalityWeightedDifferentLocalityWeights", () => {
    const expected = [1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0].map((host) => 90 + host);
    expect(rows(balanced(maglevOf(17), zones([8, 0, 2]), { localityWeighted: true }))).toEqual(expected);
  });

  test("LocalityWeightedAllZeroLocalityWeights: nobody", () => {
    expect(balanced(maglevOf(17), zones([0]), { localityWeighted: true }).table).toEqual({ pick: "none" });
  });
});

describe("several priorities", () => {
  const failover = [
    locality([...ports(80, 1), ...ports(81, 1, { health: "unhealthy" })]),
    locality(ports(90, 1), { priority: 1 }),
  ];

  // ring_hash_lb_test.cc, BasicFailover: 70 % and 30 %
  test.each([[ringOf({ minimum: 12 })], [maglevOf(7)]])("the bucket decides: %j", (policy) => {
    const balance = balanced(policy, failover);
    const picked = Array.from({ length: 200 }, (_, hash) => port(balance, BigInt(hash)));
    expect(picked).toEqual(picked.map((_, hash) => (hash % 100 < 70 ? 80 : 90)));
    const { 80: first = 0, 90: second = 0 } = chanceByPort(balance);
    expect(first).toBeCloseTo(0.7, 12);
    expect(second).toBeCloseTo(0.3, 12);
  });

  test("one carries everything: no buckets", () => {
    const up = [locality(ports(80, 2)), locality(ports(90, 1), { priority: 1 })];
    expect(chanceByPort(balanced(maglevOf(7), up))).toEqual({ 80: 4 / 7, 81: 3 / 7 });
  });

  // thread_aware_lb_impl.cc: tables hold healthy hosts only
  test("the load of degraded hosts goes to the priority's healthy ones, or nowhere", () => {
    const degraded = [
      locality(ports(80, 1, { health: "degraded" })),
      locality(ports(81, 1, { health: "degraded" }), { priority: 1 }),
    ];
    expect(balanced(maglevOf(7), degraded).table).toEqual({ pick: "none" });
    const mixed = [locality([...ports(80, 1), ...ports(81, 1, { health: "degraded" })])];
    const balance = balanced(maglevOf(7), mixed);
    expect(balance.load).toEqual([{ healthy: 70, degraded: 30 }]);
    expect(chanceByPort(balance)).toEqual({ 80: 1 });
  });

  test("a priority without healthy hosts refuses its part", () => {
    const mixed = [
      locality(ports(80, 2, { health: "degraded" })),
      locality([...ports(90, 1), ...ports(91, 1, { health: "unhealthy" })], { priority: 1 }),
    ];
    const balance = balanced(maglevOf(7), mixed);
    expect(balance.load).toEqual([
      { healthy: 0, degraded: 30 },
      { healthy: 70, degraded: 0 },
    ]);
    expect([0n, 69n, 70n, 99n].map((hash) => port(balance, hash))).toEqual([90, 90, 0, 0]);
    expect(chanceByPort(balance)).toEqual({ 90: 0.7 });
  });
});

describe("consistency", () => {
  const keys = Array.from({ length: 2000 }, (_, i) => xxHash64(`10.0.${i >> 8}.${i & 255}`));
  const policies: readonly (readonly [string, Parameters<typeof balanced>[0]])[] = [
    ["ring", ringOf({ minimum: 1024 })],
    ["murmur ring", ringOf({ minimum: 1024, murmur: true })],
    ["maglev", maglevOf(65537)],
  ];

  test.each(policies)("%s: an endpoint that goes takes few others' connections along", (_, policy) => {
    const hosts = ports(9000, 10);
    const removed: Settings = { usable: ({ address }) => address.port !== 9004 };
    const before = balanced(policy, [locality(hosts)]);
    const after = balanced(policy, [locality(hosts)], removed);
    const kept = keys.filter((key) => port(before, key) !== 9004);
    const moved = kept.filter((key) => port(after, key) !== port(before, key));
    expect(keys.filter((key) => port(after, key) === 9004)).toEqual([]);
    // A ring keeps its minimum size: the hosts that stay get some entries more.
    expect(moved.length).toBeLessThan(kept.length * 0.1);
  });

  test.each(policies)("%s: the chances add up to 1", (_, policy) => {
    const chances = Object.values(chanceByPort(balanced(policy, [locality(ports(9000, 10))])));
    expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
    expect(Math.min(...chances)).toBeGreaterThan(0.05);
  });

  test("an address in a STATIC cluster that is listed twice gets both shares", () => {
    const twice = [locality([...ports(90, 1), ...ports(91, 1), ...ports(90, 1)])];
    const discovery = {
      type: "static",
      assignment: { name: "", overprovisioningPercent: 140, localities: twice },
    } as const;
    const { 90: a = 0, 91: b = 0 } = chanceByPort(balanced(maglevOf(65537), twice, { discovery }));
    expect(a / b).toBeCloseTo(2, 3);
  });
});
