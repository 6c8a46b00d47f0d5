// Which cgroups are governed: enrolled and released while the agent runs, kept over restarts, and followed as they come and go.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { WorkloadStatus } from "../../src/admin/view.ts";
import { Agent } from "../support/agent.ts";
import { type Cgroup, cgroupRoot } from "../support/cgroup.ts";
import { Dialer } from "../support/dialer.ts";
import { compose } from "../support/process.ts";
import { bootstrap, staticCluster, tcpListener } from "./resources.ts";
import { isOneClearError, statusOf, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const vip = "127.96.0.1";
const mesh = bootstrap([tcpListener("shop", `${vip}:80`, "shop")], [staticCluster("shop", ["127.0.1.1:8080"])]);
const governed = { a: 1 };
const native = { "!ECONNREFUSED": 1 };

const stack = new AsyncDisposableStack();
let world: World;
let agent: Agent;

beforeAll(async () => {
  world = stack.use(await World.create([tcpBackend("a", 1)]));
  agent = stack.use(await Agent.start({ mesh }));
});
afterAll(() => stack.disposeAsync());

const clientIn = (cgroup: Cgroup): Dialer => Dialer.start(compose(cgroup.enter, world.namespace.enter));

async function workloads(): Promise<readonly WorkloadStatus[]> {
  return JSON.parse((await agent.cli("workloads", "--json")).stdout) as readonly WorkloadStatus[];
}

test("an agent without workloads is ready, and governs nobody", async () => {
  expect(await workloads()).toEqual([]);
  expect((await statusOf(agent)).state).toBe("live");
  expect(await world.inside.tally(vip, 80)).toEqual(native);
});

describe("enroll and unenroll", () => {
  test("take effect at once, for processes that run already, and are kept over a restart", async () => {
    const { path } = world.cgroup;
    const enrolled = await agent.cli("enroll", path, "--json");
    expect(enrolled.status).toBe(0);
    expect(JSON.parse(enrolled.stdout)).toMatchObject({ target: path, path, state: "attached", origin: "enrolled" });
    expect(await world.inside.tally(vip, 80)).toEqual(governed);
    expect(await world.outside.tally(vip, 80)).toEqual(native);
    await agent.stop("SIGKILL");
    expect(await world.inside.tally(vip, 80)).toEqual(governed);
    await agent.start();
    expect(await workloads()).toMatchObject([{ target: path, state: "adopted" }]);
    await world.inside.dial(vip, 80, { count: 2, hold: true });
    expect((await agent.cli("unenroll", path)).status).toBe(0);
    expect(await world.inside.tally(vip, 80)).toEqual(native);
    expect((await world.backends.counts()).a?.open).toBe(2);
    await world.inside.release();
    expect(await workloads()).toEqual([]);
    await agent.stop();
    await agent.start();
    expect(await workloads()).toEqual([]);
    expect(await world.inside.tally(vip, 80)).toEqual(native);
  });

  test("are idempotent, and take a path below the root of cgroup v2 too", async () => {
    const name = basename(world.cgroup.path);
    for (let i = 0; i < 2; i++) expect((await agent.cli("enroll", name)).status).toBe(0);
    expect((await workloads()).map(({ target }) => target)).toEqual([name]);
    expect(await world.inside.tally(vip, 80)).toEqual(governed);
    expect((await agent.cli("unenroll", name)).status).toBe(0);
    const again = await agent.cli("unenroll", name);
    expect(again.status).toBe(1);
    expect(isOneClearError(again)).toBe(true);
    expect(await world.inside.tally(vip, 80)).toEqual(native);
  });

  test.each([
    ["no such cgroup", "kmesh-edge-no-such"],
    ["outside of the cgroup file system", "/etc"],
    ["out of the root", "../../../etc"],
    ["nothing", ""],
    ["with a control character", "a\nb"],
  ])("%s: one clear error, nothing enrolled", async (_, target) => {
    const output = await agent.cli("enroll", target);
    expect(output.status).toBeOneOf([1, 2]);
    expect(isOneClearError(output)).toBe(true);
    expect(await workloads()).toEqual([]);
  });

  test("the children of an enrolled cgroup are governed with it; a child that is enrolled too is decided once", async () => {
    using child = world.cgroup.child("inner");
    await using client = clientIn(child);
    await agent.cli("enroll", world.cgroup.path);
    expect(await client.tally(vip, 80)).toEqual(governed);
    await agent.cli("enroll", child.path);
    expect(await client.tally(vip, 80, { count: 5 })).toEqual({ a: 5 });
    await agent.cli("unenroll", world.cgroup.path);
    expect(await client.tally(vip, 80)).toEqual(governed);
    expect(await world.inside.tally(vip, 80)).toEqual(native);
    await agent.cli("unenroll", child.path);
    expect(await client.tally(vip, 80)).toEqual(native);
  });
});

test("a cgroup that appears later is governed then, disappears, and is governed when it comes back", async () => {
  const path = join(cgroupRoot(), `kmesh-edge-later-${process.pid}`);
  await using later = await Agent.start({ mesh, cgroups: [path] });
  const state = async () => (await statusOf(later)).workloads[0]?.state;
  expect(await state()).toBe("missing");
  expect((await statusOf(later)).problems.join()).toContain(path);
  for (let i = 0; i < 2; i++) {
    mkdirSync(path);
    try {
      await later.waitFor("the attachment", async () => (await state()) === "attached");
      const client = Dialer.start(
        compose(
          (argv) => ["sh", "-c", `echo 0 > '${path}/cgroup.procs' && exec "$@"`, "sh", ...argv],
          world.namespace.enter,
        ),
      );
      expect(await client.tally(vip, 80)).toEqual(governed);
      await client[Symbol.asyncDispose]();
      await later.waitFor("the cgroup to be empty", () => removed(path));
    } finally {
      removed(path);
    }
    await later.waitFor("the absence", async () => (await state()) === "missing");
  }
});

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

test("a workload that a flag names can't be released by a command, and the error says where to", async () => {
  await using flagged = await Agent.start({ mesh, cgroups: [world.cgroup.path] });
  const output = await flagged.cli("unenroll", world.cgroup.path);
  expect(output.status).not.toBe(0);
  expect(isOneClearError(output)).toBe(true);
  expect(output.stderr).toContain("configuration or a flag");
  expect(await world.inside.tally(vip, 80)).toEqual(governed);
});

test("workloads of the configuration file are governed", async () => {
  await using configured = await Agent.start({ mesh, config: `workloads:\n- cgroup: ${world.cgroup.path}\n` });
  expect(await world.inside.tally(vip, 80)).toEqual(governed);
  expect((await statusOf(configured)).workloads).toMatchObject([{ origin: "config", state: "attached" }]);
});

test("a corrupt list of enrolled workloads stops the start with the file's name, and changes no traffic", async () => {
  await using corrupt = await Agent.start({ mesh, cgroups: [world.cgroup.path] });
  await corrupt.stop();
  const path = join(corrupt.stateDirectory, "workloads.json");
  writeFileSync(path, '{"workloads": [1');
  let log = "";
  try {
    await corrupt.start();
  } catch (error) {
    log = String(error);
  }
  expect(log).toContain(path);
  expect(await corrupt.exited).toBe(2);
  expect(await world.inside.tally(vip, 80)).toEqual(governed);
});
