// Commits under traffic, restarts, crashes, upgrades and full maps, on the real kernel: what is served stays served.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { isAttached } from "../../src/dataplane/attachment.ts";
import { type Capacity, usage } from "../../src/dataplane/capacity.ts";
import { readCapabilities } from "../../src/dataplane/features.ts";
import { linkDirectory, mapDirectory } from "../../src/dataplane/maps.ts";
import { diff, rootMaps, type Transaction } from "../../src/dataplane/transaction.ts";
import { MeshError } from "../../src/errors.ts";
import { Link } from "../../src/libbpf/link.ts";
import { cgroupId } from "../../src/libbpf/syscalls.ts";
import { root } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { Mesh } from "./mesh.ts";
import { cluster, type Resources, tcpListener } from "./model.ts";
import { settled, World } from "./world.ts";

setDefaultTimeout(120_000);

const vip = "127.96.4.1:80";
let world: World;
beforeAll(async () => {
  world = await World.start("127.77.4", 6);
});
afterAll(() => world[Symbol.asyncDispose]());

function serving(...backends: readonly number[]): Resources {
  return {
    listeners: [tcpListener("l", vip, "c")],
    clusters: [
      cluster(
        "c",
        backends.map((i) => world.at(i)),
        { loadBalancing: { policy: "round_robin" } },
      ),
    ],
  };
}

/** Connects without end while `act` runs, and at least `least` times; by epoch, who answered. */
async function underLoad(act: () => Promise<void>, least = 2000): Promise<readonly Readonly<Record<string, number>>[]> {
  await world.dialer.flood([vip], 8);
  await waitFor("the flood to begin", async () => (await world.dialer.flooded()) > 200);
  await act();
  await waitFor(`${least} connections`, async () => (await world.dialer.flooded()) >= least);
  return world.dialer.stopFlood();
}

const answered = (...backends: readonly number[]) => backends.map((i) => `127.96.4.1 b${i}`);

describe("commits under load", () => {
  test("trap 1: a removed endpoint is never chosen once the commit has returned, and no connection fails", async () => {
    using mesh = world.mesh(serving(1, 2, 3));
    const [before = {}, after = {}] = await underLoad(async () => {
      mesh.publish(serving(1, 3));
      await world.dialer.nextEpoch();
    });
    expect(Object.keys(before).sort()).toEqual(answered(1, 2, 3));
    expect(Object.keys(after).sort()).toEqual(answered(1, 3));
    expect(Object.keys(mesh.verdicts())).toEqual(["balanced"]);
  });

  test("endpoints that come and go, clusters that are exchanged, weights that change: no connection fails", async () => {
    using mesh = world.mesh(serving(1, 2, 3));
    const other: Resources = {
      listeners: [tcpListener("l", vip, { d: 1, e: 2 })],
      clusters: [cluster("d", [world.at(4)]), cluster("e", [world.at(5), world.at(6)])],
    };
    const third: Resources = { ...other, listeners: [tcpListener("m", "0.0.0.0:80", { d: 3, e: 1 })] };
    const rounds = [serving(2), serving(1, 2, 3, 4), other, serving(4, 5), third, other, serving(1, 2, 3)];
    const [answers = {}] = await underLoad(async () => {
      for (let i = 0; i < 10; i++) {
        for (const resources of rounds) {
          mesh.publish(resources);
          await world.dialer.flooded(); // lets connections happen in between
        }
      }
    });
    expect(Object.keys(answers).filter((key) => key.includes("!"))).toEqual([]);
    expect(Object.keys(mesh.verdicts())).toEqual(["balanced"]);
  });

  test("a listener that goes, with its cluster: what had met it is served, the rest is native", async () => {
    // The VIP is a backend of its own: native connections are answered as well.
    const bare = world.at(6);
    const both: Resources = { listeners: [tcpListener("l", bare, "c")], clusters: [cluster("c", [world.at(1)])] };
    using mesh = world.mesh(both);
    await world.dialer.flood([bare], 8);
    for (let i = 0; i < 60; i++) {
      mesh.publish(i % 2 === 0 ? {} : both);
      await world.dialer.flooded();
    }
    await waitFor("2000 connections", async () => (await world.dialer.flooded()) >= 2000);
    const [answers = {}] = await world.dialer.stopFlood();
    const host = bare.split(":")[0];
    expect(Object.keys(answers).sort()).toEqual([`${host} b1`, `${host} b6`]);
    expect(Object.keys(mesh.verdicts()).sort()).toEqual(["balanced", "no_listener"]);
  });
});

