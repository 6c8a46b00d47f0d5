// max_connections and the counters of clusters, endpoints and listeners, on the real kernel: every place that is taken is given
// back once, however the connection ends, and every counter is exact.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../support/wait.ts";
import { Dialer, type Step, tally } from "./dialer.ts";
import type { Mesh } from "./mesh.ts";
import { cluster, type Resources, tcpListener } from "./model.ts";
import { settled, World } from "./world.ts";

setDefaultTimeout(60_000);

const vip = "127.96.2.1:80";
const connect: Step = ["connect", "127.96.2.1", 80];
let world: World;
beforeAll(async () => {
  world = await World.start("127.77.2", 3);
});
afterAll(() => world[Symbol.asyncDispose]());

function limited(maxConnections: number | undefined, endpoints: readonly number[] = [1]): Resources {
  return {
    listeners: [tcpListener("l", vip, "c")],
    clusters: [
      cluster(
        "c",
        endpoints.map((i) => world.at(i)),
        { maxConnections },
      ),
    ],
  };
}

describe("max_connections", () => {
  test.each([0, 1, 5])("%d: as many at once, and no more", async (limit) => {
    using mesh = world.mesh(limited(limit));
    const answers = await world.dialer.dial(vip, limit + 3, { hold: true });
    expect(answers).toEqual([...Array<string>(limit).fill("b1"), ...Array<string>(3).fill("!ECONNREFUSED")]);
    expect(mesh.clusterState("c")).toMatchObject({ active: limit, overflow: 3n });
    await world.dialer.release();
    await settled(mesh, "c");
    expect(tally(await world.dialer.dial(vip, limit))).toEqual(limit === 0 ? {} : { b1: limit });
  });

  test("trap 4: unset is no limit", async () => {
    using mesh = world.mesh(limited(undefined));
    expect(tally(await world.dialer.dial(vip, 1100, { hold: true }))).toEqual({ b1: 1100 }); // Envoy's default would be 1024
    expect(mesh.clusterState("c")).toMatchObject({ active: 1100, overflow: 0n });
    await world.dialer.release();
    await settled(mesh, "c");
  });

  test("a lower limit holds for new connections and cuts none", async () => {
    using mesh = world.mesh(limited(undefined));
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b1", "b1"]);
    mesh.publish(limited(2));
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(mesh.clusterState("c").active).toBe(2);
    await world.dialer.release();
    await settled(mesh, "c");
  });

  const endings: readonly [string, steps: readonly Step[], answers: readonly string[], counted: object][] = [
    ["close", [connect, ["close"]], ["ok", "ok"], { opened: 1n, closed: 1n, failed: 0n }],
    ["reset", [connect, ["reset"]], ["ok", "ok"], { opened: 1n, closed: 1n, failed: 0n }],
    [
      "the other side's FIN, then close",
      [connect, ["shutdown"], ["line"], ["end"], ["close"]],
      ["ok", "ok", "b1", "ok", "ok"],
      { opened: 1n, closed: 1n, failed: 0n },
    ],
    ["disconnect", [connect, ["disconnect"]], ["ok", "ok"], { opened: 1n, closed: 1n, failed: 0n }],
  ];
  test.each(endings)("a place is given back after: %s", async (_name, steps, answers, counted) => {
    using mesh = world.mesh(limited(1));
    expect(await world.dialer.run("ending", steps)).toEqual([...answers]);
    await settled(mesh, "c");
    expect(mesh.clusterState("c")).toMatchObject(counted);
    expect(mesh.endpointStates("c")).toMatchObject([{ ...counted, active: 0n }]);
    expect(await world.dialer.run("next", [connect, ["line"], ["close"]])).toEqual(["ok", "b1", "ok"]);
    await world.dialer.run("ending", [["close"]]);
  });

  test("a place is given back after a connect that was refused by the endpoint", async () => {
    using mesh = world.mesh(limited(1, [99]));
    expect(await world.dialer.dial(vip, 3)).toEqual(["!ECONNREFUSED", "!ECONNREFUSED", "!ECONNREFUSED"]);
    // The endpoint's own refusal, not ours.
    expect(mesh.verdicts()).toEqual({ balanced: 3 });
    expect(mesh.clusterState("c")).toMatchObject({ opened: 0n, closed: 0n, failed: 3n, overflow: 0n, active: 0 });
    expect(mesh.endpointStates("c")).toMatchObject([{ failed: 3n, active: 0n, bytesSent: 0n, bytesReceived: 0n }]);
  });

  test("a place is given back after a connect that failed before its SYN", async () => {
    using mesh = world.mesh({ ...limited(1), listeners: [tcpListener("l", "[::1]:80", "c")] });
    // A socket that may not speak IPv4 can't reach the endpoint: the kernel finds out after the choice, before any packet.
    const [ipv6, v6only] = [41, 26];
    const steps: readonly Step[] = [
      ["option", ipv6, v6only, 1],
      ["connect", "::1", 80],
    ];
    expect(await world.dialer.run("no SYN", steps, 6)).toEqual(["ok", "!ENETUNREACH"]);
    expect(mesh.clusterState("c")).toMatchObject({ opened: 0n, closed: 0n, failed: 0n, active: 1 });
    expect(await world.dialer.run("no SYN", [["connect", "::1", 80]])).toEqual(["!ENETUNREACH"]);
    expect(mesh.clusterState("c")).toMatchObject({ failed: 1n, overflow: 0n, active: 1 });
    await world.dialer.run("no SYN", [["close"]]);
    expect(mesh.clusterState("c")).toMatchObject({ opened: 0n, closed: 0n, failed: 2n, active: 0 });
    expect(mesh.endpointStates("c")).toMatchObject([{ failed: 2n, active: 0n }]);
  });

  test("a socket that connects again holds one place", async () => {
    using mesh = world.mesh(limited(1));
    const again: readonly Step[] = [connect, ["line"], ["disconnect"]];
    expect(await world.dialer.run("again", [...again, ...again, ...again, ["close"]])).toEqual([
      ...["ok", "b1", "ok"],
      ...["ok", "b1", "ok"],
      ...["ok", "b1", "ok"],
      "ok",
    ]);
    await settled(mesh, "c");
    expect(mesh.clusterState("c")).toMatchObject({ opened: 3n, closed: 3n, failed: 0n, overflow: 0n });
  });

  test("kill -9 of the application gives all its places back", async () => {
    using mesh = world.mesh(limited(20));
    const victim = Dialer.start(world.cgroup.enter);
    expect(tally(await victim.dial(vip, 21, { hold: true }))).toEqual({ b1: 20, "!ECONNREFUSED": 1 });
    await victim.kill();
    await settled(mesh, "c");
    expect(mesh.clusterState("c")).toMatchObject({ opened: 20n, closed: 20n, overflow: 1n });
  });

  test("a connection that is made and not used, by fast open, gives its place back", async () => {
    using mesh = world.mesh(limited(1));
    const tcpFastopenConnect = 30;
    expect(await world.dialer.run("lazy", [["option", 6, tcpFastopenConnect, 1], connect])).toEqual(["ok", "ok"]);
    await world.dialer.run("lazy", [["close"]]);
    await settled(mesh, "c");
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
  });
});

