// The agent's life and death: whatever happens to it, governed traffic goes on; what it finds at a start it takes over; and it
// leaves nothing behind when it is told so.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { Agent, binary } from "../support/agent.ts";
import { Process, run, runOk } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { Load } from "./fortio.ts";
import { bootstrap, staticCluster, tcpListener } from "./resources.ts";
import {
  httpBackend,
  isOneClearError,
  loadGoesOn,
  logged,
  statusOf,
  tcpBackend,
  testTimeoutMs,
  World,
} from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const backends = [tcpBackend("a", 1), tcpBackend("b", 2), httpBackend("web", 11)];
const vip = "127.96.0.1";
const webVip = "127.96.0.2";

function meshTo(...hosts: readonly number[]): string {
  const endpoints = hosts.map((host) => `127.0.1.${host}:8080`);
  return bootstrap(
    [tcpListener("shop", `${vip}:80`, "shop"), tcpListener("web", `${webVip}:80`, "web")],
    [staticCluster("shop", endpoints), staticCluster("web", ["127.0.1.11:8080"])],
  );
}

/** What is attached to a cgroup, as the kernel says. */
async function attachedTo(cgroup: string): Promise<readonly { readonly id: number; readonly name: string }[]> {
  const list = (await runOk(["bpftool", "--json", "cgroup", "list", cgroup])).trim();
  return list === "" ? [] : (JSON.parse(list) as { id: number; name: string }[]);
}

async function attachedPrograms(cgroup: string): Promise<readonly string[]> {
  return (await attachedTo(cgroup)).map(({ name }) => name).sort();
}

const allPrograms = ["account", "connect4", "connect6", "getpeername4", "getpeername6", "release"];

describe("kill -9 and restart under load", () => {
  test.each([
    ["a new connection for each request", false],
    ["kept-alive connections", true],
  ] as const)("%s: none fails, none is cut", async (_, keepAlive) => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    const threads = 8;
    await using load = Load.start(`http://${webVip}/`, world.enter, { keepAlive, threads });
    await loadGoesOn(world);
    for (let i = 0; i < 3; i++) {
      await agent.stop("SIGKILL");
      await loadGoesOn(world);
      await agent.start();
      await loadGoesOn(world);
    }
    const { statuses, sockets } = await load.finish();
    expect(Object.keys(statuses)).toEqual(["200"]);
    expect(statuses["200"]).toBeGreaterThan(100);
    if (keepAlive) expect(sockets).toBe(threads);
  });
});

describe("restart", () => {
  test("with an unchanged configuration adopts everything and writes nothing", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1, 2), cgroups: [world.cgroup.path] });
    expect(logged(agent, "workload attached")[0]).toMatchObject({ state: "attached" });
    await world.inside.dial(vip, 80, { count: 3, hold: true });
    const programs = await attachedPrograms(world.cgroup.path);
    await agent.stop("SIGKILL");
    await agent.start();
    expect(logged(agent, "configuration in effect")[0]).toMatchObject({ puts: 0, deletes: 0 });
    expect(logged(agent, "workload attached")[0]).toMatchObject({ state: "adopted" });
    expect((await statusOf(agent)).workloads[0]).toMatchObject({ state: "adopted" });
    expect(await attachedPrograms(world.cgroup.path)).toEqual(programs);
    expect(Object.values(await world.backends.counts()).reduce((sum, { open }) => sum + open, 0)).toBe(3);
  });

  test("with a changed configuration applies the difference, in one step for the traffic", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    const whole = Number(logged(agent, "configuration in effect")[0]?.puts);
    await agent.stop("SIGKILL");
    agent.writeMesh(meshTo(2));
    expect(await world.inside.tally(vip, 80)).toEqual({ a: 1 });
    await agent.start();
    expect(await world.inside.tally(vip, 80, { count: 10 })).toEqual({ b: 10 });
    const puts = Number(logged(agent, "configuration in effect")[0]?.puts);
    expect(puts).toBeGreaterThan(0);
    expect(puts).toBeLessThan(whole);
  });

  test("trap 13: with a configuration that has outgrown the maps goes on governing, and applies it", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    const { mapUse } = await statusOf(agent);
    await agent.stop("SIGKILL");
    const count = (mapUse.clusters?.capacity ?? 0) + 100;
    const many = Array.from({ length: count }, (_, i) => staticCluster(`c${i}`, ["127.0.1.2:8080"]));
    const listeners = many.map((_, i) =>
      tcpListener(`l${i}`, `127.96.${100 + Math.floor(i / 250)}.${(i % 250) + 1}:80`, `c${i}`),
    );
    const shop = tcpListener("shop", `${vip}:80`, "shop");
    agent.writeMesh(bootstrap([shop, ...listeners], [staticCluster("shop", ["127.0.1.2:8080"]), ...many]));
    const load = world.inside.tally(vip, 80, { count: 3000, concurrency: 4 });
    await agent.start();
    expect(Object.keys(await load).filter((name) => name !== "a" && name !== "b")).toEqual([]);
    expect(await world.inside.tally(vip, 80, { count: 5 })).toEqual({ b: 5 });
    expect(await world.inside.tally("127.96.100.1", 80, { count: 5 })).toEqual({ b: 5 });
    expect(await attachedPrograms(world.cgroup.path)).toEqual(allPrograms);
  });
});