describe("restart", () => {
  const programOf = (mesh: Mesh): number => {
    const pin = join(linkDirectory(mesh.pinDirectory), String(cgroupId(world.cgroup.path)), "connect4");
    using link = Link.openPinned(pin);
    return link?.info().programId ?? 0;
  };

  test("adopts what is pinned, writes nothing, moves the links, cuts and fails no connection", async () => {
    using mesh = world.mesh(serving(1, 2));
    const program = programOf(mesh);
    const held = await world.dialer.dial(vip, 4, { hold: true });
    expect(held).toEqual(["b1", "b2", "b1", "b2"]);
    const [answers = {}] = await underLoad(async () => {
      for (let i = 0; i < 5; i++) {
        expect(mesh.reopen().isAdopted).toBe(true);
        expect(mesh.publish(serving(1, 2))).toMatchObject({ puts: 0, deletes: 0 });
        expect(mesh.enroll(world.cgroup)).toBe("adopted");
      }
    });
    expect(Object.keys(answers).sort()).toEqual(answered(1, 2));
    expect(programOf(mesh)).not.toBe(program);
    await waitFor("the flood's connections to end", () => mesh.clusterState("c").active === 4);
    await world.dialer.release();
    await settled(mesh, "c");
    const { opened, closed } = mesh.clusterState("c");
    expect(closed).toBe(opened);
  });

  test("commits only the difference", async () => {
    using mesh = world.mesh(serving(1, 2));
    mesh.reopen();
    // One endpoint, its state, and the cluster's row; the table is a new one of two rows.
    expect(mesh.publish(serving(1, 3))).toMatchObject({ puts: 5, deletes: 2 });
    mesh.enroll(world.cgroup);
    expect((await world.dialer.dial(vip, 2)).toSorted()).toEqual(["b1", "b3"]);
  });

  test("trap 14: with the agent gone, or back without a configuration, what was governed is governed", async () => {
    using mesh = world.mesh(serving(1));
    mesh.dataplane[Symbol.dispose]();
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
    mesh.open();
    mesh.enroll(world.cgroup);
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
  });

  test("trap 13: maps of another layout serve until the new ones do, and are gone then", async () => {
    using mesh = world.mesh(serving(1));
    const old = join(mesh.pinDirectory, "maps-0123456789abcdef");
    const [before = {}, after = {}] = await underLoad(async () => {
      renameSync(mapDirectory(mesh.pinDirectory), old);
      expect(mesh.reopen().isAdopted).toBe(false);
      mesh.publish(serving(2));
      expect(mesh.enroll(world.cgroup)).toBe("adopted");
      await world.dialer.nextEpoch();
    });
    // Until the last link has moved both serve.
    expect(Object.keys(before).filter((who) => !answered(1, 2).includes(who))).toEqual([]);
    expect(Object.keys(after)).toEqual(answered(2));
    expect(readdirSync(mesh.pinDirectory).sort()).toEqual([
      "links",
      mapDirectory(mesh.pinDirectory).split("/").at(-1) ?? "",
    ]);
  });

  test("maps that the configuration has outgrown are made anew", async () => {
    using mesh = world.mesh(serving(1));
    const { capacity } = mesh.dataplane;
    mesh.reopen({ ...capacity, endpoints: capacity.endpoints + 1 });
    expect(mesh.dataplane.isAdopted).toBe(false);
    expect(mesh.dataplane.capacity.endpoints).toBeGreaterThan(capacity.endpoints);
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
    mesh.publish(serving(2));
    mesh.enroll(world.cgroup);
    expect(await world.dialer.dial(vip)).toEqual(["b2"]);
  });

  test("a half-made pin directory counts for nothing", async () => {
    using mesh = world.mesh(serving(1));
    renameSync(mapDirectory(mesh.pinDirectory), join(mesh.pinDirectory, "maps-new"));
    mesh.reopen();
    mesh.publish(serving(2));
    mesh.enroll(world.cgroup);
    expect(await world.dialer.dial(vip)).toEqual(["b2"]);
  });
});

