// Listeners that need the relay, on the real kernel: what the relay learns of a connection, who gets to it, what happens while it is
// down, and that nothing of it is counted in a cluster.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pack } from "../../src/layout/codec.ts";
import { ListenerAction, ListenerFlags, relayedKey, relayed as relayedValue } from "../../src/layout/mesh.gen.ts";
import { monotonicNs } from "../../src/libbpf/syscalls.ts";
import { Netns } from "../support/netns.ts";
import { waitFor } from "../support/wait.ts";
import { Dialer, type Step } from "./dialer.ts";
import type { Mesh } from "./mesh.ts";
import { cluster, socketAddress, tcpListener } from "./model.ts";
import { ToyRelay } from "./toy-relay.ts";
import { backendPort, settled, World } from "./world.ts";

setDefaultTimeout(60_000);

const vip = "127.96.5.1:80";
const vip6 = "[fd00:96::1]:80";
const { LISTENER_FALLBACK_CLUSTER: toCluster, LISTENER_FALLBACK_NATIVE: toNative } = ListenerFlags;
const chain = 3;

let world: World;
beforeAll(async () => {
  world = await World.start("127.77.5", 2);
});
afterAll(() => world[Symbol.asyncDispose]());

/** A listener for `bind` that needs the relay, with the cluster of b1 to fall back to. */
function relaying(flags = 0, ...binds: readonly string[]): Mesh {
  const names = binds.length === 0 ? [vip, vip6] : binds;
  const mesh = world.mesh({
    listeners: names.map((bind, i) => tcpListener(`l${i || ""}`, bind, "c")),
    clusters: [cluster("c", [world.at(1)])],
  });
  for (const bind of names) needRelay(mesh, bind, flags);
  return mesh;
}

/** Makes of a TCP listener what the compiler makes of one that needs the relay. */
function needRelay(mesh: Mesh, bind: string, flags: number): void {
  const { address, port } = socketAddress(bind);
  const key = { address: address.bytes, portBe: port, family: address.family };
  const { listeners } = mesh.dataplane.maps;
  const listener = listeners.get(key);
  if (listener === undefined) throw new Error(`no listener for ${bind}`);
  listeners.set(key, { ...listener, action: ListenerAction.ACTION_RELAY, count: chain, flags });
}

/** What the relay says of a connection to `destination`. */
function known(mesh: Mesh, destination = vip, listener = "l"): string {
  return `${mesh.compiled.listeners.get(listener)?.body.id}/${chain} ${destination}`;
}

const waiting = (mesh: Mesh) => mesh.dataplane.maps.relayed.entries().length;

