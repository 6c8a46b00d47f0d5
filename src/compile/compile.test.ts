import { describe, expect, test } from "bun:test";
import {
  assignment,
  chain,
  cluster,
  edsCluster,
  http,
  listener,
  originalDst,
  prefix,
  type Resources,
  routes,
  snapshot,
  tcpListener,
  tcpProxy,
  virtualHost,
} from "../../test/bpf/model.ts";
import { diff } from "../dataplane/transaction.ts";
import { MeshError } from "../errors.ts";
import { unpack } from "../layout/codec.ts";
import * as layout from "../layout/mesh.gen.ts";
import { forward, routeTo } from "../model/http.fixture.ts";
import { endpoint } from "./cluster.fixture.ts";
import { endpointKey } from "./cluster.ts";
import { Compiler, nothingRestored, type Restored } from "./compile.ts";
import { emptyImage, type Image } from "./image.ts";

/** As long as a real one, and readable enough. */
const digest = (name: string): string => Buffer.from(name.padEnd(15, ".").slice(0, 15)).toString("hex");

const newCompiler = (slots = 65536, restored: Restored = nothingRestored) =>
  new Compiler(slots, digest, true, restored);

/** What the dataplane would read back from a kernel that holds this image. */
function restoredFrom(image: Image): Restored {
  const endpoints = [...image.clusters.values()].flatMap(({ id, endpointIds, endpointValues }) =>
    unpack(layout.endpoint, endpointValues, endpointIds.length).map(({ address, family, portBe }, i) => {
      const key = endpointKey(id, { address: { family: family as 4 | 6, bytes: address }, port: portBe });
      return [key, endpointIds[i] ?? 0] as const;
    }),
  );
  const names = (bodies: Iterable<{ readonly id: number; readonly digest: Uint8Array }>) =>
    new Map([...bodies].map(({ id, digest }) => [digest.toHex(), id]));
  return {
    ...nothingRestored,
    image,
    clusterIds: names(image.clusters.values()),
    listenerIds: names(image.listeners.values()),
    endpointIds: new Map(endpoints),
  };
}

const both: Resources = {
  listeners: [tcpListener("l1", "10.0.0.1:80", { c1: 1, c2: 3 }), tcpListener("l2", "0.0.0.0:81", "c2")],
  clusters: [cluster("c1", ["127.0.0.1:1", "127.0.0.1:2"]), edsCluster("c2")],
  endpoints: [assignment("c2", ["127.0.0.1:3", "[::1]:4"])],
};

describe("identity", () => {
  test("nothing changed: every body is the same object", () => {
    const compiler = newCompiler();
    const source = snapshot(both);
    const first = compiler.compile(source);
    const second = compiler.compile({ ...source });
    for (const [id, body] of first.image.clusters) expect(second.image.clusters.get(id)).toBe(body);
    for (const [id, body] of first.image.listeners) expect(second.image.listeners.get(id)).toBe(body);
  });

  test("new endpoints make one new body, and leave the listeners alone", () => {
    const compiler = newCompiler();
    const source = snapshot(both);
    const first = compiler.compile(source);
    const second = compiler.compile({
      ...source,
      endpoint: snapshot({ endpoints: [assignment("c2", ["127.0.0.1:9"])] }).endpoint,
    });
    const changed = [...first.image.clusters]
      .filter(([id, body]) => second.image.clusters.get(id) !== body)
      .map(([id]) => id);
    expect(changed).toEqual([first.clusters.get("c2")?.body?.id ?? 0]);
    expect([...second.image.listeners.values()]).toEqual([...first.image.listeners.values()]);
    const { puts, freed } = diff(first.image, second.image);
    expect(puts.map(({ map, count }) => [map, count])).toEqual([
      ["endpoint_states", 1],
      ["slots", 1],
      ["endpoints", 1],
      ["clusters", 1],
    ]);
    expect(freed.endpoints.length).toBe(2);
  });

  test("a listener is compiled anew where a cluster begins to mean something else to it", () => {
    const compiler = newCompiler();
    const listeners = [tcpListener("l", "10.0.0.1:80", "c")];
    const action = (clusters: Resources["clusters"]) => {
      const { listeners: compiled } = compiler.compile(snapshot({ listeners, ...(clusters && { clusters }) }));
      return compiled.get("l")?.placements[0]?.target.type;
    };
    expect(action([cluster("c", ["127.0.0.1:1"])])).toBe("clusters");
    expect(action([originalDst("c")])).toBe("native");
    expect(action([cluster("c", ["127.0.0.1:1"], { transportSocket: "tls" })])).toBe("ungoverned");
    expect(action(undefined)).toBe("ungoverned");
    expect(action([cluster("c", [])])).toBe("clusters");
  });

  test("a listener is compiled anew where its routes change", () => {
    const compiler = newCompiler();
    const to = (name: string) =>
      compiler.compile(
        snapshot({
          listeners: [byRoutes],
          routes: [routes("r", [virtualHost("v", ["*"], name)])],
          clusters: both.clusters ?? [],
        }),
      );
    const byRoutes = listener("l", "10.0.0.1:80", [chain(http("r"))]);
    expect(to("c1").listeners.get("l")?.placements[0]?.target).toMatchObject({ clusters: [{ cluster: "c1" }] });
    expect(to("c2").listeners.get("l")?.placements[0]?.target).toMatchObject({ clusters: [{ cluster: "c2" }] });
  });
});

