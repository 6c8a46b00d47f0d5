// The mesh file while the agent runs: edits of every kind take effect as a whole or not at all, and `check` says beforehand what
// a file would do.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, binary } from "../support/agent.ts";
import { type Answer, tallyOf } from "../support/dialer.ts";
import { type Output, root, run } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";
import { bootstrap, staticCluster, tcpListener } from "./resources.ts";
import { explanationOf, isOneClearError, logged, statusOf, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const backends = ["a", "b", "c"].map((name, i) => tcpBackend(name, i + 1));
const vip = "127.96.0.1";

/** One VIP, and the backends behind it. */
function meshTo(...hosts: readonly number[]): string {
  const endpoints = hosts.map((host) => `127.0.1.${host}:8080`);
  return bootstrap([tcpListener("shop", `${vip}:80`, "shop")], [staticCluster("shop", endpoints)]);
}

describe("the watched mesh file", () => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let agent: Agent;

  beforeAll(async () => {
    world = stack.use(await World.create(backends));
    agent = stack.use(await Agent.start({ mesh: meshTo(1), cgroups: [world.cgroup.path] }));
  });
  afterAll(() => stack.disposeAsync());

  const names = async () => Object.keys(await world.inside.tally(vip, 80, { count: 9 })).sort();
  const becomes = (expected: readonly string[]) =>
    agent.waitFor(`${vip} to be ${expected}`, async () => Bun.deepEquals(await names(), expected));

  test("rename over it", async () => {
    expect(await names()).toEqual(["a"]);
    agent.writeMesh(meshTo(2));
    await becomes(["b"]);
  });

  test("write in place", async () => {
    writeFileSync(agent.meshFile, meshTo(3));
    await becomes(["c"]);
  });

  test("replace it by a link, and the link's target, as configuration managers do", async () => {
    using directory = new TempDir();
    const link = directory.join("current");
    symlinkSync(directory.write("first.yaml", meshTo(1)), link);
    symlinkSync(link, `${agent.meshFile}.link`);
    renameSync(`${agent.meshFile}.link`, agent.meshFile);
    await becomes(["a"]);
    symlinkSync(directory.write("second.yaml", meshTo(2)), `${link}.new`);
    renameSync(`${link}.new`, link);
    await becomes(["b"]);
    agent.writeMesh(meshTo(2));
  });

  test("remove it, and make it again: what was there serves meanwhile", async () => {
    rmSync(agent.meshFile);
    await agent.waitFor("the error", async () => (await statusOf(agent)).file?.error !== undefined);
    expect(await names()).toEqual(["b"]);
    agent.writeMesh(meshTo(3));
    await becomes(["c"]);
    await agent.waitFor("no error", async () => (await statusOf(agent)).state === "live");
  });

  const badEdits: readonly [why: string, text: string, said: RegExp][] = [
    ["is no YAML", "static_resources: [", /mesh\.yaml:\d+/],
    [
      "has an unknown field",
      meshTo(1).replace('"lb_endpoints"', '"lb_endpoint"'),
      /mesh\.yaml:\d+: .*lb_endpoint: unknown field/,
    ],
    ["names a cluster that isn't there", bootstrap([tcpListener("shop", `${vip}:80`, "nowhere")], []), /nowhere/],
    ["has a cluster that can't be honoured", meshTo(1).replace('"STATIC"', '"STRICT_DNS"'), /clusters\[0\]\.type/],
    ["is empty of everything", "", /mesh\.yaml/],
    ["is binary", "\0\u0001\u0002\u0003", /mesh\.yaml/],
  ];
  test.each(badEdits)(
    "a bad edit that %s changes nothing and is reported; the next good one applies",
    async (_, text, said) => {
      agent.writeMesh(meshTo(1));
      await becomes(["a"]);
      await agent.waitFor("being live", async () => (await statusOf(agent)).state === "live");
      const { snapshot } = await statusOf(agent);
      agent.writeMesh(text);
      await agent.waitFor("the report", async () => (await statusOf(agent)).state === "degraded");
      const bad = await statusOf(agent);
      expect(bad.file?.error).toMatch(said);
      expect(bad.problems.join()).toMatch(said);
      expect(bad.isReady).toBe(true);
      expect(bad.snapshot.generation).toBe(snapshot.generation);
      expect(await names()).toEqual(["a"]);
      expect((await agent.cli("status")).stdout).toMatch(said);
      agent.writeMesh(meshTo(2));
      await becomes(["b"]);
      expect(await statusOf(agent)).toMatchObject({ state: "live", problems: [] });
    },
  );

  // Both VIPs move from one backend to the other in one edit; every connect finds a backend, whichever the moment.
  test("edits under load: no connect fails, and none goes to a backend that no file had", async () => {
    agent.writeMesh(meshTo(1));
    await becomes(["a"]);
    const edits = 12;
    const generation = async () => (await statusOf(agent)).snapshot.generation;
    let isOver = false;
    const load = (async () => {
      const answers: Answer[] = [];
      while (!isOver) answers.push(...(await world.inside.dial(vip, 80, { count: 500, concurrency: 16 })));
      return answers;
    })();
    for (let i = 1; i <= edits; i++) {
      const before = await generation();
      agent.writeMesh(meshTo((i % 2) + 1));
      await agent.waitFor("the commit", async () => (await generation()) > before);
    }
    isOver = true;
    const answers = await load;
    expect(Object.keys(tallyOf(answers)).sort()).toEqual(["a", "b"]);
  });

  test("an edit that changes nothing but its layout writes nothing", async () => {
    agent.writeMesh(meshTo(1));
    await becomes(["a"]);
    const { generation: before } = (await statusOf(agent)).snapshot;
    await agent.waitFor("its log", () => logged(agent, "configuration in effect").length === before);
    agent.writeMesh(`\n\n${meshTo(1)}`);
    const [next] = await agent.waitFor("the commit", () => {
      const later = logged(agent, "configuration in effect").slice(before);
      return later.length > 0 && later;
    });
    expect(next).toMatchObject({ puts: 0, deletes: 0 });
    expect((await explanationOf(agent, `${vip}:80`)).result).toBe("connect");
  });
});

