import { describe, expect, test } from "bun:test";
import { TempDir } from "../test/support/temp.ts";
import { type Config, defaults, type Flags, loadConfig } from "./config.ts";
import { ConfigError, MeshError } from "./errors.ts";

/** The configuration that a file gives, with flags and environment beside it. */
function load(yaml: string, flags: Flags = {}, env: Record<string, string> = {}): Config {
  using directory = new TempDir();
  return loadConfig({ config: directory.write("config.yaml", yaml), ...flags }, env);
}

/** Every problem, one a line, without the directory. */
function problems(yaml: string, flags: Flags = {}, env: Record<string, string> = {}): string[] {
  try {
    load(yaml, flags, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return MeshError.from(error)
      .reason.split("\n")
      .map((line) => line.replace(/^\S*config\.yaml: ?/, ""));
  }
  return [];
}

describe("what is taken", () => {
  test("an empty file is the defaults", () => {
    const config = load("", { mesh: "/m.yaml" });
    expect(config).toMatchObject({
      meshFile: "/m.yaml",
      controller: undefined,
      xdsProtocol: "delta",
      initialFetchTimeoutMs: 15_000,
      workloads: [],
      stateDirectory: defaults.stateDirectory,
      pinDirectory: defaults.pinDirectory,
      adminSocket: defaults.adminSocket,
      trustVip: true,
      engine: "auto",
      relayWorkers: undefined,
      onRelayDown: "bypass",
      detachOnExit: false,
      logLevel: "info",
    });
    expect(config.adminAddress?.port).toBe(15_000);
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("every field of the file", () => {
    const config = load(`
mesh: /srv/mesh.yaml
controller: istiod.example:15010
xds: {protocol: sotw, initial_fetch_timeout: 2.5s}
node: {id: n, namespace: ns, labels: {app: a}, locality: {region: r, zone: z}, metadata: {x: [1]}}
workloads: [{cgroup: /shop.slice}, {cgroup: a/b}]
state_dir: /srv/state
pin_dir: /sys/fs/bpf/x
admin: {socket: /run/x.sock, address: "[::1]:1500"}
trust_vip: false
engine: connect
relay: {workers: 3}
on_relay_down: refuse
detach_on_exit: true
log_level: debug
`);
    expect(config).toMatchObject({
      meshFile: "/srv/mesh.yaml",
      controller: { host: "istiod.example", port: 15010 },
      xdsProtocol: "sotw",
      initialFetchTimeoutMs: 2500,
      node: {
        id: "n",
        namespace: "ns",
        labels: { app: "a" },
        locality: { region: "r", zone: "z", subZone: "" },
        metadata: { x: [1] },
      },
      workloads: ["/shop.slice", "a/b"],
      stateDirectory: "/srv/state",
      pinDirectory: "/sys/fs/bpf/x",
      adminSocket: "/run/x.sock",
      trustVip: false,
      engine: "connect",
      relayWorkers: 3,
      onRelayDown: "refuse",
      detachOnExit: true,
      logLevel: "debug",
    });
  });

  test("flags win over the environment, and that over the file; workloads add up", () => {
    const yaml = "controller: file:1\nworkloads: [{cgroup: a}]\nlog_level: warn\n";
    expect(load(yaml).controller?.host).toBe("file");
    expect(load(yaml, {}, { MESH_CONTROLLER: "env:2" }).controller?.host).toBe("env");
    const config = load(
      yaml,
      { controller: "[::1]:3", cgroup: ["b"], "log-level": "error" },
      { MESH_CONTROLLER: "env:2" },
    );
    expect(config).toMatchObject({ controller: { host: "::1", port: 3 }, workloads: ["a", "b"], logLevel: "error" });
  });

  test("an admin flag is a socket, an address or off", () => {
    const admin = (...given: string[]) => {
      const { adminSocket, adminAddress } = load("", { admin: given });
      return [adminSocket, adminAddress?.port];
    };
    expect(admin("/run/a.sock")).toEqual(["/run/a.sock", 15_000]);
    expect(admin("127.0.0.1:9")).toEqual([defaults.adminSocket, 9]);
    expect(admin("off", "/run/a.sock")).toEqual(["/run/a.sock", undefined]);
  });
});

describe("what is refused, each with its field", () => {
  test.each<[string, string[]]>([
    ["unknown: 1", ["unknown: unknown field"]],
    ["xds: {protocl: delta}", ["xds.protocl: unknown field"]],
    ["xds: delta", ["xds: expected a mapping"]],
    ["- a", ["expected a mapping"]],
    ["text", ["expected a mapping"]],
    ["mesh: 7", ["mesh: expected a string"]],
    ["mesh: ''", ["mesh: expected a string"]],
    ["trust_vip: yes please", ["trust_vip: expected true or false"]],
    ["workloads: {cgroup: a}", ["workloads: expected a list"]],
    [
      "workloads: [a, {cgroup: b}, {cgroup: 1}, {cgroup: c, unit: d}]",
      [
        "workloads[0]: expected {cgroup: PATH}",
        "workloads[2]: expected {cgroup: PATH}",
        "workloads[3]: expected {cgroup: PATH}",
      ],
    ],
    ["xds: {initial_fetch_timeout: 5}", ["xds.initial_fetch_timeout: expected a duration such as 15s"]],
    ["node: {labels: {a: 1}}", ["node.labels: expected a mapping of strings"]],
    ["log_level: loud", ['log level "loud": expected debug, info, warn, error']],
    ["relay: {workers: 0}", ["relay.workers: expected a whole number from 1 to 64"]],
    ["relay: {workers: two}", ["relay.workers: expected a whole number from 1 to 64"]],
    ["on_relay_down: panic", ['on_relay_down "panic": expected bypass or refuse']],
    ["engine: relay", ['engine "relay": expected auto or connect']],
    ["controller: istiod", ['controller "istiod": expected HOST:PORT']],
    ["controller: istiod:0", ['controller "istiod:0": expected HOST:PORT']],
    ["controller: http://istiod:15010", ['controller "http://istiod:15010": expected HOST:PORT']],
    [
      "admin: {address: 0.0.0.0:15000}",
      ["admin 0.0.0.0:15000: only a loopback address can be served; put a proxy before it"],
    ],
    ["admin: {address: localhost}", ['admin "localhost": expected a path, IP:PORT or off']],
  ])("%s", (yaml, expected) => expect(problems(yaml)).toEqual(expected));

  test("all problems at once", () => {
    expect(
      problems("mesh: 1\nwhat: 2\nengine: x\n", { xds: "carrier pigeon" }, { MESH_CONTROLLER: "a b" }),
    ).toHaveLength(5);
  });

  test.each(["a: [", "\ta: 1", "a: &x [*x]\n", "\u0000"])("what is no YAML is one line: %p", (yaml) => {
    const said = problems(yaml);
    expect(said.length).toBeGreaterThan(0);
    expect(said.join("\n")).not.toMatch(/\n\s+at /);
  });

  test("a named file that isn't there", () => {
    expect(() => loadConfig({ config: "/nonexistent/config.yaml" }, {})).toThrow("/nonexistent/config.yaml");
  });
});