describe("a crash between two steps of a commit", () => {
  /** Every single write and delete, in order. */
  function stepsOf({ puts, deletes }: Transaction, mesh: Mesh): (() => void)[] {
    const { maps } = mesh.dataplane;
    const split = (batch: Transaction["puts"][number], isDelete: boolean) =>
      Array.from({ length: batch.count }, (_, i) => () => {
        const map = maps[batch.map];
        const part = (bytes: Uint8Array) =>
          bytes.slice((i * bytes.length) / batch.count, ((i + 1) * bytes.length) / batch.count);
        if (isDelete) map.deleteBatch(part(batch.keys), 1);
        else map.updateBatch(part(batch.keys), part(batch.values), 1);
      });
    const ordered = [
      ...deletes.filter(({ map }) => rootMaps.has(map)),
      ...deletes.filter(({ map }) => !rootMaps.has(map)),
    ];
    return [...puts.flatMap((batch) => split(batch, false)), ...ordered.flatMap((batch) => split(batch, true))];
  }

  const from = (): Resources => ({
    listeners: [tcpListener("l", vip, "c"), tcpListener("gone", "127.96.4.9:80", { c: 1, gone: 1 })],
    clusters: [cluster("c", [world.at(1), world.at(2)]), cluster("gone", [world.at(2)])],
  });
  const to = (): Resources => ({
    listeners: [tcpListener("l", vip, { c: 1, new: 1 }), tcpListener("new", "0.0.0.0:8080", "new")],
    clusters: [cluster("c", [world.at(1), world.at(3)]), cluster("new", [world.at(3)])],
  });

  const keysOf = ({ dataplane: { maps } }: Mesh) =>
    Object.fromEntries(
      (
        [
          "clusters",
          "endpoints",
          "listeners",
          "listener_prefixes",
          "cluster_states",
          "endpoint_states",
          "listener_states",
          "ids",
        ] as const
      ).map((name) => [name, maps[name].keys().length]),
    );

  test("anywhere: traffic is right, a restart finds its way, and nothing is left over", async () => {
    let wanted: Record<string, number>;
    let count: number;
    {
      using mesh = world.mesh(from());
      const have = mesh.compiled.image;
      count = stepsOf(diff(have, mesh.compile(to()).image), mesh).length;
      mesh.reopen();
      mesh.publish(to());
      wanted = keysOf(mesh);
    }
    expect(count).toBeGreaterThan(15);
    for (let crash = 0; crash <= count; crash++) {
      using mesh = world.mesh(from());
      const have = mesh.compiled.image;
      const steps = stepsOf(diff(have, mesh.compile(to()).image), mesh);
      for (const step of steps.slice(0, crash)) step();
      const answers = await world.dialer.dial(vip, 4);
      mesh.reopen();
      mesh.enroll(world.cgroup);
      answers.concat(await world.dialer.dial(vip, 4)).forEach((who) => {
        expect([crash, ["b1", "b2", "b3"].includes(who)]).toEqual([crash, true]);
      });
      mesh.publish(to());
      const after = await world.dialer.dial(vip, 6);
      expect([crash, after.filter((who) => who !== "b1" && who !== "b3")]).toEqual([crash, []]);
      expect([crash, await world.dialer.dial("127.96.4.77:8080")]).toEqual([crash, ["b3"]]);
      expect([crash, Object.keys(mesh.verdicts())]).toEqual([crash, ["balanced"]]);
      expect([crash, keysOf(mesh)]).toEqual([crash, wanted]);
    }
  });
});

