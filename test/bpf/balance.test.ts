// Who is chosen, on the real kernel: each policy's distribution against the weights that were configured, and the hash policies
// endpoint for endpoint against the TypeScript reading of the same table.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { endpoint, locality } from "../../src/compile/cluster.fixture.ts";
import { xxHash64 } from "../../src/compile/hash.ts";
import { pickByHash } from "../../src/compile/pick.ts";
import type { Cluster, LoadBalancing } from "../../src/model/cluster.ts";
import type { LocalityEndpoints } from "../../src/model/endpoint.ts";
import { assertFits } from "../support/stats.ts";
import { tally } from "./dialer.ts";
import type { Mesh } from "./mesh.ts";
import { chain, cluster, listener, type Resources, tcpListener, tcpProxy, type Weighted } from "./model.ts";
import { World } from "./world.ts";

setDefaultTimeout(60_000);

const vip = "127.96.3.1:80";
const many = 3000;
let world: World;
beforeAll(async () => {
  world = await World.start("127.77.3", 5);
});
afterAll(() => world[Symbol.asyncDispose]());

/** One cluster with endpoints b1, b2, … of these weights. */
function weighted(loadBalancing: LoadBalancing, weights: readonly number[], fields: Partial<Cluster> = {}): Resources {
  const endpoints = weights.map((weight, i) => endpoint(world.at(i + 1), { weight }));
  return { listeners: [tcpListener("l", vip, "c")], clusters: [cluster("c", endpoints, { loadBalancing, ...fields })] };
}

const namesOf = (weights: readonly number[]) => Object.fromEntries(weights.map((weight, i) => [`b${i + 1}`, weight]));

describe("trap 8: weights are exact", () => {
  test.each<[string, number[]]>([
    ["equal", [1, 1, 1]],
    ["1:3", [1, 3]],
    ["a total other than 100", [7, 11, 13, 2]],
    ["one in a thousand", [999, 1]],
  ])("endpoints, round robin as one long draw: %s", async (_name, weights) => {
    using _mesh = world.mesh(weighted({ policy: "least_request", choiceCount: 1 }, weights));
    assertFits(tally(await world.dialer.dial(vip, many)), namesOf(weights));
  });

  test.each<[string, Record<string, number>]>([
    ["1:3", { c1: 1, c2: 3 }],
    ["90:10", { c1: 90, c2: 10 }],
    ["a leading weight of 0 is never chosen", { c1: 0, c2: 1, c3: 1 }],
    ["weight 0 in the middle is never chosen", { c1: 2, c2: 0, c3: 1 }],
    ["a total other than 100", { c1: 1, c2: 2, c3: 4 }],
    ["only one has a weight", { c1: 0, c2: 5 }],
  ])("clusters: %s", async (_name, weights) => {
    const names = Object.keys(weights);
    using _mesh = world.mesh({
      listeners: [tcpListener("l", vip, weights as Weighted)],
      clusters: names.map((name, i) => cluster(name, [world.at(i + 1)])),
    });
    assertFits(tally(await world.dialer.dial(vip, many)), namesOf(Object.values(weights)));
  });

  test("no weight at all: refused, never the first", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("l", vip, { c1: 0, c2: 0 })],
      clusters: [cluster("c1", [world.at(1)]), cluster("c2", [world.at(2)])],
    });
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ no_filter_chain: 1 });
  });
});

describe("random", () => {
  test("every endpoint alike, whatever its weight, as in Envoy", async () => {
    using _mesh = world.mesh(weighted({ policy: "random" }, [1, 5, 1, 1]));
    assertFits(tally(await world.dialer.dial(vip, many)), namesOf([1, 1, 1, 1]));
  });
});

describe("round robin", () => {
  test("in turn, exactly", async () => {
    using _mesh = world.mesh(weighted({ policy: "round_robin" }, [1, 1, 1]));
    expect(await world.dialer.dial(vip, 7)).toEqual(["b1", "b2", "b3", "b1", "b2", "b3", "b1"]);
  });

  test("by weight, exactly in every period", async () => {
    using _mesh = world.mesh(weighted({ policy: "round_robin" }, [1, 3]));
    const answers = await world.dialer.dial(vip, 400);
    for (let i = 0; i < 400; i += 4) expect(tally(answers.slice(i, i + 4))).toEqual({ b1: 1, b2: 3 });
  });

  test("goes on through a change of endpoints, and leaves nobody out", async () => {
    using mesh = world.mesh(weighted({ policy: "round_robin" }, [1, 1, 1]));
    await world.dialer.dial(vip, 3);
    mesh.publish(weighted({ policy: "round_robin" }, [1, 1]));
    expect(tally(await world.dialer.dial(vip, 10))).toEqual({ b1: 5, b2: 5 });
    mesh.publish(weighted({ policy: "round_robin" }, [1, 1, 1, 1, 1]));
    expect(tally(await world.dialer.dial(vip, 10))).toEqual({ b1: 2, b2: 2, b3: 2, b4: 2, b5: 2 });
  });
});