describe("counters", () => {
  const cases: readonly [string, steps: readonly Step[], sent: bigint, received: bigint][] = [
    ["nothing sent, closed by us", [connect, ["line"], ["close"]], 0n, 3n],
    ["10 bytes, closed by us", [connect, ["line"], ["send", 10], ["receive", 10], ["close"]], 10n, 13n],
    [
      "100000 bytes, reset by us",
      [connect, ["line"], ["send", 100_000], ["receive", 100_000], ["reset"]],
      100_000n,
      100_003n,
    ],
    [
      "half-closed by us, then by the other side",
      [connect, ["line"], ["send", 7], ["shutdown"], ["receive", 7], ["end"], ["close"]],
      7n,
      10n,
    ],
  ];
  test.each(cases)("bytes are the payload's, to the byte: %s", async (_name, steps, sent, received) => {
    using mesh = world.mesh(limited(undefined));
    const answers = await world.dialer.run("bytes", steps);
    expect(answers.filter((answer) => answer.startsWith("!"))).toEqual([]);
    await settled(mesh, "c");
    expect(mesh.endpointStates("c")).toMatchObject([{ bytesSent: sent, bytesReceived: received }]);
  });

  test("bytes are the payload's where the other side closes first", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("l", vip, "c")],
      clusters: [cluster("c", [world.at(9)])],
    });
    const [host = "", port] = world.at(9).split(":");
    const script = `
import socket
server = socket.create_server(("${host}", ${port}))
print("ready", flush=True)
for _ in range(2):
    one, _ = server.accept()
    one.recv(5, socket.MSG_WAITALL)
    one.sendall(b"y" * 11)
    one.close()
`;
    const server = Bun.spawn(["python3", "-c", script], { stdout: "pipe" });
    try {
      await server.stdout.getReader().read();
      const steps: readonly Step[] = [connect, ["send", 5], ["receive", 11], ["end"], ["close"]];
      for (const name of ["first", "second"]) {
        expect(await world.dialer.run(name, steps)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
      }
      await settled(mesh, "c");
      expect(mesh.endpointStates("c")).toMatchObject([{ opened: 2n, closed: 2n, bytesSent: 10n, bytesReceived: 22n }]);
    } finally {
      server.kill("SIGKILL");
      await server.exited;
    }
  });

  test("of connections, by endpoint, cluster, listener and reason, add up", async () => {
    using mesh = world.mesh(limited(undefined, [1, 2, 3, 99]));
    const answers = tally(await world.dialer.dial(vip, 400));
    await settled(mesh, "c");
    const failed = BigInt(answers["!ECONNREFUSED"] ?? 0);
    expect(mesh.clusterState("c")).toMatchObject({
      opened: 400n - failed,
      closed: 400n - failed,
      failed,
      unusable: 0n,
    });
    expect(mesh.listenerState("l")).toEqual({ accepted: 400n, passed: 0n, refused: 0n, relayed: 0n });
    expect(mesh.verdicts()).toEqual({ balanced: 400 });
    const byEndpoint = ["b1", "b2", "b3"].map((name) => ({
      opened: BigInt(answers[name] ?? 0),
      failed: 0n,
      active: 0n,
    }));
    expect(mesh.endpointStates("c")).toMatchObject([...byEndpoint, { opened: 0n, failed, active: 0n }]);
  });

  test("concurrent connects from several processes are counted one by one", async () => {
    using mesh = world.mesh(limited(undefined, [1, 2]));
    await using other = Dialer.start(world.cgroup.enter);
    const answers = await Promise.all([world.dialer.dial(vip, 1000), other.dial(vip, 1000)]);
    await settled(mesh, "c");
    const { b1 = 0, b2 = 0 } = tally(answers.flat());
    expect(b1 + b2).toBe(2000);
    expect(mesh.verdicts()).toEqual({ balanced: 2000 });
    expect(mesh.clusterState("c")).toMatchObject({ opened: 2000n, closed: 2000n });
    expect(mesh.endpointStates("c")).toMatchObject([{ opened: BigInt(b1) }, { opened: BigInt(b2) }]);
  });
});