describe("a configuration that doesn't fit", () => {
  const codeOf = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      return MeshError.from(error).code;
    }
    return "none";
  };

  test("is refused as a whole; what is served stays, and the next one that fits is taken", async () => {
    using mesh = world.mesh(serving(1));
    const { capacity } = mesh.dataplane;
    const addresses = (n: number) =>
      Array.from({ length: n }, (_, i) => `127.78.${(i >> 8) & 255}.${i & 255}:${1 + (i >> 16)}`);
    const tooMany: Resources = {
      ...serving(2),
      clusters: [cluster("c", addresses(capacity.endpoints + 1), { loadBalancing: { policy: "random" } })],
    };
    expect(codeOf(() => mesh.publish(tooMany))).toBe("capacity");
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
    mesh.reread();
    expect(mesh.publish(serving(1))).toMatchObject({ puts: 0, deletes: 0 });
    mesh.publish(serving(2));
    expect(await world.dialer.dial(vip)).toEqual(["b2"]);
  });

  test("entries in use are what the maps hold, also after a destination moved from listener to listener", () => {
    using mesh = new Mesh();
    const moves: Resources[] = ["a", "b", "a", "b"].map((name) => ({
      listeners: [tcpListener(name, vip, "c"), tcpListener(`${name} wild`, "0.0.0.0:99", "c")],
      clusters: [cluster("c", [world.at(1), world.at(2)])],
    }));
    for (const resources of moves) {
      mesh.publish(resources);
      const { maps, used } = mesh.dataplane;
      const held: Omit<Capacity, "slots"> = {
        listeners: maps.listeners.keys().length,
        listener_prefixes: maps.listener_prefixes.keys().length,
        clusters: maps.clusters.keys().length,
        endpoints: maps.endpoints.keys().length,
      };
      expect(used).toEqual({ ...held, slots: usage(mesh.compiled.image).slots });
    }
  });
});

describe("enrolment", () => {
  test("ends at once for new connections; those that live are still counted out", async () => {
    using mesh = world.mesh(serving(1));
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b1", "b1"]);
    const id = cgroupId(world.cgroup.path);
    expect(mesh.dataplane.retire(id)).toBe(false);
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ balanced: 2 });
    await world.dialer.release();
    await settled(mesh, "c");
    expect(mesh.dataplane.retire(id)).toBe(true);
    expect(mesh.dataplane.pinnedCgroups()).toEqual([]);
    expect(isAttached(mesh.pinDirectory, id)).toBe(false);
  });

  test("of a cgroup that is gone leaves no link behind", async () => {
    using mesh = world.mesh(serving(1));
    let id: bigint;
    {
      using child = world.cgroup.child("short");
      mesh.enroll(child);
      id = cgroupId(child.path);
      expect(mesh.dataplane.isAttached(id)).toBe(true);
    }
    await waitFor("the cgroup to go", () => mesh.dataplane.retire(id));
    expect(mesh.dataplane.pinnedCgroups()).toEqual([cgroupId(world.cgroup.path)]);
  });

  test("destroying the data plane leaves traffic native and no pin", async () => {
    using mesh = world.mesh(serving(1));
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
    mesh.dataplane.destroy();
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(() => readdirSync(mesh.pinDirectory)).toThrow("ENOENT");
  });
});

describe("trap 16: what the kernel can do is asked of it when the programs are loaded", () => {
  test("everything that is required is there, and a refusal has the error that was promised", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", vip, "none")], clusters: [cluster("none", [])] });
    const states = readCapabilities().map(({ name, isRequired, state }) => [name, isRequired, state]);
    expect(states.filter(([, isRequired, state]) => isRequired === true && state !== "supported")).toEqual([]);
    const error = mesh.dataplane.features.setRetval ? "!ECONNREFUSED" : "!EPERM";
    expect(await world.dialer.dial(vip)).toEqual([error]);
  });

  test.each([
    "bpf/Makefile",
    "bpf/connect.bpf.c",
    "bpf/sockops.bpf.c",
    "bpf/peername.bpf.c",
    "src/dataplane/features.ts",
    "src/dataplane/dataplane.ts",
  ])("%s never looks at a kernel version", (path) => {
    expect(readFileSync(join(root, path), "utf8")).not.toMatch(
      /\$\(shell uname|KERNEL_VERSION|LINUX_VERSION_CODE|release\(\)/,
    );
  });
});