/** Until the relay's kernel has acknowledged that the clients have closed. */
function closed(relay: ToyRelay): Promise<true> {
  const port = (relay.addresses[0]?.port ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const toRelay = new RegExp(String.raw`^ *\d+: \w+:\w+ \w+:${port} (?:01|04) `, "m"); // ESTABLISHED, FIN_WAIT1
  return waitFor("the FIN to be acknowledged", () => !toRelay.test(readFileSync("/proc/net/tcp", "utf8")));
}

describe("a relay that is there", () => {
  test("knows the listener, the filter chain and the destination, and takes what it knows", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    expect(await world.dialer.dial(vip, 2)).toEqual([known(mesh), known(mesh)]);
    expect(mesh.verdicts()).toEqual({ relayed: 2 });
    expect(mesh.listenerState("l")).toEqual({ accepted: 0n, passed: 0n, refused: 0n, relayed: 2n });
    expect(waiting(mesh)).toBe(0);
  });

  test("over IPv6, for native destinations and for IPv4-mapped ones", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    expect(await world.dialer.dial(vip6, 1, { family: 6 })).toEqual([known(mesh, vip6, "l1")]);
    expect(await world.dialer.dial("[::ffff:127.96.5.1]:80", 1, { family: 6 })).toEqual([known(mesh)]);
    expect(waiting(mesh)).toBe(0);
  });

  test("a source address of the application's own", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    expect(await world.dialer.dial(vip, 2, { binds: ["127.77.5.200", "127.0.0.1"] })).toEqual([
      known(mesh),
      known(mesh),
    ]);
  });

  test("a wildcard listener: the address that was asked for", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("any", "0.0.0.0:81", "c")],
      clusters: [cluster("c", [world.at(1)])],
    });
    const { listener_prefixes: prefixes } = mesh.dataplane.maps;
    for (const [key, value] of prefixes.entries())
      prefixes.set(key, { ...value, action: ListenerAction.ACTION_RELAY, count: chain });
    using _relay = new ToyRelay(mesh);
    expect(await world.dialer.dial("127.96.5.77:81")).toEqual([known(mesh, "127.96.5.77:81", "any")]);
  });

  test("getpeername answers the destination", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    const steps: Step[] = [["connect", "127.96.5.1", 80], ["line"], ["peer"], ["reset"]];
    expect(await world.dialer.run("peer", steps)).toEqual(["ok", known(mesh), vip, "ok"]);
    const mapped: Step[] = [["connect", "::ffff:127.96.5.1", 80], ["line"], ["peer"], ["reset"]];
    expect(await world.dialer.run("mapped", mapped, 6)).toEqual(["ok", known(mesh), `[::ffff:127.96.5.1]:80`, "ok"]);
  });

  test("who isn't enrolled, or connects to the relay itself, is a stranger", async () => {
    using mesh = relaying();
    using relay = new ToyRelay(mesh);
    const port = relay.addresses[0]?.port;
    await using outsider = Dialer.start();
    expect(await outsider.dial(`127.0.0.1:${port}`)).toEqual(["stranger"]);
    expect(await outsider.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(await world.dialer.dial(`127.0.0.1:${port}`)).toEqual(["stranger"]);
    expect(await world.dialer.dial(`[::1]:${port}`, 1, { family: 6 })).toEqual(["stranger"]);
    expect(mesh.verdicts()).toEqual({ no_listener: 2 });
  });

  test("the same socket again, to a listener without the relay and back", async () => {
    using mesh = world.mesh({
      listeners: [tcpListener("l", vip, "c"), tcpListener("plain", "127.96.5.2:80", "c")],
      clusters: [cluster("c", [world.at(1)])],
    });
    needRelay(mesh, vip, 0);
    using _relay = new ToyRelay(mesh);
    const relayed: Step[] = [["connect", "127.96.5.1", 80], ["line"], ["disconnect"]];
    const plain: Step[] = [["connect", "127.96.5.2", 80], ["line"], ["peer"], ["disconnect"]];
    expect(await world.dialer.run("again", [...relayed, ...plain, ...relayed, ["close"]])).toEqual([
      ...["ok", known(mesh), "ok"],
      ...["ok", "b1", "127.96.5.2:80", "ok"],
      ...["ok", known(mesh), "ok", "ok"],
    ]);
    await settled(mesh, "c");
    expect(mesh.clusterState("c")).toMatchObject({ opened: 1n, closed: 1n, failed: 0n, active: 0 });
    expect(mesh.verdicts()).toEqual({ relayed: 2, balanced: 1 });
  });

  test("a cgroup inside an enrolled one decides once", async () => {
    using child = world.cgroup.child("nested");
    using mesh = relaying();
    mesh.enroll(child);
    using _relay = new ToyRelay(mesh);
    await using dialer = Dialer.start(child.enter);
    expect(await dialer.dial(vip, 2)).toEqual([known(mesh), known(mesh)]);
    expect(mesh.verdicts()).toEqual({ relayed: 2, again: 2 });
    expect(mesh.listenerState("l").relayed).toBe(2n);
    expect(waiting(mesh)).toBe(0);
  });

  test("nothing is counted in a cluster, whatever its id, nor in an endpoint", async () => {
    using mesh = relaying(toCluster);
    using _relay = new ToyRelay(mesh);
    // A relayed connection names cluster 0 and endpoint 0: were they looked at, it would show here.
    const { cluster_states: clusters, endpoint_states: endpoints } = mesh.dataplane.maps;
    const [before, beforeEndpoints] = [clusters.entries(), endpoints.entries()];
    for (const [, state] of before.slice(0, 1)) clusters.set(0, state);
    for (const [, state] of beforeEndpoints.slice(0, 1)) endpoints.set(0, state);
    const steps: Step[] = [["connect", "127.96.5.1", 80], ["line"], ["send", 5000], ["reset"]];
    expect(await world.dialer.run("bytes", steps)).toEqual(["ok", known(mesh), "ok", "ok"]);
    expect(await world.dialer.dial(vip, 3)).toEqual([known(mesh), known(mesh), known(mesh)]);
    for (const [, state] of clusters.entries())
      expect(state).toMatchObject({ opened: 0n, closed: 0n, failed: 0n, active: 0 });
    for (const [, state] of endpoints.entries())
      expect(state).toMatchObject({ opened: 0n, closed: 0n, bytesSent: 0n, active: 0n });
  });

  test("the relay's own connections are left alone, in an enrolled cgroup as well", async () => {
    using mesh = relaying(0, world.at(2));
    using _relay = new ToyRelay(mesh);
    const { relayed, connections, settings } = mesh.dataplane.maps;
    const program = [process.execPath, join(import.meta.dir, "exempt.ts"), world.at(2)];
    const stdio = ["ignore", "pipe", "inherit", relayed.fd, connections.fd, settings.fd];
    const child = Bun.spawn([...world.cgroup.enter(program)], {
      stdio: stdio as unknown as ["ignore", "pipe", "inherit"],
    });
    expect(await child.stdout.text()).toBe(`b2\n${known(mesh, world.at(2))}\n`);
    expect(mesh.verdicts()).toEqual({ exempt: 1, relayed: 1 });
  });

  test("no connection of thousands is taken for a stranger's, and none leaves anything", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    await world.dialer.flood([vip], 8);
    await waitFor("3000 connections", async () => (await world.dialer.flooded()) >= 3000);
    const [answers = {}] = await world.dialer.stopFlood();
    expect(Object.keys(answers)).toEqual([`127.96.5.1 ${known(mesh)}`]);
    expect(Object.keys(mesh.verdicts())).toEqual(["relayed"]);
    expect(waiting(mesh)).toBe(0);
  });

  test("a restarted agent finds the relay, and what it hasn't accepted yet", async () => {
    using mesh = relaying();
    using relay = new ToyRelay(mesh, { isAccepting: false });
    const steps: Step[] = [["connect", "127.96.5.1", 80]];
    expect(await world.dialer.run("restart", steps)).toEqual(["ok"]);
    mesh.reopen();
    expect(waiting(mesh)).toBe(1);
    relay.accept();
    expect(await world.dialer.run("restart", [["line"], ["reset"]])).toEqual([known(mesh), "ok"]);
    expect(await world.dialer.dial(vip)).toEqual([known(mesh)]);
  });
});

