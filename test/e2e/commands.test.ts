// The commands as a user meets them: help, bad usage, exit codes, and what they say about a running agent.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, binary } from "../support/agent.ts";
import { type Output, run } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";
import { bootstrap, staticCluster, tcpListener } from "./resources.ts";
import { isOneClearError, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const kmesh = (...argv: readonly string[]): Promise<Output> => run([binary, ...argv]);

const commands = [
  ...["demo", "run", "check", "explain", "enroll", "unenroll", "workloads"],
  ...["status", "dump", "log", "doctor", "version"],
];
const askingCommands: readonly (readonly string[])[] = [
  ["explain", "127.96.0.1:80"],
  ["enroll", "/sys/fs/cgroup"],
  ["unenroll", "/sys/fs/cgroup"],
  ["workloads"],
  ["status"],
  ["dump", "config"],
  ["dump", "maps"],
  ["log", "debug"],
];

describe("help", () => {
  test("of the program lists every command", async () => {
    const { status, stdout, stderr } = await kmesh("--help");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, "m"));
    expect((await kmesh("help")).stdout).toBe(stdout);
    expect(await kmesh()).toEqual({ status: 2, stdout, stderr: "" });
  });

  test.each(commands)("of %s has its usage, its options and an example", async (command) => {
    const { status, stdout, stderr } = await kmesh(command, "--help");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`Usage: kmesh-edge ${command}`));
    expect(stdout).toContain("--json");
    expect(stdout).toMatch(new RegExp(`Example:\n  (sudo )?kmesh-edge ${command}`));
  });
});

