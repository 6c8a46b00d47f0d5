import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KernelModel, stepsOf } from "../../test/bpf/kernel-model.ts";
import {
  chain,
  cluster,
  listener,
  prefix,
  type Resources,
  snapshot,
  tcpListener,
  tcpProxy,
} from "../../test/bpf/model.ts";
import { endpoint, locality } from "../compile/cluster.fixture.ts";
import { Compiler } from "../compile/compile.ts";
import { emptyImage, type Image } from "../compile/image.ts";
import type { LoadBalancing } from "../model/cluster.ts";
import { diff, publishOrder, rootMaps } from "./transaction.ts";

const digest = (name: string): string => Buffer.from(name.padEnd(15, ".").slice(0, 15)).toString("hex");

const policies: readonly LoadBalancing[] = [
  { policy: "round_robin" },
  { policy: "random" },
  { policy: "least_request", choiceCount: 2 },
  { policy: "maglev", tableSize: 7 },
  { policy: "ring_hash", minimumRingSize: 8, maximumRingSize: 16, hashFunction: "xx_hash" },
];

const clusterNames = ["c0", "c1", "c2", "c3"];
const oneEndpoint = fc.record({
  at: fc.nat({ max: 5 }),
  weight: fc.integer({ min: 1, max: 3 }),
  priority: fc.nat({ max: 1 }),
  isSick: fc.boolean(),
});

const oneCluster = fc
  .record({
    endpoints: fc.array(oneEndpoint, { maxLength: 4 }),
    policy: fc.constantFrom(...policies),
    limit: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
  })
  .map(({ endpoints, policy, limit }) => {
    const localities = [0, 1].map((priority) =>
      locality(
        endpoints
          .filter((one) => one.priority === priority)
          .map(({ at, weight, isSick }) =>
            endpoint(`127.0.0.${at}:80`, { weight, health: isSick ? "unhealthy" : "healthy" }),
          ),
        { priority },
      ),
    );
    const assignment = { name: "", overprovisioningPercent: 140, localities };
    return cluster("", [], { loadBalancing: policy, maxConnections: limit, discovery: { type: "static", assignment } });
  });

const target = fc.oneof(
  fc.constantFrom(...clusterNames),
  fc.dictionary(fc.constantFrom(...clusterNames), fc.nat({ max: 3 }), { maxKeys: 3, noNullPrototype: true }),
);
const bind = fc.constantFrom("10.0.0.1:80", "10.0.0.2:80", "0.0.0.0:80", "[::]:80");
const prefixes = fc.constantFrom("10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/32", "2001:db8::/32");
const oneListener = fc.oneof(
  fc.tuple(bind, target).map(([at, to]) => tcpListener("", at, to)),
  fc.tuple(bind, target, prefixes, target).map(([at, to, range, other]) =>
    listener("", at, [chain(tcpProxy(other), { prefixes: [prefix(range)] })], {
      defaultFilterChain: chain(tcpProxy(to)),
    }),
  ),
);

const resources: fc.Arbitrary<Resources> = fc
  .record({
    clusters: fc.dictionary(fc.constantFrom(...clusterNames), oneCluster, { noNullPrototype: true }),
    listeners: fc.dictionary(fc.constantFrom("l0", "l1", "l2"), oneListener, { noNullPrototype: true }),
  })
  .map(({ clusters, listeners }) => ({
    clusters: Object.entries(clusters).map(([name, one]) => ({ ...one, name })),
    listeners: Object.entries(listeners).map(([name, one]) => ({ ...one, name })),
  }));

/** Every pair of images that follow one another, as one compiler makes them. */
function forEachChange(history: readonly Resources[], check: (have: Image, want: Image) => void): void {
  const compiler = new Compiler(4096, digest, true);
  let have: Image = emptyImage;
  for (const one of history) {
    const want = compiler.compile(snapshot(one)).image;
    check(have, want);
    compiler.release(diff(have, want).freed);
    have = want;
  }
}

const histories = fc.array(resources, { minLength: 1, maxLength: 4 });