describe("least request", () => {
  /** With 20 connections held by b1, and then as `resources` says. */
  async function besideBusy(resources: Resources, expected: Record<string, number>): Promise<void> {
    using mesh = world.mesh({ ...resources, clusters: [cluster("c", [world.at(1)])] });
    await world.dialer.dial(vip, 20, { hold: true });
    mesh.publish(resources);
    assertFits(tally(await world.dialer.dial(vip, many)), expected);
    await world.dialer.release();
  }

  test("two draws: the busy one only where both draws are it", () =>
    besideBusy(weighted({ policy: "least_request", choiceCount: 2 }, [1, 1]), { b1: 1, b2: 3 }));

  test("three draws", () =>
    besideBusy(weighted({ policy: "least_request", choiceCount: 3 }, [1, 1]), { b1: 1, b2: 7 }));

  test("held connections spread evenly", async () => {
    using mesh = world.mesh(weighted({ policy: "least_request", choiceCount: 8 }, [1, 1, 1, 1]));
    await world.dialer.dial(vip, 400, { hold: true });
    // Eight draws of four find one of the least loaded ones but in (3/4)^8 = 10 % of all cases: the spread stays small.
    const active = mesh.endpointStates("c").map((state) => Number(state.active));
    expect(active.reduce((sum, one) => sum + one, 0)).toBe(400);
    expect(Math.max(...active) - Math.min(...active)).toBeLessThan(12);
    await world.dialer.release();
  });
});

describe("hash of the source address", () => {
  const sources = [
    ...["127.0.0.1", "127.0.0.9", "127.1.1.1", "127.10.2.3", "127.10.20.3", "127.10.20.30", "127.110.20.30"],
    ...["127.110.120.30", "127.110.120.130"],
    ...Array.from({ length: 120 }, (_, i) => `127.77.${i}.${(i * 37) % 250}`.replace(/\.0$/, ".1")),
  ];

  const ring: LoadBalancing = {
    policy: "ring_hash",
    minimumRingSize: 1024,
    maximumRingSize: 4096,
    hashFunction: "xx_hash",
  };
  const murmur: LoadBalancing = { ...ring, hashFunction: "murmur_hash_2" };
  const maglev: LoadBalancing = { policy: "maglev", tableSize: 251 };

  function hashed(
    loadBalancing: LoadBalancing,
    localities: readonly LocalityEndpoints[],
    hashSource = true,
  ): Resources {
    const assignment = { name: "c", overprovisioningPercent: 140, localities };
    return {
      listeners: [listener("l", vip, [chain(tcpProxy("c", hashSource))])],
      clusters: [cluster("c", [], { loadBalancing, discovery: { type: "static", assignment } })],
    };
  }

  /** What the table of the compiler says. */
  function expected(mesh: Mesh, source: string): string {
    const balance = mesh.compiled.clusters.get("c")?.balance;
    if (balance === undefined) throw new Error("no balance");
    const { table } = balance;
    if (table.pick === "sequence" || table.pick === "alias" || table.pick === "least_request")
      throw new Error("no hash");
    const chosen = balance.endpoints[pickByHash(table, xxHash64(source))];
    return chosen === undefined ? "!ECONNREFUSED" : `b${chosen.address.address.bytes[3]}`;
  }

  const all = (weights: readonly number[]) => weights.map((weight, i) => endpoint(world.at(i + 1), { weight }));
  const cases: readonly [string, LoadBalancing, () => LocalityEndpoints[]][] = [
    ["ring of xxHash64", ring, () => [locality(all([1, 1, 1, 1, 1]))]],
    ["ring of MurmurHash2, weighted", murmur, () => [locality(all([1, 2, 3]))]],
    ["Maglev", maglev, () => [locality(all([1, 1, 1, 1, 1]))]],
    ["Maglev, weighted", maglev, () => [locality(all([5, 1, 1]))]],
    ["ring over two priorities", ring, () => overPriorities()],
    ["Maglev over two priorities", maglev, () => overPriorities()],
  ];

  function overPriorities(): LocalityEndpoints[] {
    const sick = endpoint(world.at(3), { health: "unhealthy" });
    const first = [endpoint(world.at(1)), sick];
    return [locality(first), locality([endpoint(world.at(4)), endpoint(world.at(5))], { priority: 1 })];
  }

  test.each(cases)("%s: the endpoint that the table says, for every source", async (_name, policy, localities) => {
    using mesh = world.mesh(hashed(policy, localities()));
    const answers = await world.dialer.dial(vip, sources.length, { binds: sources });
    expect(answers).toEqual(sources.map((source) => expected(mesh, source)));
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  test("an unbound socket hashes the address that the kernel will choose", async () => {
    using mesh = world.mesh(hashed(ring, [locality(all([1, 1, 1, 1, 1]))]));
    const who = expected(mesh, "127.0.0.1");
    expect(await world.dialer.dial(vip, 5)).toEqual([who, who, who, who, who]);
  });

  test("a v4-mapped source hashes as IPv4", async () => {
    using mesh = world.mesh(hashed(maglev, [locality(all([1, 1, 1, 1, 1]))]));
    const some = sources.slice(0, 30);
    const answers = await world.dialer.dial(`[::ffff:127.96.3.1]:80`, some.length, {
      family: 6,
      binds: some.map((source) => `::ffff:${source}`),
    });
    expect(answers).toEqual(some.map((source) => expected(mesh, source)));
  });

  test("without a hash policy the choice is random", async () => {
    using _mesh = world.mesh(hashed(maglev, [locality(all([1, 1, 1, 1]))], false));
    // Maglev's table of 251 rows is even to a row: 63, 63, 63, 62.
    const counts = tally(await world.dialer.dial(vip, many));
    expect(Object.keys(counts).sort()).toEqual(["b1", "b2", "b3", "b4"]);
    assertFits(counts, namesOf([1, 1, 1, 1]));
  });
});