describe("the end", () => {
  test("trap 15: SIGTERM leaves the data plane in place, and says so", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    expect(await agent.stop("SIGTERM")).toBe(0);
    expect(logged(agent, "stopped")[0]).toMatchObject({ governed: true });
    expect(agent.hasPins).toBe(true);
    expect(await world.inside.tally(vip, 80)).toEqual({ a: 1 });
  });

  test("--detach-on-exit removes every program, link, map and pin; open connections go on", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({
      mesh: meshTo(1),
      cgroups: [world.cgroup.path],
      flags: ["--detach-on-exit"],
    });
    expect(await attachedPrograms(world.cgroup.path)).toEqual(allPrograms);
    const before = await attachedIds(world.cgroup.path);
    expect(before.maps.length).toBeGreaterThan(5);
    await world.inside.dial(vip, 80, { count: 3, hold: true });
    expect(await agent.stop("SIGTERM")).toBe(0);
    expect(logged(agent, "stopped")[0]).toMatchObject({ governed: false });
    expect(await attachedPrograms(world.cgroup.path)).toEqual([]);
    expect(agent.hasPins).toBe(false);
    // What a pin or a link held is freed by the kernel a moment later.
    await waitFor("the kernel to free everything", async () => {
      const [maps, programs] = [await allIds("map"), await allIds("prog")];
      return !before.maps.some((id) => maps.has(id)) && !before.programs.some((id) => programs.has(id));
    });
    expect(await world.inside.tally(vip, 80)).toEqual({ "!ECONNREFUSED": 1 });
    expect((await world.backends.counts()).a?.open).toBe(3);
  });

  test("of one agent doesn't touch another's data plane", async () => {
    await using first = await World.create(backends);
    await using second = await World.create(backends);
    await using stays = await Agent.start({ mesh: meshTo(1), cgroups: [first.cgroup.path] });
    await using goes = await Agent.start({
      mesh: meshTo(2),
      cgroups: [second.cgroup.path],
      flags: ["--detach-on-exit"],
    });
    expect(await goes.stop()).toBe(0);
    expect(await first.inside.tally(vip, 80)).toEqual({ a: 1 });
    expect((await statusOf(stays)).state).toBe("live");
  });
});

interface KernelIds {
  readonly programs: readonly number[];
  readonly maps: readonly number[];
}

/** What is attached to a cgroup, and the maps that it uses. */
async function attachedIds(cgroup: string): Promise<KernelIds> {
  const ids = new Set((await attachedTo(cgroup)).map(({ id }) => id));
  const all = JSON.parse(await runOk(["bpftool", "--json", "prog", "show"])) as { id: number; map_ids?: number[] }[];
  const mine = all.filter(({ id }) => ids.has(id));
  return { programs: [...ids], maps: [...new Set(mine.flatMap(({ map_ids }) => map_ids ?? []))] };
}

async function allIds(kind: "map" | "prog"): Promise<ReadonlySet<number>> {
  const list = JSON.parse(await runOk(["bpftool", "--json", kind, "show"])) as { id: number }[];
  return new Set(list.map(({ id }) => id));
}

describe("two agents", () => {
  test("on one admin socket: the second refuses, with one clear error, and the first goes on", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    const pins = `${agent.pinDirectory}-second`;
    const second = await run([
      ...[binary, "run", "--mesh", agent.meshFile, "--state-dir", `${agent.stateDirectory}-second`],
      ...["--pin-dir", pins, "--admin", agent.adminSocket, "--admin", "off"],
    ]);
    expect(second.status).not.toBe(0);
    expect(isOneClearError(second)).toBe(true);
    expect(second.stderr).toContain(agent.adminSocket);
    expect((await statusOf(agent)).state).toBe("live");
  });

  test("on one pin directory: the second refuses, with one clear error, and changes no traffic", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    const socket = `${agent.adminSocket}.second`;
    const other = `${agent.meshFile}.second`;
    await Bun.write(other, meshTo(2));
    const second = Process.start(
      [
        ...[binary, "run", "--mesh", other, "--state-dir", `${agent.stateDirectory}-second`],
        ...["--pin-dir", agent.pinDirectory, "--admin", socket, "--admin", "off"],
      ],
      { name: "second" },
    );
    await using _second = second;
    const ended = await Promise.race([second.exited, agent.waitFor("it to run", () => existsSync(socket) && "ran")]);
    expect(ended).toBeNumber();
    expect(ended).not.toBe(0);
    expect(second.log()).toContain(agent.pinDirectory);
    expect(await world.inside.tally(vip, 80, { count: 5 })).toEqual({ a: 5 });
  });

  test("a stale admin socket is no other agent", async () => {
    await using world = await World.create(backends);
    await using agent = await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] });
    await agent.stop("SIGKILL");
    expect(existsSync(agent.adminSocket)).toBe(true);
    const after = await run([binary, "status", "--socket", agent.adminSocket]);
    expect(after.status).toBe(4);
    // `start` removes it: what a user's restart doesn't.
    const again = Process.start(
      [
        ...[binary, "run", "--mesh", agent.meshFile, "--state-dir", agent.stateDirectory],
        ...["--pin-dir", agent.pinDirectory, "--admin", agent.adminSocket, "--admin", "off"],
      ],
      { name: "again" },
    );
    await using _again = again;
    await again.waitFor("its answer", async () => (await agent.request("/ready")).ok);
  });
});