describe("restart", () => {
  test("the same ids, the same rows, nothing to write", () => {
    const before = newCompiler().compile(snapshot(both));
    const after = newCompiler(65536, restoredFrom(before.image)).compile(snapshot(both));
    expect(diff(before.image, after.image)).toMatchObject({ puts: [], deletes: [] });
    expect(after.image).toEqual(before.image);
  });

  test("a changed snapshot takes fresh rows, and ids that nobody has", () => {
    const before = newCompiler().compile(snapshot(both));
    const more: Resources = { ...both, clusters: [...(both.clusters ?? []), cluster("c3", ["127.0.0.1:5"])] };
    const after = newCompiler(65536, restoredFrom(before.image)).compile(snapshot(more));
    const tables = [...after.image.clusters.values()].map(({ table }) => [
      table.first,
      table.first + table.rows.length / layout.slot.size,
    ]);
    expect(
      tables.sort(([a = 0], [b = 0]) => a - b).every(([first = 0], i) => i === 0 || first >= (tables[i - 1]?.[1] ?? 0)),
    ).toBe(true);
    expect(new Set(after.image.clusters.keys()).size).toBe(3);
  });

  test("ids that drain are given to nobody until they are released", () => {
    const compiler = newCompiler(65536, { ...nothingRestored, draining: { clusters: [1], endpoints: [1, 2] } });
    const one = (name: string) => snapshot({ clusters: [cluster(name, ["127.0.0.1:1"])] });
    const first = compiler.compile(one("a"));
    expect([...first.image.clusters.keys()]).toEqual([2]);
    expect([...(first.image.clusters.get(2)?.endpointIds ?? [])]).toEqual([3]);
    compiler.release({ clusters: [1], endpoints: [1, 2], listeners: [], tables: [] });
    expect([...compiler.compile(one("b")).image.clusters.keys()]).toEqual([1]);
  });
});

