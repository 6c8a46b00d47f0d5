// The relay's life in the compiled agent: how a change reaches requests that are under way, and what is left of governance when a
// worker, the agent, or all of it is gone.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Agent } from "../support/agent.ts";
import { HTTP_REQUEST } from "../support/dialer.ts";
import type { HttpSession } from "../support/http-session.ts";
import { compose } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { Load } from "./fortio.ts";
import { everything, httpListener, pathRoute } from "./http-resources.ts";
import { answeredVip, canaryHeader, canaryRequest, clusters, meshOf, named, vip } from "./relay-mesh.ts";
import { RelayWorld, workers } from "./relay-world.ts";
import { bootstrap } from "./resources.ts";
import { statusOf, testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

async function openMany(world: RelayWorld, count: number): Promise<readonly HttpSession[]> {
  const sessions: HttpSession[] = [];
  for (let i = 0; i < count; i++) sessions.push(await world.sessions.open(vip));
  for (const session of sessions) expect(named(await session.get("/"))).toBe("a");
  return sessions;
}

function workersAre(world: RelayWorld, agent: Agent, others: readonly number[]): Promise<readonly number[]> {
  return agent.waitFor("new workers", async () => {
    const pids = (await world.workers()).filter((pid) => !others.includes(pid));
    return pids.length === workers - others.length ? pids : undefined;
  });
}

describe("a change of the mesh file", () => {
  test("is what the next request of an open connection goes by", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const session = await world.sessions.open(vip);
    expect(named(await session.get("/"))).toBe("a");
    agent.writeMesh(meshOf("b", "a"));
    await agent.waitFor("the change", async () => (await statusOf(agent)).snapshot.generation === 2);
    expect(named(await session.get("/"))).toBe("b");
    expect(named(await session.get("/", canaryHeader))).toBe("a");
  });

  test.each([
    ["kept-alive connections", true],
    ["a new connection for each request", false],
  ] as const)("under load, %s: no request fails", async (_, keepAlive) => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    await using load = Load.start(`http://${vip}/`, world.world.enter, { keepAlive, threads: 8 });
    for (let i = 0; i < 6; i++) {
      const [stable, canary] = i % 2 === 0 ? (["b", "a"] as const) : (["a", "b"] as const);
      agent.writeMesh(meshOf(stable, canary));
      await agent.waitFor("the change", async () => (await statusOf(agent)).snapshot.generation === i + 2);
      const before = (await world.world.backends.counts())[stable]?.accepted ?? 0;
      if (!keepAlive)
        await waitFor("use", async () => ((await world.world.backends.counts())[stable]?.accepted ?? 0) > before);
    }
    const { statuses, sockets } = await load.finish();
    expect(Object.keys(statuses)).toEqual(["200"]);
    if (keepAlive) expect(sockets).toBe(8);
  });

  test("that takes the listener away lets the connection end after its request", async () => {
    await using world = await RelayWorld.create();
    const other = httpListener("other", `${answeredVip}:80`, [{ match: everything, redirect: { path_redirect: "/" } }]);
    await using agent = await world.startAgent(meshOf("a", "b", other));
    const session = await world.sessions.open(vip);
    expect(named(await session.get("/"))).toBe("a");
    agent.writeMesh(bootstrap([other], clusters));
    await agent.waitFor("the change", async () => (await statusOf(agent)).snapshot.generation === 2);
    await waitFor("the end", async () => "error" in (await session.get("/")));
    expect(await world.world.inside.tally(vip, 80, { send: HTTP_REQUEST })).toEqual({ "!ECONNREFUSED": 1 });
  });
});

describe("kill -9", () => {
  test("of one worker ends its connections only, and it comes back", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const sessions = await openMany(world, 24);
    const [victim = 0, ...left] = await world.workers();
    process.kill(victim, "SIGKILL");
    const answers: string[] = [];
    for (const session of sessions) answers.push(named(await session.get("/")));
    const good = answers.filter((name) => name === "a").length;
    expect(good).toBeGreaterThan(0);
    expect(good).toBeLessThan(24);
    expect(await world.world.inside.tally(vip, 80, { count: 20, send: canaryRequest })).toEqual({ b: 20 });
    await workersAre(world, agent, left);
    expect(await world.world.inside.tally(vip, 80, { count: 20, send: canaryRequest })).toEqual({ b: 20 });
    expect((await statusOf(agent)).state).toBe("live");
  });

  test("of the agent: requests go on, and a new agent takes over without a failed one; the old workers end", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const [session] = await openMany(world, 1);
    const old = await world.workers();
    await using kept = Load.start(`http://${vip}/`, world.world.enter, { keepAlive: true, threads: 4 });
    await using fresh = Load.start(`http://${vip}/`, world.world.enter, { keepAlive: false, threads: 4 });
    await agent.stop("SIGKILL");
    expect(await world.workers()).toEqual(old);
    expect(await world.world.inside.tally(vip, 80, { count: 20, send: canaryRequest })).toEqual({ b: 20 });
    expect(session === undefined ? "" : named(await session.get("/", canaryHeader))).toBe("b");
    agent.writeMesh(meshOf("b", "a"));
    await agent.start();
    expect(await world.world.inside.tally(vip, 80, { count: 20, send: canaryRequest })).toEqual({ a: 20 });
    for (const load of [kept, fresh]) expect(Object.keys((await load.finish()).statuses)).toEqual(["200"]);
    await waitFor(
      "the old workers' end",
      async () => !(await world.workers()).some((pid) => old.includes(pid)),
      75_000,
    );
    expect(await world.workers()).toHaveLength(workers);
  }, 170_000);
});

