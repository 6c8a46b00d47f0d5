// Where one connect() of an enrolled application goes, on the real kernel: listeners, address families, refusals, errors.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Backends } from "../support/backend.ts";
import { Netns } from "../support/netns.ts";
import { Dialer } from "./dialer.ts";
import { chain, cluster, listener, originalDst, prefix, tcpListener, tcpProxy } from "./model.ts";
import { backendPort, settled, World } from "./world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.start("127.77.1", 4);
});
afterAll(() => world[Symbol.asyncDispose]());

const one = (i: number) => cluster(`c${i}`, [world.at(i)]);

describe("listeners", () => {
  test("an exact IP:port, and nothing beside it", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", "127.96.1.1:80", "c1")], clusters: [one(1)] });
    expect(await world.dialer.dial("127.96.1.1:80", 2)).toEqual(["b1", "b1"]);
    // Nobody listens there, and no listener has them: native, refused by the kernel's own TCP.
    expect(await world.dialer.dial("127.96.1.1:81")).toEqual(["!ECONNREFUSED"]);
    expect(await world.dialer.dial("127.96.1.2:80")).toEqual(["!ECONNREFUSED"]);
    expect(await world.dialer.dial(world.at(2))).toEqual(["b2"]);
    expect(mesh.verdicts()).toEqual({ balanced: 2, no_listener: 3 });
    expect(mesh.listenerState("l")).toEqual({ accepted: 2n, passed: 0n, refused: 0n, relayed: 0n });
  });

  test("an exact listener before a wildcard, and every address of a wildcard's port", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("any", "0.0.0.0:8080", "c1"), tcpListener("exact", "127.96.1.1:8080", "c2")],
      clusters: [one(1), one(2)],
    });
    expect(await world.dialer.dial("127.96.1.1:8080")).toEqual(["b2"]);
    expect(await world.dialer.dial("127.96.1.2:8080")).toEqual(["b1"]);
    expect(await world.dialer.dial("127.96.200.2:8080")).toEqual(["b1"]);
    expect(mesh.verdicts()).toEqual({ balanced: 3 });
  });

  test("the longest prefix, whatever the order of the chains", async () => {
    const chains = [
      chain(tcpProxy("c1"), { prefixes: [prefix("127.96.0.0/16")] }),
      chain(tcpProxy("c3"), { prefixes: [prefix("127.96.1.128/25"), prefix("127.96.9.9/32")] }),
      chain(tcpProxy("c2"), { prefixes: [prefix("127.96.1.0/24")] }),
    ];
    using mesh = world.mesh({
      listeners: [listener("l", "0.0.0.0:81", chains, { defaultFilterChain: chain(tcpProxy("c4")) })],
      clusters: [one(1), one(2), one(3), one(4)],
    });
    const expected = {
      "127.96.2.1": "b1",
      "127.96.1.1": "b2",
      "127.96.1.129": "b3",
      "127.96.9.9": "b3",
      "127.97.0.1": "b4",
    };
    for (const [to, who] of Object.entries(expected))
      expect([to, await world.dialer.dial(`${to}:81`)]).toEqual([to, [who]]);
    expect(mesh.verdicts()).toEqual({ balanced: 5 });
  });

  test("the chain of the exact destination port before those without one", async () => {
    const chains = [
      chain(tcpProxy("c1"), { prefixes: [prefix("127.96.1.1/32")] }),
      chain(tcpProxy("c2"), { destinationPort: 82 }),
    ];
    using mesh = world.mesh({
      listeners: [listener("l", "127.96.1.1:82", chains, { additionalAddresses: [bind("127.96.1.1:83")] })],
      clusters: [one(1), one(2)],
    });
    expect(await world.dialer.dial("127.96.1.1:82")).toEqual(["b2"]);
    expect(await world.dialer.dial("127.96.1.1:83")).toEqual(["b1"]);
    expect(mesh.verdicts()).toEqual({ balanced: 2 });
  });

  test("no filter chain: refused at once", async () => {
    const chains = [chain(tcpProxy("c1"), { prefixes: [prefix("127.96.1.1/32")] })];
    using mesh = world.mesh({ listeners: [listener("l", "0.0.0.0:84", chains)], clusters: [one(1)] });
    expect(await world.dialer.dial("127.96.1.1:84")).toEqual(["b1"]);
    expect(await world.dialer.dial("127.96.1.2:84")).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ balanced: 1, no_filter_chain: 1 });
    expect(mesh.listenerState("l")).toEqual({ accepted: 1n, passed: 0n, refused: 1n, relayed: 0n });
  });

  test("ORIGINAL_DST is native on purpose", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("l", `0.0.0.0:${backendPort}`, "original")],
      clusters: [originalDst("original")],
    });
    expect(await world.dialer.dial(world.at(3))).toEqual(["b3"]);
    expect(mesh.verdicts()).toEqual({ passed: 1 });
    expect(mesh.listenerState("l")).toEqual({ accepted: 0n, passed: 1n, refused: 0n, relayed: 0n });
  });

  test("the bypass leaves every connect native, at once and until it is taken back", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", world.at(2), "c1")], clusters: [one(1)] });
    mesh.dataplane.changeSettings({ bypass: 1 });
    expect(await world.dialer.dial(world.at(2))).toEqual(["b2"]);
    mesh.dataplane.changeSettings({ bypass: 0 });
    expect(await world.dialer.dial(world.at(2))).toEqual(["b1"]);
    expect(mesh.verdicts()).toEqual({ balanced: 1, bypassed: 1 });
  });

  test("what isn't TCP is not touched", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", "127.96.1.1:80", "c1")], clusters: [one(1)] });
    const { stdout } = await world.cgroup.run([
      "python3",
      "-c",
      "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.96.1.1', 80)); print(s.getpeername())",
    ]);
    expect(stdout).toBe("('127.96.1.1', 80)\n");
    expect(mesh.verdicts()).toEqual({});
  });
});