describe("bad usage", () => {
  const cases: readonly (readonly string[])[] = [
    ["frobnicate"],
    ...commands.map((command) => [command, "--no-such-option"]),
    ["check"],
    ["check", "a", "b"],
    ["explain"],
    ["explain", "not-an-address"],
    ["explain", "127.96.0.1"],
    ["explain", "127.96.0.1:99999"],
    ["enroll"],
    ["unenroll"],
    ["dump"],
    ["dump", "everything"],
    ["log"],
    ["log", "loud", "--socket"],
    ["status", "extra"],
    ["workloads", "extra"],
    ["version", "extra"],
    ["doctor", "extra"],
    ["run", "extra"],
    ["run", "--cgroup"],
  ];
  test.each(cases.map((argv) => [argv.join(" "), argv] as const))("%s: exit 2, one line", async (_, argv) => {
    const output = await kmesh(...argv);
    expect(isOneClearError(output)).toBe(true);
    expect(output.status).toBe(2);
    expect(output.stdout).toBe("");
  });

  const badRuns: readonly (readonly [argv: readonly string[], said: RegExp])[] = [
    [["--mesh", "/nonexistent.yaml"], /nonexistent\.yaml/],
    [["--config", "/nonexistent.yaml"], /nonexistent\.yaml/],
    [["--controller", "nowhere"], /HOST:PORT/],
    [["--controller", "host:0"], /HOST:PORT/],
    [["--controller", "127.0.0.1:1", "--xds", "grpc"], /delta or sotw/],
    [["--controller", "127.0.0.1:1", "--engine", "warp"], /auto or connect/],
    [["--controller", "127.0.0.1:1", "--log-level", "loud"], /debug/],
    [["--controller", "127.0.0.1:1", "--admin", "0.0.0.0:15000"], /loopback/],
    [["--controller", "127.0.0.1:1", "--admin", "nonsense"], /IP:PORT/],
  ];
  test.each(badRuns.map(([argv, said]) => [argv.join(" "), argv, said] as const))(
    "run %s: exit 2, one line that says what is expected",
    async (_, argv, said) => {
      using directory = new TempDir();
      const places = ["--state-dir", directory.join("state"), "--admin", directory.join("socket")];
      const output = await kmesh("run", ...(argv.includes("--admin") ? [] : places), ...argv);
      expect(isOneClearError(output)).toBe(true);
      expect(output.status).toBe(2);
      expect(output.stderr).toMatch(said);
    },
  );

  test("every problem of the agent's configuration is named, with file and field", async () => {
    using directory = new TempDir();
    const path = directory.write(
      "config.yaml",
      "log_level: loud\nworkload: []\nadmin: {socket: 1}\nxds: {protocol: [1]}\n",
    );
    const { status, stderr } = await kmesh("run", "--config", path, "--controller", "127.0.0.1:1");
    expect(status).toBe(2);
    for (const said of [
      "log level",
      `${path}: workload: unknown field`,
      `${path}: admin.socket`,
      `${path}: xds.protocol`,
    ])
      expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("without an agent", () => {
  test.each(askingCommands.map((argv) => [argv.join(" "), argv] as const))("%s: exit 4, one line", async (_, argv) => {
    using directory = new TempDir();
    const output = await kmesh(...argv, "--socket", directory.join("admin.sock"));
    expect(output).toMatchObject({ status: 4, stdout: "" });
    expect(isOneClearError(output)).toBe(true);
    expect(output.stderr).toContain(directory.path);
  });

  test("--verbose adds the cause", async () => {
    const { status, stderr } = await kmesh("status", "--socket", "/nonexistent/admin.sock", "--verbose");
    expect(status).toBe(4);
    expect(stderr.trimEnd().split("\n").length).toBeGreaterThan(1);
    expect(stderr).toContain("caused by: ");
  });
});

test("version and doctor need no agent", async () => {
  const version = await kmesh("version", "--json");
  expect(JSON.parse(version.stdout)).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect((await kmesh("--version")).stdout).toStartWith("kmesh-edge ");
  const doctor = await kmesh("doctor");
  expect(doctor).toMatchObject({ status: 0, stderr: "" });
  expect(doctor.stdout).toContain("this host can carry the mesh");
  const json = JSON.parse((await kmesh("doctor", "--json")).stdout) as { ok: boolean; checks: { state: string }[] };
  expect(json.ok).toBe(true);
  expect(json.checks.filter(({ state }) => state === "missing")).toEqual([]);
});

test("demo: every answer right, nothing left behind", async () => {
  const { status, stdout, stderr } = await kmesh("demo", "--json");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  const left = await run([
    "sh",
    "-c",
    "ls -d /sys/fs/bpf/kmesh-edge-demo-* /sys/fs/cgroup*/unified/kmesh-edge-demo-* 2>/dev/null",
  ]);
  expect(left.stdout).toBe("");
});

describe("with an agent", () => {
  const vip = "127.96.0.1";
  const mesh = bootstrap(
    [tcpListener("shop", `${vip}:80`, { v1: 3, v2: 1 }), tcpListener("closed", "127.96.0.2:80", "off")],
    [staticCluster("v1", ["127.0.1.1:8080"]), staticCluster("v2", ["127.0.1.2:8080"]), staticCluster("off", [])],
  );
  const stack = new AsyncDisposableStack();
  let world: World;
  let agent: Agent;

  beforeAll(async () => {
    world = stack.use(await World.create([tcpBackend("v1", 1), tcpBackend("v2", 2)]));
    agent = stack.use(await Agent.start({ mesh, cgroups: [world.cgroup.path] }));
  });
  afterAll(() => stack.disposeAsync());

  const json = async (...argv: readonly string[]): Promise<unknown> => {
    const { status, stdout, stderr } = await agent.cli(...argv, "--json");
    expect(stderr).toBe("");
    expect([0, 1]).toContain(status);
    return JSON.parse(stdout);
  };

  test("status: everything that matters, for people and for programs", async () => {
    expect(await json("status")).toMatchObject({
      state: "live",
      isReady: true,
      problems: [],
      bypass: false,
      snapshot: { generation: 1, rejections: [], waiting: [], conflicts: [] },
      file: { path: agent.meshFile },
      commits: { count: 1, failed: 0 },
      mapUse: { listeners: { used: 2 }, clusters: { used: 3 }, endpoints: { used: 2 } },
      workloads: [{ target: world.cgroup.path, state: "attached", origin: "config" }],
      listeners: [{ name: "shop" }, { name: "closed" }],
    });
    const { status, stdout } = await agent.cli("status");
    expect(status).toBe(0);
    for (const said of ["live", "shop", "closed", world.cgroup.path, agent.meshFile]) expect(stdout).toContain(said);
  });

  test("explain: the clusters with their chances, a refusal, and what nobody governs", async () => {
    expect(await json("explain", `${vip}:80`)).toMatchObject({
      result: "connect",
      listener: "shop",
      clusters: [
        { name: "v1", probability: 0.75, endpoints: [{ address: "127.0.1.1:8080", probability: 1 }] },
        { name: "v2", probability: 0.25 },
      ],
    });
    const closed = await agent.cli("explain", "127.96.0.2:80");
    expect(closed.status).toBe(1);
    expect(closed.stdout).toContain("no usable endpoint");
    const native = await agent.cli("explain", "127.96.0.3:80");
    expect(native.status).toBe(0);
    expect(native.stdout).toContain("no listener has this destination");
    expect((await agent.cli("explain", "[fd00::1]:80")).status).toBe(0);
  });

  test("dump: the configuration in effect in Envoy's form, and the maps as the kernel holds them", async () => {
    const config = (await json("dump", "config")) as { configs: { "@type": string }[] };
    const types = config.configs.map(({ "@type": type }) => type).join();
    for (const type of ["ListenersConfigDump", "ClustersConfigDump", "EndpointsConfigDump"])
      expect(types).toContain(type);
    const maps = (await json("dump", "maps")) as Record<string, unknown[]>;
    expect(maps.listeners).toHaveLength(2);
    expect(maps.clusters).toHaveLength(3);
    expect(JSON.stringify(maps.endpoints)).toContain("127.0.1.1");
  });

  test("log: the level changes while it runs, and only to one that exists", async () => {
    for (const level of ["debug", "info"]) expect((await agent.cli("log", level)).status).toBe(0);
    const output = await agent.cli("log", "loud");
    expect(output.status).not.toBe(0);
    expect(isOneClearError(output)).toBe(true);
  });

  test("counters: what became of each connect", async () => {
    const value = async (line: string): Promise<number> => {
      const text = await (await agent.request("/stats/prometheus")).text();
      return Number(
        text
          .split("\n")
          .find((one) => one.startsWith(`${line} `))
          ?.slice(line.length + 1),
      );
    };
    const balanced = 'kmesh_edge_connects_total{reason="balanced"}';
    const refused = 'kmesh_edge_connects_total{reason="no_endpoint"}';
    const before = [await value(balanced), await value(refused)] as const;
    await world.inside.tally(vip, 80, { count: 7 });
    await world.inside.tally("127.96.0.2", 80, { count: 3 });
    expect([await value(balanced), await value(refused)]).toEqual([before[0] + 7, before[1] + 3]);
  });

  test("the admin socket is for its owner only", async () => {
    const { stdout } = await run(["stat", "--format=%a", agent.adminSocket]);
    expect(stdout.trim()).toBe("600");
  });
});