describe("capacity", () => {
  test("a table that finds no room is one error that names its owner, and one made anew from the kernel goes on", () => {
    const compiler = newCompiler(8);
    const small = snapshot({ clusters: [cluster("small", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"])] });
    const { image } = compiler.compile(small);
    compiler.release(diff(emptyImage, image).freed);
    const large = snapshot({
      clusters: [
        cluster(
          "large",
          Array.from({ length: 6 }, (_, i) => `127.0.0.1:${i + 1}`),
        ),
      ],
    });
    let error: MeshError | undefined;
    try {
      compiler.compile(large);
    } catch (thrown) {
      error = MeshError.from(thrown);
    }
    expect([error?.code, error?.reason]).toEqual([
      "capacity",
      "place cluster large: its table needs 6 rows, and slots has no such room (3 of 8 in use); restart the agent to size the maps anew",
    ]);
    const next = newCompiler(8, restoredFrom(image));
    expect(next.compile(small).image).toEqual(image);
    expect(next.slotsUsed).toBe(3);
  });

  test("rows come back when they are released", () => {
    const compiler = newCompiler(4);
    let have: Image = emptyImage;
    for (let i = 0; i < 50; i++) {
      const { image } = compiler.compile(
        snapshot({ clusters: [cluster("c", [`127.0.0.1:${i + 1}`, `127.0.0.1:${i + 2}`])] }),
      );
      compiler.release(diff(have, image).freed);
      have = image;
    }
    expect(compiler.slotsUsed).toBe(2);
  });

  test("two equal tables of one listener may become one, and are freed once", () => {
    const weights = { c1: 1, c2: 1 };
    const twice = (fields = {}) =>
      listener("l", "0.0.0.0:80", [chain(tcpProxy(weights), { prefixes: [prefix("10.0.0.0/8")] })], {
        defaultFilterChain: chain(tcpProxy(weights)),
        ...fields,
      });
    const clusters = both.clusters ?? [];
    const compiler = newCompiler();
    let have: Image = emptyImage;
    const publish = (resources: Resources) => {
      const { image } = compiler.compile(snapshot({ clusters, ...resources }));
      compiler.release(diff(have, image).freed);
      have = image;
    };
    publish({ listeners: [twice()] });
    const used = compiler.slotsUsed;
    publish({ listeners: [twice({ findings: [{ severity: "ignored", path: "x", reason: "" }] })] });
    publish({ listeners: [twice()] });
    expect(compiler.slotsUsed).toBeLessThanOrEqual(used);
    publish({});
    const clusterRows = [...have.clusters.values()].reduce(
      (sum, { table }) => sum + table.rows.length / layout.slot.size,
      0,
    );
    expect(compiler.slotsUsed).toBe(clusterRows);
  });
});

describe("conflicts", () => {
  const clusters = [cluster("a", ["127.0.0.1:1"]), cluster("b", ["127.0.0.1:2"])];
  const claimer = listener("wild", "0.0.0.0:80", [
    chain(http(routes("r", [virtualHost("any", ["*"], "a"), virtualHost("v", ["10.0.0.1"], "a")]))),
  ]);
  const owners = (resources: Resources) => {
    const { listeners, conflicts, image } = newCompiler().compile(snapshot({ clusters, ...resources }));
    const keys = [...image.listeners.values()].flatMap(({ rows }) =>
      rows.map(({ map, key }) => `${map} ${key.toHex()}`),
    );
    expect(new Set(keys).size).toBe(keys.length);
    return {
      rows: [...listeners].map(([name, { body, placements }]) => [name, body.rows.length, placements.length]),
      conflicts,
    };
  };

  test("an exact listener wins over a virtual host's claim", () => {
    expect(owners({ listeners: [claimer, tcpListener("zz", "10.0.0.1:80", "b")] })).toEqual({
      rows: [
        ["wild", 1, 1],
        ["zz", 1, 1],
      ],
      conflicts: ["listener wild: 1 of its destinations belong to listener zz"],
    });
  });

  test("of two alike the name that sorts first, whatever the order they came in", () => {
    const [x, y] = [tcpListener("x", "10.0.0.1:80", "a"), tcpListener("y", "10.0.0.1:80", "b")];
    for (const listeners of [
      [x, y],
      [y, x],
    ]) {
      const { rows, conflicts } = owners({ listeners });
      expect(Object.fromEntries(rows.map(([name, count]) => [name, count]))).toEqual({ x: 1, y: 0 });
      expect(conflicts).toEqual(["listener y: 1 of its destinations belong to listener x"]);
    }
  });

  test("end with what caused them", () => {
    const compiler = newCompiler();
    const [x, y] = [tcpListener("x", "10.0.0.1:80", "a"), tcpListener("y", "10.0.0.1:80", "b")];
    expect(compiler.compile(snapshot({ clusters, listeners: [x, y] })).conflicts).toHaveLength(1);
    const after = compiler.compile(snapshot({ clusters, listeners: [y] }));
    expect([after.conflicts, after.listeners.get("y")?.body.rows.length]).toEqual([[], 1]);
  });

  test("different ports, families and lengths are no conflict", () => {
    const listeners = [
      tcpListener("a", "0.0.0.0:80", "a"),
      tcpListener("b", "[::]:80", "a"),
      tcpListener("c", "0.0.0.0:81", "a"),
      tcpListener("d", "10.0.0.1:80", "a"),
    ];
    expect(owners({ listeners }).conflicts).toEqual([]);
  });
});

describe("what becomes of a cluster", () => {
  test("ORIGINAL_DST has no body; an unknown cluster leaves its listener ungoverned", () => {
    const compiled = newCompiler().compile(
      snapshot({ listeners: [tcpListener("l", "10.0.0.1:80", "nobody")], clusters: [originalDst("o")] }),
    );
    expect(compiled.clusters.get("o")).toMatchObject({ disposition: { type: "native" }, body: undefined });
    expect(compiled.listeners.get("l")?.placements[0]?.reason).toContain("cluster nobody: the cluster is unknown");
    expect(compiled.image.clusters.size).toBe(0);
  });

  test("resilience that is asked of a cluster later takes its unchanged HTTP listener to the relay, and back", () => {
    const compiler = newCompiler();
    const web = listener("l", "10.0.0.1:80", [chain(http(routes("r", [virtualHost("v", ["*"], "c")])))]);
    const needs = [{ path: "outlier_detection", reason: "judges" }];
    const plain = snapshot({ listeners: [web], clusters: [cluster("c", ["127.0.0.1:1"])] });
    const ejecting = snapshot({ listeners: [web], clusters: [cluster("c", ["127.0.0.1:1"], { needs })] });
    const targets = [plain, ejecting, plain].map(
      (source) => compiler.compile(source).listeners.get("l")?.placements[0]?.target.type,
    );
    expect(targets).toEqual(["clusters", "relay", "clusters"]);
  });

  test("an EDS cluster without its assignment has no endpoint", () => {
    const { image } = newCompiler().compile(snapshot({ clusters: [edsCluster("c")] }));
    const [body] = image.clusters.values();
    expect(unpack(layout.cluster, body?.value ?? new Uint8Array(0), 1)).toMatchObject([{ count: 0 }]);
  });

  test("one endpoint in two clusters is two endpoints", () => {
    const { image } = newCompiler().compile(
      snapshot({ clusters: [cluster("a", [endpoint("127.0.0.1:1")]), cluster("b", [endpoint("127.0.0.1:1")])] }),
    );
    expect([...image.clusters.values()].flatMap(({ endpointIds }) => [...endpointIds])).toEqual([1, 2]);
  });
});

describe("the relay's part", () => {
  const web = (name: string, hosts: Parameters<typeof routes>[1]) =>
    listener(name, "10.0.0.9:80", [chain(tcpProxy("c1"), { prefixes: [prefix("192.0.2.0/24")] })], {
      defaultFilterChain: chain(http(routes("r", hosts))),
    });
  const clusters = [cluster("c1", ["127.0.0.1:1"]), cluster("c2", ["127.0.0.1:2"]), cluster("c3", [])];
  const split = virtualHost("v", ["*"], { c1: 1, c2: 3 });
  const source = snapshot({ listeners: [web("l", [split])], clusters });

  test("its chains by listener id and index, and the clusters that they reach", () => {
    const { relayed, relayedClusters, listeners } = newCompiler().compile(source);
    const key = `${listeners.get("l")?.body.id ?? 0}/1` as const;
    expect([...relayed.keys()]).toEqual([key]);
    expect(relayed.get(key)).toMatchObject({ listener: "l", chain: "default", configuration: { name: "r" } });
    expect([...relayedClusters]).toEqual(["c1", "c2"]);
  });

  test("an unchanged chain is the same object, whatever changes beside it", () => {
    const compiler = newCompiler();
    const [before] = compiler.compile(source).relayed.values();
    const other = web("k", [virtualHost("w", ["*"], "c1")]);
    const moved = {
      ...source,
      listener: new Map([...source.listener, ["k", { ...other, address: endpoint("10.0.0.8:80").address }]]),
    };
    expect([...compiler.compile(moved).relayed.values()]).toEqual([before ?? expect.anything()]);
    expect([...compiler.compile(moved).relayed.values()][0]).toBe(before);
    const [l] = snapshot({ listeners: [web("l", [split, virtualHost("w", ["w"], "c3")])] }).listener.values();
    const changed = { ...source, listener: new Map(l === undefined ? [] : [["l", l]]) };
    expect([...compiler.compile(changed).relayed.values()][0]).not.toBe(before);
  });

  test("a header that names the cluster reaches them all", () => {
    const byHeader = forward({ type: "cluster_header", header: "x" });
    const host = virtualHost("v", ["*"], "", { routes: [routeTo("", { action: byHeader })] });
    const { relayedClusters } = newCompiler().compile(snapshot({ listeners: [web("l", [host])], clusters }));
    expect([...relayedClusters]).toEqual(["c1", "c2", "c3"]);
  });

  test("a destination that another listener has is not relayed for this one", () => {
    const winner = tcpListener("a", "10.0.0.9:80", "c1");
    const { relayed, conflicts } = newCompiler().compile(
      snapshot({ listeners: [web("l", [split]), winner], clusters }),
    );
    expect([relayed.size, conflicts.length]).toEqual([0, 1]);
  });

  test("its row in the kernel: the chain's index, and the heaviest cluster for when it is down", () => {
    const { image, clusters: compiled } = newCompiler().compile(source);
    const [row] = [...image.listeners.values()].flatMap(({ rows }) => rows);
    const [value] = unpack(layout.listener, row?.value ?? new Uint8Array(), 1);
    expect(value).toMatchObject({
      action: layout.ListenerAction.ACTION_RELAY,
      count: 1,
      target: compiled.get("c2")?.body?.id ?? 0,
      flags: layout.ListenerFlags.LISTENER_FALLBACK_CLUSTER,
    });
  });

  test("nothing without a relay", () => {
    const { relayed, relayedClusters } = new Compiler(65536, digest, true, nothingRestored, false).compile(source);
    expect([relayed.size, relayedClusters.size]).toEqual([0, 0]);
  });
});
