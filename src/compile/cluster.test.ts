import { describe, expect, test } from "bun:test";
import { assignment, cluster, originalDst } from "../../test/bpf/model.ts";
import { unpack } from "../layout/codec.ts";
import * as layout from "../layout/mesh.gen.ts";
import type { Cluster } from "../model/cluster.ts";
import type { LocalityEndpoints } from "../model/endpoint.ts";
import { balance } from "./balance.ts";
import { endpoint, locality, ports } from "./cluster.fixture.ts";
import { compileCluster, dispositionOf } from "./cluster.ts";

const firstRow = 1000;

/** Endpoints get the ids 11, 12, … in the order they are asked for. */
function compile(localities: readonly LocalityEndpoints[], fields: Partial<Cluster> = {}) {
  const known = new Map<string, number>();
  const it = cluster("c", [], fields);
  const body = compileCluster(
    7,
    new Uint8Array(15),
    it,
    balance(it, { name: "c", overprovisioningPercent: 140, localities }, () => true),
    {
      endpointId: (key) => known.get(key) ?? known.set(key, 11 + known.size).get(key) ?? 0,
      place: (rows) => ({ first: firstRow, rows }),
    },
  );
  const [value] = unpack(layout.cluster, body.value, 1);
  return {
    value,
    rows: unpack(layout.slot, body.table.rows, body.table.rows.length / layout.slot.size),
    endpointIds: [...body.endpointIds],
    endpoints: unpack(layout.endpoint, body.endpointValues, body.endpointIds.length),
    keys: [...known.keys()],
  };
}

describe("compileCluster", () => {
  test("no endpoint: no row, and a count of 0", () => {
    const { value, rows, endpointIds } = compile([]);
    expect(value).toEqual({
      total: 0n,
      table: firstRow,
      count: 0,
      maxConnections: 0xffffffff,
      pick: layout.Pick.PICK_SEQUENCE,
      draws: 0,
      flags: 0,
    });
    expect([rows, endpointIds]).toEqual([[], []]);
  });

  test("round robin: rows in turn, and endpoints with their address", () => {
    const { value, rows, endpoints, keys } = compile(
      [locality([endpoint("127.0.0.1:80", { weight: 1 }), endpoint("[2001:db8::1]:443", { weight: 2 })])],
      {
        loadBalancing: { policy: "round_robin" },
        maxConnections: 9,
      },
    );
    expect(value).toMatchObject({ count: 3, maxConnections: 9, pick: layout.Pick.PICK_SEQUENCE });
    expect(rows.map(({ id }) => id)).toEqual([12, 11, 12]);
    expect(endpoints).toMatchObject([
      { cluster: 7, family: 4, portBe: 80, weight: 1 },
      { cluster: 7, family: 6, portBe: 443, weight: 1 },
    ]);
    expect(endpoints.map(({ address }) => address.toHex())).toEqual([
      "7f0000010000000000000000".padEnd(32, "0"),
      "20010db8000000000000000000000001",
    ]);
    expect(keys).toEqual(["7 127.0.0.1:80", "7 [2001:db8::1]:443"]);
  });

  test("max_connections 0 is 0, unset is no limit", () => {
    expect(compile([], { maxConnections: 0 }).value?.maxConnections).toBe(0);
    expect(compile([], { maxConnections: undefined }).value?.maxConnections).toBe(0xffffffff);
  });

  test("least request: weights to compare, and no more draws than the kernel makes", () => {
    const { value, endpoints } = compile(
      [locality([endpoint("127.0.0.1:1", { weight: 3 }), endpoint("127.0.0.1:2", { weight: 1 })])],
      {
        loadBalancing: { policy: "least_request", choiceCount: 100 },
      },
    );
    expect(value).toMatchObject({ pick: layout.Pick.PICK_LEAST_REQUEST, draws: layout.LEAST_REQUEST_DRAWS, total: 4n });
    expect(endpoints.map(({ weight }) => weight)).toEqual([3, 1]);
  });

  test("a ring ascends by its hashes", () => {
    const ring = { policy: "ring_hash", minimumRingSize: 64, maximumRingSize: 128, hashFunction: "xx_hash" } as const;
    const { value, rows } = compile([locality(ports(1, 3))], { loadBalancing: ring });
    expect(value).toMatchObject({ pick: layout.Pick.PICK_RING, flags: 0, count: rows.length });
    expect(rows.every(({ value }, i) => i === 0 || value >= (rows[i - 1]?.value ?? 0n))).toBe(true);
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([11, 12, 13]));
  });

  test("priorities of a hash policy: HASH_BUCKETS rows that name tables by their place behind them", () => {
    const localities = [
      locality([...ports(1, 1), ...ports(2, 1, { health: "unhealthy" })]),
      locality(ports(3, 2), { priority: 1 }),
    ];
    const { value, rows } = compile(localities, { loadBalancing: { policy: "maglev", tableSize: 7 } });
    expect(value).toMatchObject({
      pick: layout.Pick.PICK_MAGLEV,
      flags: layout.ClusterFlags.CLUSTER_HASH_BUCKETS,
      count: layout.HASH_BUCKETS + 14,
    });
    const buckets = rows.slice(0, layout.HASH_BUCKETS).map(({ id, alias }) => `${id}+${alias}`);
    expect(new Set(buckets)).toEqual(new Set(["100+7", "107+7"]));
    expect(buckets.filter((bucket) => bucket === "100+7").length).toBe(70);
    expect(new Set(rows.slice(100, 107).map(({ id }) => id))).toEqual(new Set([11]));
    expect(new Set(rows.slice(107).map(({ id }) => id))).toEqual(new Set([12, 13]));
  });
});

describe("dispositionOf", () => {
  const tls = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
  const istio = [
    { name: "tlsMode-istio", match: '{"tlsMode":"istio"}', socket: tls },
    { name: "tlsMode-disabled", match: "{}", socket: "raw" },
  ];
  const withMetadata = (metadata: string) =>
    assignment("c", [endpoint("127.0.0.1:1", { transportSocketMatch: metadata })]);
  const cases: readonly [string, Cluster | undefined, ReturnType<typeof assignment> | undefined, string][] = [
    ["unknown", undefined, undefined, "unsupported"],
    ["ORIGINAL_DST", originalDst("c"), undefined, "native"],
    ["plaintext", cluster("c", []), withMetadata(""), "balanced"],
    ["no endpoints", cluster("c", [], { transportSocket: tls }), undefined, "balanced"],
    ["TLS", cluster("c", [], { transportSocket: tls }), withMetadata(""), "unsupported"],
    [
      "a match that applies",
      cluster("c", [], { transportSocketMatches: istio }),
      withMetadata('{"tlsMode":"istio"}'),
      "unsupported",
    ],
    [
      "the catch-all match",
      cluster("c", [], { transportSocketMatches: istio }),
      withMetadata('{"tlsMode":"off"}'),
      "balanced",
    ],
    ["no metadata", cluster("c", [], { transportSocketMatches: istio }), withMetadata(""), "balanced"],
    [
      "no match: the cluster's own",
      cluster("c", [], { transportSocket: tls, transportSocketMatches: istio.slice(0, 1) }),
      withMetadata(""),
      "unsupported",
    ],
  ];
  test.each(cases)("%s", (_name, it, endpoints, expected) =>
    expect(dispositionOf(it, endpoints).type).toBe(expected as "native"),
  );
});