describe("refusals", () => {
  test("trap 2: what a listener has and can't be served never falls through to the destination", async () => {
    // The destinations are backends that would answer, were the connection left alone.
    using mesh = world.mesh({
      listeners: [
        tcpListener("empty", world.at(1), "none"),
        tcpListener("full", world.at(2), "full"),
        listener("no chain", world.at(3), []),
      ],
      clusters: [cluster("none", []), cluster("full", [world.at(4)], { maxConnections: 0 })],
    });
    for (const i of [1, 2, 3]) expect(await world.dialer.dial(world.at(i))).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ no_endpoint: 1, max_connections: 1, no_filter_chain: 1 });
    expect(mesh.clusterState("none")).toMatchObject({ unusable: 1n, overflow: 0n, active: 0 });
    expect(mesh.clusterState("full")).toMatchObject({ unusable: 0n, overflow: 1n, active: 0 });
    expect(await world.backends.counts()).toMatchObject({ b4: { open: 0 } });
  });

  test.each([
    ["blocking", "connect"],
    ["not blocking", "connect_nonblocking"],
  ])("a refused connect fails at once: %s", async (_name, call) => {
    using _mesh = world.mesh({
      listeners: [tcpListener("l", "127.96.1.1:80", "none")],
      clusters: [cluster("none", [])],
    });
    const [error = ""] = await world.dialer.run("refused", [[call, "127.96.1.1", 80], ["close"]]);
    expect(error.replace("!", "")).toBe("ECONNREFUSED");
  });

  test("a cluster that lost its last endpoint refuses, and serves again when one comes back", async () => {
    const listeners = [tcpListener("l", "127.96.1.1:80", "c1")];
    using mesh = world.mesh({ listeners, clusters: [one(1)] });
    mesh.publish({ listeners, clusters: [cluster("c1", [])] });
    expect(await world.dialer.dial("127.96.1.1:80")).toEqual(["!ECONNREFUSED"]);
    mesh.publish({ listeners, clusters: [cluster("c1", [world.at(2)])] });
    expect(await world.dialer.dial("127.96.1.1:80")).toEqual(["b2"]);
  });

  test("trap 11: the last listener and the last cluster can be removed", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", world.at(2), "c1")], clusters: [one(1)] });
    expect(await world.dialer.dial(world.at(2))).toEqual(["b1"]);
    await settled(mesh, "c1");
    mesh.publish({});
    expect(await world.dialer.dial(world.at(2))).toEqual(["b2"]);
    const { maps } = mesh.dataplane;
    for (const map of [
      maps.listeners,
      maps.clusters,
      maps.endpoints,
      maps.cluster_states,
      maps.endpoint_states,
      maps.ids,
    ]) {
      expect([map.name, map.keys()]).toEqual([map.name, []]);
    }
  });
});

describe("sockets", () => {
  test("a non-blocking connect, and what it says when it is there", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", "127.96.1.1:80", "c1")], clusters: [one(1)] });
    const [connecting, ...rest] = await world.dialer.run("nonblocking", [
      ["connect_nonblocking", "127.96.1.1", 80],
      ["line"],
      ["error"],
      ["peer"],
      ["close"],
    ]);
    expect(["EINPROGRESS", "ok"]).toContain(connecting ?? "");
    expect(rest).toEqual(["b1", "ok", "127.96.1.1:80", "ok"]);
    await settled(mesh, "c1");
    expect(mesh.clusterState("c1")).toMatchObject({ opened: 1n, closed: 1n, failed: 0n });
  });

  test("TCP fast open: sendto() that connects is governed and counted", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", "127.96.1.1:80", "c1")], clusters: [one(1)] });
    const steps = await world.dialer.run("fastopen", [
      ["fastopen", "127.96.1.1", 80, "hello"],
      ["line"],
      ["receive", 5],
      ["peer"],
      ["close"],
    ]);
    expect(steps).toEqual(["ok", "b1", "ok", "127.96.1.1:80", "ok"]);
    await settled(mesh, "c1");
    expect(mesh.endpointStates("c1")).toMatchObject([
      { opened: 1n, closed: 1n, bytesSent: 5n, bytesReceived: 8n, active: 0n },
    ]);
  });

  test("getpeername of a socket that was governed once tells the truth of its present connection", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", "127.96.1.1:80", "c1")], clusters: [one(1)] });
    const [host = "", port] = world.at(1).split(":");
    const steps = await world.dialer.run("twice", [
      ["connect", "127.96.1.1", 80],
      ["peer"],
      ["disconnect"],
      ["connect", host, Number(port)],
      ["peer"],
      ["close"],
    ]);
    expect(steps).toEqual(["ok", "127.96.1.1:80", "ok", "ok", world.at(1), "ok"]);
    expect(mesh.verdicts()).toEqual({ balanced: 1, no_listener: 1 });
  });
});