describe("what a dead agent left", () => {
  const old = (world: RelayWorld, pids: readonly number[]) =>
    waitFor("the old workers' end", async () => !(await world.workers()).some((pid) => pids.includes(pid)), 75_000);

  test("ends when the next agent relays nothing any more; until then its connections are served", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const [session] = await openMany(world, 1);
    const pids = await world.workers();
    await agent.stop("SIGKILL");
    agent.writeMesh(bootstrap([httpListener("shop", `${vip}:80`, [pathRoute("/", "a")])], clusters));
    await agent.start();
    expect(await world.world.inside.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual({ a: 10 });
    expect(session === undefined ? "" : named(await session.get("/", canaryHeader))).toBe("b");
    await old(world, pids);
    expect(await world.workers()).toEqual([]);
  }, 170_000);

  test("ends when nothing of it is pinned any more", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const pids = await world.workers();
    await agent.stop("SIGKILL");
    rmSync(agent.pinDirectory, { recursive: true });
    await old(world, pids);
  }, 170_000);

  test("is as many workers as configured, however often agents die", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    for (let i = 0; i < 4; i++) {
      await agent.stop("SIGKILL");
      await agent.start();
    }
    expect(await world.world.inside.tally(vip, 80, { count: 20, send: canaryRequest })).toEqual({ b: 20 });
    await waitFor("the old workers' end", async () => (await world.workers()).length === workers, 75_000);
  }, 170_000);
});

describe("while no worker listens", () => {
  test.each([
    ["bypass", { a: 10 }],
    ["refuse", { "!ECONNREFUSED": 10 }],
  ] as const)("on_relay_down: %s", async (policy, expected) => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"), { config: `on_relay_down: ${policy}\n` });
    const client = world.world.inside;
    expect(await client.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual({ b: 10 });
    // An agent that is stopped starts no worker again.
    process.kill(agent.pid, "SIGSTOP");
    try {
      for (const pid of await world.workers()) process.kill(pid, "SIGKILL");
      await waitFor("their end", async () => (await world.workers()).length === 0);
      // A process that has been killed may still have its sockets for a moment.
      await waitFor("their sockets' end", async () => {
        const [answer] = Object.keys(await client.tally(vip, 80, { send: canaryRequest }));
        return answer !== undefined && answer in expected;
      });
      expect(await client.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual(expected);
    } finally {
      process.kill(agent.pid, "SIGCONT");
    }
    await workersAre(world, agent, []);
    await waitFor("the relay", async () => "b" in (await client.tally(vip, 80, { send: canaryRequest })));
    expect(await client.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual({ b: 10 });
  });
});

describe("the end", () => {
  test("--detach-on-exit leaves no worker, no program and no pin", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"), { flags: ["--detach-on-exit"] });
    expect(await world.workers()).toHaveLength(workers);
    expect(await agent.stop()).toBe(0);
    expect(agent.hasPins).toBe(false);
    await waitFor("the workers' end", async () => (await world.workers()).length === 0);
    expect(await world.world.inside.tally(vip, 80, { send: HTTP_REQUEST })).toEqual({ "!ECONNREFUSED": 1 });
  });

  test.each(["SIGINT", "SIGHUP"] as const)(
    "%s of a terminal, to the agent's whole group: the relay serves on",
    async (signal) => {
      await using world = await RelayWorld.create();
      const enter = compose(world.world.namespace.enter, (argv) => ["setsid", ...argv]);
      await using agent = await world.startAgent(meshOf("a", "b"), { enter });
      const pids = await world.workers();
      process.kill(-agent.pid, signal);
      await agent.exited;
      expect(await world.world.inside.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual({ b: 10 });
      expect(await world.workers()).toEqual(pids);
    },
  );

  test("SIGTERM leaves the relay serving", async () => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    const [session] = await openMany(world, 1);
    expect(await agent.stop()).toBe(0);
    expect(await world.workers()).toHaveLength(workers);
    expect(await world.world.inside.tally(vip, 80, { count: 10, send: canaryRequest })).toEqual({ b: 10 });
    expect(session === undefined ? "" : named(await session.get("/", canaryHeader))).toBe("b");
  });
});