describe("what the relay hasn't accepted", () => {
  test("a connection that is reset leaves nothing", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh, { isAccepting: false });
    expect(await world.dialer.run("reset", [["connect", "127.96.5.1", 80]])).toEqual(["ok"]);
    expect(mesh.dataplane.maps.relayed.entries()).toMatchObject([
      [{ family: 4 }, { portBe: 80, family: 4, chain, listener: mesh.compiled.listeners.get("l")?.body.id }],
    ]);
    await world.dialer.run("reset", [["reset"]]);
    await waitFor("the entry to go", () => waiting(mesh) === 0);
  });

  test("nor does one that the relay resets", async () => {
    using mesh = relaying();
    using relay = new ToyRelay(mesh, { isAccepting: false });
    expect(await world.dialer.run("killed", [["connect", "127.96.5.1", 80]])).toEqual(["ok"]);
    relay.stop();
    expect(await world.dialer.run("killed", [["end"], ["close"]])).toEqual(["!ECONNRESET", "ok"]);
    expect(waiting(mesh)).toBe(0);
  });

  test("one that the client closed in good order is still known when it is accepted", async () => {
    using mesh = relaying();
    using relay = new ToyRelay(mesh, { isAccepting: false });
    const steps: Step[] = [["connect", "127.96.5.1", 80], ["send", 10], ["close"]];
    expect(await world.dialer.run("hasty", steps)).toEqual(["ok", "ok", "ok"]);
    await closed(relay);
    expect(waiting(mesh)).toBe(1);
    relay.accept();
    await waitFor("the relay to take it", () => waiting(mesh) === 0);
  });

  test("and is swept when nobody ever will", async () => {
    using mesh = relaying();
    using relay = new ToyRelay(mesh, { isAccepting: false });
    await world.dialer.run("left", [["connect", "127.96.5.1", 80], ["close"]]);
    await closed(relay);
    relay.stop();
    const { relayed } = mesh.dataplane.maps;
    expect(mesh.dataplane.sweepRelayed()).toBe(0);
    const [[key, entry] = []] = relayed.entries();
    if (key === undefined || entry === undefined) throw new Error("it isn't there any more");
    expect(Number(monotonicNs() - entry.sinceNs)).toBeWithin(0, 300e9);
    relayed.set(key, { ...entry, sinceNs: 0n });
    expect(mesh.dataplane.sweepRelayed()).toBe(1);
    expect(waiting(mesh)).toBe(0);
  });

  test("where there is no room for more, a connection is a stranger's", async () => {
    using mesh = relaying();
    using _relay = new ToyRelay(mesh);
    const { relayed } = mesh.dataplane.maps;
    const count = relayed.info().maxEntries;
    const keys = Array.from({ length: count }, (_, i) => {
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setUint32(0, i);
      return { address: bytes, portBe: 1, family: 4 };
    });
    relayed.updateBatch(pack(relayedKey, keys), new Uint8Array(count * relayedValue.size), count);
    expect(await world.dialer.dial(vip)).toEqual(["stranger"]);
    expect(mesh.dataplane.sweepRelayed()).toBe(count);
    expect(await world.dialer.dial(vip)).toEqual([known(mesh)]);
  });
});