describe("nested enrolment", () => {
  async function nested(resources: Resources, act: (mesh: Mesh, dialer: Dialer) => Promise<void>): Promise<void> {
    using child = world.cgroup.child("nested");
    using mesh = world.mesh(resources);
    mesh.enroll(child);
    await using dialer = Dialer.start(child.enter);
    await act(mesh, dialer);
  }

  test("a cgroup inside an enrolled one decides once and counts once", () =>
    nested(
      {
        ...limited(undefined, [1, 2]),
        clusters: [cluster("c", [world.at(1), world.at(2)], { loadBalancing: { policy: "round_robin" } })],
      },
      async (mesh, dialer) => {
        expect(await dialer.dial(vip, 4)).toEqual(["b1", "b2", "b1", "b2"]);
        await settled(mesh, "c");
        expect(mesh.clusterState("c")).toMatchObject({ opened: 4n, closed: 4n, active: 0 });
        expect(mesh.listenerState("l").accepted).toBe(4n);
        expect(mesh.verdicts()).toEqual({ balanced: 4, again: 4 });
      },
    ));

  test("and refuses once", () =>
    nested(limited(1), async (mesh, dialer) => {
      expect(await dialer.dial(vip, 3, { hold: true })).toEqual(["b1", "!ECONNREFUSED", "!ECONNREFUSED"]);
      expect(mesh.clusterState("c")).toMatchObject({ active: 1, overflow: 2n, failed: 0n });
      expect(mesh.listenerState("l")).toMatchObject({ accepted: 1n, refused: 2n });
      expect(mesh.verdicts()).toEqual({ balanced: 1, max_connections: 2, again: 3 });
      await dialer.release();
      await settled(mesh, "c");
    }));
});