describe("check", () => {
  const corpus = join(root, "test/corpus/mesh");
  const check = (...argv: readonly string[]): Promise<Output> => run([binary, "check", ...argv]);
  const files = (kind: string) => [...new Bun.Glob("*").scanSync(join(corpus, kind))].sort();

  test.each(files("good"))("good/%s: every listener with its engine", async (name) => {
    const text = await check(join(corpus, "good", name));
    expect(text.stderr).toBe("");
    const json = await check(join(corpus, "good", name), "--json");
    expect(text.status).toBe(json.status);
    const report = JSON.parse(json.stdout) as { ok: boolean; rejections: string[]; listeners: { name: string }[] };
    expect(report.rejections).toEqual([]);
    expect(json.status).toBe(report.ok ? 0 : 1);
    for (const { name: listener } of report.listeners) expect(text.stdout).toContain(`listener ${listener}: `);
  });

  test.each(files("bad"))("bad/%s: exit 1 or 2, and what is wrong where", async (name) => {
    const { status, stdout, stderr } = await check(join(corpus, "bad", name));
    expect([1, 2]).toContain(status);
    expect(stdout + stderr).toMatch(new RegExp(`${name}(:\\d+)?: `));
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
  });

  test("an unknown field is named with its line and path, and what was meant", async () => {
    const { status, stdout, stderr } = await check(join(corpus, "bad/unknown-fields.yaml"));
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain(
      "unknown-fields.yaml:8: static_resources.clusters[0].lb_polcy: unknown field (did you mean lb_policy?)",
    );
  });

  test.each([
    ["a missing file", ["/nonexistent/mesh.yaml"], 2],
    ["a directory", ["/"], 2],
    ["a device that never ends", ["/dev/zero"], 2],
    ["no file", [], 2],
    ["two files", ["a", "b"], 2],
  ] as const)("%s: one line", async (_, argv, status) => {
    const output = await check(...argv);
    expect(output.status).toBe(status);
    expect(output.stdout).toBe("");
    expect(isOneClearError(output)).toBe(true);
  });

  test("a file that is fine but asks for what no engine here can do: exit 1, with the reason", async () => {
    using directory = new TempDir();

    const tls = meshTo(1).replace(
      '"type": "STATIC"',
      '"type": "STATIC", "transport_socket": {"name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}',
    );
    const { status, stdout } = await check(directory.write("mesh.json", tls));
    expect(status).toBe(1);
    expect(stdout).toMatch(/listener shop: 127\.96\.0\.1:80: none .*transport_sockets\.tls/);
  });
});
