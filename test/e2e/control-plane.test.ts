// A go-control-plane server as the control plane: removals, rejections, references that lead nowhere, and its own death.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent } from "../support/agent.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { freePorts } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { assignment, edsCluster, type Resources, staticCluster, tcpListener, typed } from "./resources.ts";
import { explanationOf, logged, statusOf, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const a = "127.0.1.1:8080";
const b = "127.0.1.2:8080";
const c = "127.0.1.3:8080";
const backends = ["a", "b", "c"].map((name, i) => tcpBackend(name, i + 1));

/** One governed VIP, 127.96.0.1:80, whose endpoints come by EDS. */
const shop = (...endpoints: readonly string[]): Required<Resources> => ({
  listeners: [tcpListener("shop", "127.96.0.1:80", "shop")],
  clusters: [edsCluster("shop", { lb_policy: "ROUND_ROBIN" })],
  assignments: [assignment("shop", endpoints)],
});

/** A server whose versions are hashes says nothing when it goes back to what was accepted last: clusters that it never had. */
const withAnother = (resources: Required<Resources>): Required<Resources> => ({
  ...resources,
  clusters: [...resources.clusters, staticCluster(`another-${another++}`, ["127.0.1.1:8080"])],
});
let another = 1;

const refused = ["!ECONNREFUSED"];

async function names(world: World, vip: string): Promise<readonly string[]> {
  return Object.keys(await world.inside.tally(vip, 80, { count: 12, concurrency: 4 })).sort();
}

describe.each(["delta", "sotw"])("go-control-plane over %s", (protocol) => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let server: ControlPlane;
  let agent: Agent;

  beforeAll(async () => {
    world = stack.use(await World.create(backends));
    server = stack.use(await ControlPlane.start(typed(shop(a, b))));
    agent = stack.use(
      await Agent.start({ controller: server.address, cgroups: [world.cgroup.path], flags: ["--xds", protocol] }),
    );
  });
  afterAll(() => stack.disposeAsync());

  const becomes = (vip: string, expected: readonly string[]) =>
    agent.waitFor(`${vip} to be ${expected}`, async () => Bun.deepEquals(await names(world, vip), expected));

  beforeEach(async () => {
    await server.publish(typed(shop(a, b)));
    await becomes("127.96.0.1", ["a", "b"]);
  });

  test("trap 1: endpoints are scaled up and down; one that was removed is never chosen again", async () => {
    await server.publish(typed(shop(a, b, c)));
    await becomes("127.96.0.1", ["a", "b", "c"]);
    await server.publish(typed(shop(c)));
    await becomes("127.96.0.1", ["c"]);
    expect(await world.inside.tally("127.96.0.1", 80, { count: 500, concurrency: 8 })).toEqual({ c: 500 });
    await server.publish(typed(shop()));
    await becomes("127.96.0.1", refused);
    expect((await explanationOf(agent, "127.96.0.1:80")).reason).toContain("no usable endpoint");
  });

  test("trap 11: the last listener and the last cluster can be removed", async () => {
    await server.publish([]);
    await agent.waitFor("nothing left", async () => {
      const { mapUse } = await statusOf(agent);
      return mapUse.listeners?.used === 0 && mapUse.clusters?.used === 0;
    });
    expect((await explanationOf(agent, "127.96.0.1:80")).reason).toBe("no listener has this destination");
  });

  test("one bad resource among good ones is refused by field path, and the good ones apply", async () => {
    const before = (await server.status()).clients.rejections.length;
    const bad = staticCluster("bad", ["127.0.1.1:8080"], { type: "STRICT_DNS" });
    const good = shop(c);
    await server.publish(typed({ ...good, clusters: [...good.clusters, bad] }));
    await becomes("127.96.0.1", ["c"]);
    const rejections = await waitFor("the rejection", async () => {
      const seen = (await server.status()).clients.rejections.slice(before);
      return seen.length > 0 && seen;
    });
    for (const { type_url, message } of rejections) {
      expect(type_url).toEndWith("Cluster");
      expect(message).toMatch(/bad.*type/);
      expect(message).not.toContain("shop");
    }
    expect((await statusOf(agent)).snapshot.rejections).toContainEqual(
      expect.objectContaining({ type: "cluster", name: "bad", path: "type" }),
    );
    await server.publish(typed(withAnother(good)));
    await agent.waitFor("it to be forgotten", async () => (await statusOf(agent)).snapshot.rejections.length === 0);
  });

  test("a refused edit keeps what the resource was", async () => {
    const good = shop(a, b);
    const [cluster] = good.clusters;
    await server.publish(typed({ ...good, clusters: [{ ...cluster, lb_policy: "CLUSTER_PROVIDED" }] }));
    const isRefused = async () => (await statusOf(agent)).snapshot.rejections.some(({ name }) => name === "shop");
    await agent.waitFor("the rejection", isRefused);
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    await server.publish(typed(withAnother(shop(b))));
    await becomes("127.96.0.1", ["b"]);
    await agent.waitFor("the end of the rejection", async () => !(await isRefused()));
  });

  test("a listener of a cluster that nobody has refuses connections once the wait for it is over", async () => {
    const good = shop(a, b);
    const listeners = [...good.listeners, tcpListener("lost", "127.96.0.2:80", "nowhere")];
    await server.publish(typed({ ...good, listeners }));
    await agent.waitFor("the listener, or its wait", async () => {
      const { snapshot } = await statusOf(agent);
      return (
        snapshot.waiting.some(({ name }) => name === "lost") ||
        (await explanationOf(agent, "127.96.0.2:80")).result === "refused"
      );
    });
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    expect(await world.inside.tally("127.96.0.2", 80)).toEqual({ "!ECONNREFUSED": 1 });
  });

  test("a killed control plane changes no traffic, and its successor is taken up where the first one ended", async () => {
    await world.inside.dial("127.96.0.1", 80, { count: 4, hold: true });
    const { controlPlane: before } = await statusOf(agent);
    await server.stop();
    await agent.waitFor("the loss", async () => !(await statusOf(agent)).controlPlane?.connected);
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    const lost = await statusOf(agent);
    expect(lost.problems.join()).toContain(`control plane ${server.address}`);
    expect(lost.isReady).toBe(true);
    const committed = logged(agent, "configuration in effect").length;
    await server.start();
    await waitFor("the stream", async () => (await server.status()).clients.open_streams === 1);
    await server.publish(typed(shop(c)));
    await becomes("127.96.0.1", ["c"]);
    const changes = () =>
      logged(agent, "configuration in effect")
        .slice(committed)
        .filter(({ puts, deletes }) => puts !== 0 || deletes !== 0);
    // The kernel has the change before the log says so.
    await agent.waitFor("the change in its log", async () => changes().length > 0);
    expect(changes()).toHaveLength(1);
    expect((await statusOf(agent)).controlPlane?.attempts).toBeGreaterThan(before?.attempts ?? 0);
    const counts = await world.backends.counts();
    expect((counts.a?.open ?? 0) + (counts.b?.open ?? 0)).toBe(4);
    await world.inside.release();
  });
});