describe("IPv6", () => {
  const b6 = `[::1]:${backendPort}`;
  let backends: Backends;
  let namespace: Netns;
  let dialer: Dialer;
  beforeAll(async () => {
    namespace = await Netns.create("v6");
    backends = await Backends.start(
      [
        { name: "six", address: "::1", port: backendPort },
        { name: "four", address: "127.0.0.1", port: backendPort },
      ],
      namespace.enter,
    );
    dialer = Dialer.start((argv) => world.cgroup.enter(namespace.enter(argv)));
  });
  afterAll(async () => {
    await dialer[Symbol.asyncDispose]();
    await backends[Symbol.asyncDispose]();
    await namespace[Symbol.asyncDispose]();
  });

  const cases: readonly [string, 4 | 6, to: string, listener: string, endpoint: string, who: string, peer: string][] = [
    ["an IPv6 VIP to an IPv6 endpoint", 6, "2001:db8::1", "[2001:db8::1]:80", b6, "six", "[2001:db8::1]:80"],
    [
      "an IPv6 VIP to an IPv4 endpoint",
      6,
      "2001:db8::1",
      "[2001:db8::1]:80",
      `127.0.0.1:${backendPort}`,
      "four",
      "[2001:db8::1]:80",
    ],
    [
      "an IPv4 VIP from a v4-mapped socket",
      6,
      "::ffff:127.96.1.1",
      "127.96.1.1:80",
      `127.0.0.1:${backendPort}`,
      "four",
      "[::ffff:127.96.1.1]:80",
    ],
    [
      "an IPv4 VIP from a v4-mapped socket to an IPv6 endpoint",
      6,
      "::ffff:127.96.1.1",
      "127.96.1.1:80",
      b6,
      "six",
      "[::ffff:127.96.1.1]:80",
    ],
    ["an IPv4 VIP", 4, "127.96.1.1", "127.96.1.1:80", `127.0.0.1:${backendPort}`, "four", "127.96.1.1:80"],
    ["any IPv6 address of a port", 6, "2001:db8::7", "[::]:80", b6, "six", "[2001:db8::7]:80"],
  ];
  test.each(cases)("%s", async (_name, family, to, bind, endpoint, who, peer) => {
    using mesh = world.mesh({ listeners: [tcpListener("l", bind, "c")], clusters: [cluster("c", [endpoint])] });
    const steps = await dialer.run("socket", [["connect", to, 80], ["line"], ["peer"], ["close"]], family);
    expect(steps).toEqual(["ok", who, peer, "ok"]);
    expect(mesh.verdicts()).toEqual({ balanced: 1 });
  });

  test("ipv4_compat: [::]:80 takes IPv4 as well; without it only IPv6", async () => {
    const resources = (ipv4Compat: boolean) => ({
      listeners: [tcpListener("l", "[::]:80", "c", { ipv4Compat })],
      clusters: [cluster("c", [b6, `127.0.0.1:${backendPort}`], { loadBalancing: { policy: "round_robin" } as const })],
    });
    using mesh = world.mesh(resources(true));
    expect(await dialer.dial("[::ffff:127.96.1.1]:80", 2, { family: 6 })).toEqual(["six", "four"]);
    mesh.publish(resources(false));
    expect(await dialer.dial("127.96.1.1:80")).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ balanced: 2, no_listener: 1 });
  });

  test("an IPv4 socket can't reach an IPv6 endpoint: refused, and no place is lost", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("l", "127.96.1.1:80", "c")],
      clusters: [cluster("c", [b6], { maxConnections: 1 })],
    });
    expect(await dialer.dial("127.96.1.1:80", 3)).toEqual(["!ECONNREFUSED", "!ECONNREFUSED", "!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ family_mismatch: 3 });
    expect(mesh.clusterState("c").active).toBe(0);
    expect(await dialer.dial("[::ffff:127.96.1.1]:80", 1, { family: 6 })).toEqual(["six"]);
  });
});

function bind(text: string) {
  return { address: tcpListener("", text, "").address, ipv4Compat: false };
}