describe("a transaction between any two images", () => {
  test("makes the one of the other", () => {
    fc.assert(
      fc.property(histories, (history) =>
        forEachChange(history, (have, want) => {
          const kernel = KernelModel.of(have);
          for (const step of stepsOf(diff(have, want))) kernel.apply(step);
          expect(kernel.contents()).toEqual(KernelModel.of(want).contents());
        }),
      ),
    );
  });

  test("is empty between an image and itself, or an equal one", () => {
    fc.assert(
      fc.property(resources, (one) => {
        const compile = (): Image => new Compiler(4096, digest, true).compile(snapshot(one)).image;
        const image = compile();
        for (const other of [image, compile()]) {
          expect(diff(image, other)).toEqual({
            puts: [],
            deletes: [],
            freed: { clusters: [], endpoints: [], listeners: [], tables: [] },
          });
        }
      }),
    );
  });

  test("after every single write, nothing that a connection can reach is missing", () => {
    fc.assert(
      fc.property(histories, (history) =>
        forEachChange(history, (have, want) => {
          const kernel = KernelModel.of(have);
          expect(kernel.missing()).toEqual([]);
          for (const step of stepsOf(diff(have, want))) {
            kernel.apply(step);
            expect(kernel.missing()).toEqual([]);
          }
        }),
      ),
    );
  });

  test("never writes a row that a connection can read", () => {
    fc.assert(
      fc.property(histories, (history) =>
        forEachChange(history, (have, want) => {
          const kernel = KernelModel.of(have);
          for (const step of stepsOf(diff(have, want))) {
            if (step.map === "slots")
              expect(kernel.reachableRows()).not.toContain(step.key.reduce((sum, byte, i) => sum + byte * 256 ** i, 0));
            kernel.apply(step);
          }
        }),
      ),
    );
  });

  test("deletes what programs begin at before anything else, and deletes nothing that it has put", () => {
    fc.assert(
      fc.property(histories, (history) =>
        forEachChange(history, (have, want) => {
          const { puts, deletes } = diff(have, want);
          const roots = deletes.map(({ map }) => rootMaps.has(map));
          expect(roots.toSorted((a, b) => Number(b) - Number(a))).toEqual(roots);
          const put = new Set(
            stepsOf({ puts, deletes: [], freed: noFreed }).map(({ map, key }) => `${map} ${key.toHex()}`),
          );
          for (const { map, key } of stepsOf({ puts: [], deletes, freed: noFreed }))
            expect(put.has(`${map} ${key.toHex()}`)).toBe(false);
          for (const batches of [puts, deletes.toReversed()]) {
            const order = batches.map(({ map }) => publishOrder.indexOf(map));
            expect(order.toSorted((a, b) => a - b)).toEqual(order);
          }
        }),
      ),
    );
  });

  test("says of how many entries the map had none", () => {
    fc.assert(
      fc.property(histories, (history) =>
        forEachChange(history, (have, want) => {
          const kernel = KernelModel.of(have).contents();
          for (const { map, created, keys, count } of diff(have, want).puts) {
            if (map !== "clusters" && map !== "endpoints") continue;
            const size = keys.length / count;
            const fresh = Array.from({ length: count }, (_, i) => keys.slice(i * size, (i + 1) * size).toHex()).filter(
              (key) => kernel[map]?.[key] === undefined,
            );
            expect([map, created]).toEqual([map, fresh.length]);
          }
        }),
      ),
    );
  });
});

const noFreed = { clusters: [], endpoints: [], listeners: [], tables: [] };

test("trap 1: an endpoint that goes is deleted, with its counters, behind the flip of its cluster", () => {
  const compiler = new Compiler(64, digest, true);
  const of = (...endpoints: string[]): Image =>
    compiler.compile(snapshot({ clusters: [cluster("c", endpoints)] })).image;
  const have = of("127.0.0.1:1", "127.0.0.1:2");
  const { puts, deletes, freed } = diff(have, of("127.0.0.1:1"));
  expect(puts.map(({ map, count }) => [map, count])).toEqual([
    ["slots", 1],
    ["clusters", 1],
  ]);
  expect(deletes.map(({ map, count }) => [map, count])).toEqual([
    ["endpoints", 1],
    ["endpoint_states", 1],
  ]);
  expect(freed).toEqual({ clusters: [], endpoints: [2], listeners: [], tables: [0] });
});

test("trap 11: nothing wanted is everything deleted", () => {
  const resources: Resources = {
    clusters: [cluster("c", ["127.0.0.1:1"])],
    listeners: [tcpListener("l", "10.0.0.1:80", "c")],
  };
  const have = new Compiler(64, digest, true).compile(snapshot(resources)).image;
  const { puts, deletes } = diff(have, emptyImage);
  expect(puts).toEqual([]);
  expect(deletes.map(({ map }) => map)).toEqual([
    "listeners",
    "clusters",
    "endpoints",
    "endpoint_states",
    "cluster_states",
    "listener_states",
    "ids",
  ]);
});