describe("a relay that is down", () => {
  const down: readonly (readonly [how: string, prepare: (mesh: Mesh) => ToyRelay | undefined])[] = [
    ["there is none", () => undefined],
    ["nobody listens on its port", (mesh) => stopped(new ToyRelay(mesh))],
    ["somebody else has its port", (mesh) => new ToyRelay(mesh, { isMarked: false })],
  ];
  const stopped = (relay: ToyRelay): ToyRelay => {
    relay.stop();
    return relay;
  };

  describe.each(down)("%s", (_how, prepare) => {
    test("the listener's cluster is used, and counted", async () => {
      using mesh = relaying(toCluster);
      using _relay = prepare(mesh);
      expect(await world.dialer.dial(vip)).toEqual(["b1"]);
      expect(await world.dialer.dial("[::ffff:127.96.5.1]:80", 1, { family: 6 })).toEqual(["b1"]);
      await settled(mesh, "c");
      expect(mesh.verdicts()).toEqual({ relay_down_bypassed: 2 });
      expect(mesh.listenerState("l")).toEqual({ accepted: 2n, passed: 0n, refused: 0n, relayed: 0n });
      expect(mesh.clusterState("c")).toMatchObject({ opened: 2n, closed: 2n, active: 0 });
    });

    test("the connection is native", async () => {
      using mesh = relaying(toNative, world.at(2));
      using _relay = prepare(mesh);
      expect(await world.dialer.dial(world.at(2))).toEqual(["b2"]);
      expect(mesh.verdicts()).toEqual({ relay_down_bypassed: 1 });
      expect(mesh.listenerState("l")).toEqual({ accepted: 0n, passed: 1n, refused: 0n, relayed: 0n });
    });

    test("it is refused", async () => {
      using mesh = relaying(0, world.at(2));
      using _relay = prepare(mesh);
      expect(await world.dialer.dial(world.at(2))).toEqual(["!ECONNREFUSED"]);
      expect(mesh.verdicts()).toEqual({ relay_down_refused: 1 });
      expect(mesh.listenerState("l")).toEqual({ accepted: 0n, passed: 0n, refused: 1n, relayed: 0n });
    });
  });

  test("on_relay_down: refuse wins over the listener's fallback", async () => {
    using mesh = relaying(toCluster);
    mesh.dataplane.changeSettings({ relayRefuse: 1 });
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    mesh.dataplane.changeSettings({ relayRefuse: 0 });
    expect(await world.dialer.dial(vip)).toEqual(["b1"]);
    expect(mesh.verdicts()).toEqual({ relay_down_refused: 1, relay_down_bypassed: 1 });
  });

  test("a fallback cluster that can't serve refuses for its own reason", async () => {
    using mesh = world.mesh({ listeners: [tcpListener("l", world.at(2), "none")], clusters: [cluster("none", [])] });
    needRelay(mesh, world.at(2), toCluster);
    expect(await world.dialer.dial(world.at(2))).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ no_endpoint: 1 });
  });

  test("is up again with the first that listens, and up while one is left", async () => {
    using mesh = relaying(0);
    using relay = new ToyRelay(mesh);
    relay.listen();
    relay.stopOne();
    expect(await world.dialer.dial(vip)).toEqual([known(mesh)]);
    relay.stopOne();
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    relay.listen();
    expect(await world.dialer.dial(vip)).toEqual([known(mesh)]);
    mesh.dataplane.sendToRelay(undefined);
    expect(await world.dialer.dial(vip)).toEqual(["!ECONNREFUSED"]);
    expect(mesh.verdicts()).toEqual({ relayed: 2, relay_down_refused: 2 });
  });

  test("for a socket that is bound to a device", async () => {
    using mesh = relaying(toCluster);
    using _relay = new ToyRelay(mesh);
    const [SOL_SOCKET, SO_BINDTODEVICE, lo] = [1, 25, Buffer.from("lo\0\0").readInt32LE()];
    const steps: Step[] = [["option", SOL_SOCKET, SO_BINDTODEVICE, lo], ["connect", "127.96.5.1", 80], ["line"]];
    expect(await world.dialer.run("device", [...steps, ["close"]])).toEqual(["ok", "ok", "b1", "ok"]);
  });

  test("in another network namespace, whoever listens on its port there", async () => {
    using mesh = relaying(toCluster, vip);
    using relay = new ToyRelay(mesh);
    const port = relay.addresses[0]?.port ?? 0;
    await using netns = await Netns.create("relay");
    const serve = `import socket; s = socket.create_server(("127.0.0.1", ${port})); t = socket.create_server(("${world.at(1).split(":")[0]}", ${backendPort})); print("up", flush=True); c, _ = t.accept(); c.sendall(b"fallback\\n"); t.accept()`;
    const impostor = Bun.spawn([...netns.enter(["python3", "-c", serve])], { stdout: "pipe" });
    try {
      await impostor.stdout.getReader().read();
      await using dialer = Dialer.start((argv) => world.cgroup.enter([...netns.enter(argv)]));
      expect(await dialer.dial(vip)).toEqual(["fallback"]);
      expect(mesh.verdicts()).toEqual({ relay_down_bypassed: 1 });
    } finally {
      impostor.kill();
      await impostor.exited;
    }
  });
});