describe("what is removed while connections live", () => {
  test("an id isn't given to others until the last connection has ended, and its end is counted to its own", async () => {
    using mesh = world.mesh(limited(2, [1]));
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b1", "b1"]);
    const other = {
      listeners: [tcpListener("l", vip, "other")],
      clusters: [cluster("other", [world.at(2)], { maxConnections: 1 })],
    };
    mesh.publish(other);
    mesh.publish({ ...other, clusters: [cluster("other", [world.at(3)], { maxConnections: 1 })] });
    await world.dialer.release();
    // Both connections were of cluster c: they give back no place of this one.
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b3", "!ECONNREFUSED"]);
    await waitFor(
      "the old connections to end",
      () => mesh.dataplane.maps.cluster_states.entries().filter(([, state]) => state.active > 0).length === 1,
    );
    expect(mesh.clusterState("other")).toMatchObject({ opened: 1n, closed: 0n, failed: 0n, overflow: 1n, active: 1 });
    expect(mesh.endpointStates("other")).toMatchObject([{ opened: 1n, closed: 0n, active: 1n }]);
    mesh.publish(other);
    await world.dialer.release();
    await settled(mesh, "other");
    mesh.publish({});
    expect(mesh.dataplane.maps.cluster_states.keys()).toEqual([]);
    expect(mesh.dataplane.maps.endpoint_states.keys()).toEqual([]);
  });

  test("a cluster that comes back still counts the connections it had", async () => {
    using mesh = world.mesh(limited(2));
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b1", "b1"]);
    mesh.publish({});
    mesh.publish(limited(2));
    expect(mesh.clusterState("c")).toMatchObject({ opened: 2n, active: 2 });
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    await world.dialer.release();
    await settled(mesh, "c");
    expect(await world.dialer.dial(vip, 2)).toEqual(["b1", "b1"]);
  });

  test("a restarted agent leaves them to drain as well", async () => {
    using mesh = world.mesh(limited(2));
    expect(await world.dialer.dial(vip, 2, { hold: true })).toEqual(["b1", "b1"]);
    mesh.publish({});
    const { restored } = mesh.reopen();
    expect(restored.draining).toMatchObject({ clusters: [1], endpoints: [1] });
    mesh.publish({ ...limited(undefined), clusters: [cluster("c", [world.at(2)]), cluster("d", [world.at(3)])] });
    expect(mesh.clusterState("c").active).toBe(0);
    await world.dialer.release();
    await waitFor("the old connections to end", () =>
      mesh.dataplane.maps.cluster_states.entries().every(([, state]) => state.active === 0),
    );
    mesh.publish({});
    expect(mesh.dataplane.maps.cluster_states.keys()).toEqual([]);
    expect(mesh.dataplane.maps.endpoint_states.keys()).toEqual([]);
  });
});