describe("a control plane that isn't there", () => {
  test("at a first start: not ready, traffic native, and the status says why", async () => {
    await using world = await World.create(backends);
    const [port = 0] = freePorts(1);
    await using agent = await Agent.start({
      controller: `127.0.0.1:${port}`,
      cgroups: [world.cgroup.path],
      until: "socket",
    });
    await agent.waitFor("an attempt", async () => (await statusOf(agent)).controlPlane?.lastError !== undefined);
    const { isReady, state, problems } = await statusOf(agent);
    expect({ isReady, state }).toEqual({ isReady: false, state: "initializing" });
    expect(problems.join()).toMatch(new RegExp(`control plane 127.0.0.1:${port}.*refused`));
    expect((await agent.request("/ready")).status).toBe(503);
    expect((await agent.cli("status", "--json")).status).toBe(1);
    expect(await world.inside.tally("127.96.0.1", 80)).toEqual({ "!ECONNREFUSED": 1 });
    expect(await world.inside.tally("127.0.1.1", 8080)).toEqual({ a: 1 });
  });

  test("at a first start, and comes later: its configuration applies", async () => {
    await using world = await World.create(backends);
    await using server = await ControlPlane.start(typed(shop(a, b)));
    await server.stop();
    await using agent = await Agent.start({
      controller: server.address,
      cgroups: [world.cgroup.path],
      until: "socket",
    });
    await agent.waitFor("an attempt", async () => (await statusOf(agent)).controlPlane?.lastError !== undefined);
    await server.start();
    await agent.waitUntilReady();
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
  });

  test("trap 14: at a restart: what an earlier run left goes on governing, and a later configuration is a difference", async () => {
    await using world = await World.create(backends);
    await using server = await ControlPlane.start(typed(shop(a, b)));
    await using agent = await Agent.start({
      controller: server.address,
      cgroups: [world.cgroup.path],
      until: "socket",
    });
    await agent.waitUntilReady();
    await agent.stop("SIGKILL");
    await server.stop();
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    await agent.start();
    await agent.waitFor("an attempt", async () => (await statusOf(agent)).controlPlane?.lastError !== undefined);
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    expect(await agent.stop()).toBe(0);
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
    await agent.start();
    await server.start();
    await agent.waitUntilReady();
    expect(logged(agent, "configuration in effect")[0]).toMatchObject({ puts: 0, deletes: 0 });
    expect(await names(world, "127.96.0.1")).toEqual(["a", "b"]);
  });
});

test("MESH_CONTROLLER names the control plane", async () => {
  await using world = await World.create(backends);
  await using server = await ControlPlane.start(typed(shop(b)));
  await using _agent = await Agent.start({ cgroups: [world.cgroup.path], env: { MESH_CONTROLLER: server.address } });
  expect(await names(world, "127.96.0.1")).toEqual(["b"]);
  await waitFor("the answers", async () => (await server.status()).clients.acks >= 3);
  const { clients } = await server.status();
  expect(clients).toMatchObject({ open_streams: 1, delta_streams: 1, nacks: 0 });
  expect(clients.node_ids[0]).toStartWith("sidecar~");
});
