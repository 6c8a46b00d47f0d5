// Real Istiod as the control plane, over both variants of xDS: what it says about a service is what an enrolled client gets.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent } from "../support/agent.ts";
import { HTTP_REQUEST } from "../support/dialer.ts";
import { Istiod } from "../support/istiod.ts";
import { assertFits } from "../support/stats.ts";
import { waitFor } from "../support/wait.ts";
import { destinationRule, headerRoute, hostOf, serviceEntry, weightedTcp, workloadEntry } from "./istio-resources.ts";
import { enginesOf, explanationOf, httpBackend, logged, statusOf, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const backends = [
  ...["v1", "v2", "v3"].map((name, i) => tcpBackend(name, i + 1)),
  ...["web1", "web2"].map((name, i) => httpBackend(name, i + 11)),
];
const v1 = "127.0.1.1";
const v2 = "127.0.1.2";
const v3 = "127.0.1.3";
const web1 = "127.0.1.11";
const web2 = "127.0.1.12";

const shop = {
  shop: serviceEntry("shop", {
    vip: "127.96.0.1",
    port: 9000,
    endpoints: { [v1]: { version: "v1" }, [v2]: { version: "v2" } },
  }),
  subsets: destinationRule("shop", ["v1", "v2"]),
};

/** Governed through the wildcard listener of port 80. */
const plainHttp = serviceEntry("plain", { vip: "127.96.0.5", port: 80, protocol: "HTTP", endpoints: { [web1]: {} } });
const routedHttp =
  serviceEntry("routed", {
    vip: "127.96.0.6",
    port: 80,
    protocol: "HTTP",
    endpoints: { [web1]: { version: "v1" }, [web2]: { version: "v2" } },
  }) +
  destinationRule("routed", ["v1", "v2"]) +
  headerRoute("routed", "x-canary", "v2", "v1");

describe.each(["delta", "sotw"])("Istiod over %s", (protocol) => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let istiod: Istiod;
  let agent: Agent;

  beforeAll(async () => {
    world = stack.use(await World.create(backends));
    istiod = stack.use(await Istiod.start({ ...shop, plain: plainHttp, routed: routedHttp }));
    agent = stack.use(
      await Agent.start({
        controller: istiod.address,
        cgroups: [world.cgroup.path],
        flags: ["--xds", protocol],
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  const tally = (vip: string, count = 20) => world.inside.tally(vip, 9000, { count, concurrency: 8 });
  const names = async (vip: string) => Object.keys(await tally(vip)).sort();
  const becomes = (vip: string, expected: readonly string[]) =>
    agent.waitFor(`${vip} to be ${expected}`, async () => Bun.deepEquals(await names(vip), expected));

  test("the stream is what was asked for", async () => {
    const { controlPlane, state, isReady } = await statusOf(agent);
    expect(controlPlane).toMatchObject({ server: istiod.address, variant: protocol, connected: true });
    expect({ state, isReady }).toEqual({ state: "live", isReady: true });
  });

  test("a TCP ServiceEntry: its VIP leads to its endpoints, for enrolled clients only", async () => {
    expect(await names("127.96.0.1")).toEqual(["v1", "v2"]);
    const [answer] = await world.inside.dial("127.96.0.1", 9000);
    expect(answer).toMatchObject({ peer: "127.96.0.1:9000" });
    expect(await world.outside.tally("127.96.0.1", 9000)).toEqual({ "!ECONNREFUSED": 1 });
  });

  test("a weighted TCP VirtualService over subsets, and an edit of its weights", async () => {
    const weights = async (percent: Readonly<Record<string, number>>) => {
      istiod.apply("split", weightedTcp("shop", 9000, percent));
      const wanted = { [`v1`]: (percent.v1 ?? 0) / 100, v2: (percent.v2 ?? 0) / 100 };
      await agent.waitFor("the weights", async () => {
        const { clusters } = await explanationOf(agent, "127.96.0.1:9000");
        return clusters.every(({ name, probability }) =>
          name.includes("|v1|") ? probability === wanted.v1 : name.includes("|v2|") && probability === wanted.v2,
        );
      });
      assertFits(await tally("127.96.0.1", 1000), percent);
    };
    await weights({ v1: 90, v2: 10 });
    await weights({ v1: 25, v2: 75 });
    istiod.delete("split");
    await agent.waitFor(
      "one cluster",
      async () => (await explanationOf(agent, "127.96.0.1:9000")).clusters.length === 1,
    );
  });

  test("workload entries come, change and go", async () => {
    istiod.apply(
      "cart",
      serviceEntry("cart", { vip: "127.96.0.2", port: 9000, selector: { app: "cart" } }) +
        workloadEntry("cart-1", v1, { app: "cart" }),
    );
    await becomes("127.96.0.2", ["v1"]);
    istiod.apply("cart-2", workloadEntry("cart-2", v2, { app: "cart" }));
    await becomes("127.96.0.2", ["v1", "v2"]);
    istiod.apply("cart-2", workloadEntry("cart-2", v3, { app: "cart" }));
    await becomes("127.96.0.2", ["v1", "v3"]);
    istiod.delete("cart-2");
    await becomes("127.96.0.2", ["v1"]);
    istiod.apply("cart", serviceEntry("cart", { vip: "127.96.0.2", port: 9000, selector: { app: "cart" } }));
    await becomes("127.96.0.2", ["!ECONNREFUSED"]);
    expect(await explanationOf(agent, "127.96.0.2:9000")).toMatchObject({ result: "refused" });
    istiod.delete("cart");
    await agent.waitFor(
      "the listener to go",
      async () => (await explanationOf(agent, "127.96.0.2:9000")).result === "native",
    );
  });

  test("an HTTP ServiceEntry without rules costs nothing: its VIP is governed through the wildcard listener", async () => {
    const [answer] = await world.inside.dial("127.96.0.5", 80, { send: HTTP_REQUEST });
    expect(answer).toEqual({ name: "web1", peer: "127.96.0.5:80" });
    expect(await explanationOf(agent, "127.96.0.5:80")).toMatchObject({
      result: "connect",
      listener: "0.0.0.0_80",
      virtualHost: `${hostOf("plain")}:80`,
    });
  });

  // This agent isn't in the workload's network namespace, so neither is its relay: see istio-http.test.ts for an agent that is.
  test("an HTTP ServiceEntry with routes by header is for the relay; out of its reach the default route decides", async () => {
    const { result, reason } = await explanationOf(agent, "127.96.0.6:80");
    expect(result).toBe("relay");
    expect(reason).toContain("routed to different clusters");
    const engines = await enginesOf(agent, "0.0.0.0_80");
    const routed = engines.find(({ destination }) => destination === "127.96.0.6:80");
    expect(routed).toMatchObject({ engine: "relay", reason });
    const canary = HTTP_REQUEST.replace("\r\n\r\n", "\r\nx-canary: yes\r\n\r\n");
    expect(await world.inside.tally("127.96.0.6", 80, { send: canary })).toEqual({ web1: 1 });
  });

  test("a DNS ServiceEntry is refused by name, and the others apply", async () => {
    istiod.apply(
      "dns",
      serviceEntry("dns", { vip: "127.96.0.7", port: 9000, resolution: "DNS", endpoints: { "db.invalid": {} } }) +
        serviceEntry("beside", { vip: "127.96.0.8", port: 9000, endpoints: { [v3]: {} } }),
    );
    await becomes("127.96.0.8", ["v3"]);
    const cluster = `outbound|9000||${hostOf("dns")}`;
    const { snapshot, controlPlane } = await statusOf(agent);
    expect(snapshot.rejections).toContainEqual(
      expect.objectContaining({ type: "cluster", name: cluster, path: "type" }),
    );
    expect(controlPlane?.types.cluster.lastNack?.detail).toContain(cluster);
    expect((await explanationOf(agent, "127.96.0.7:9000")).result).toBe("native");
    istiod.delete("dns");
    await agent.waitFor("no rejection", async () => (await statusOf(agent)).snapshot.rejections.length === 0);
  });

  test("what was deleted and edited while Istiod was away is so when it is back; until then nothing changes", async () => {
    istiod.apply("gone", serviceEntry("gone", { vip: "127.96.0.9", port: 9000, endpoints: { [v1]: {} } }));
    await becomes("127.96.0.9", ["v1"]);
    await istiod.stop();
    await agent.waitFor("the loss", async () => !(await statusOf(agent)).controlPlane?.connected);
    istiod.delete("gone");
    istiod.apply(
      "shop",
      serviceEntry("shop", { vip: "127.96.0.1", port: 9000, endpoints: { [v3]: { version: "v1" } } }),
    );
    expect(await names("127.96.0.9")).toEqual(["v1"]);
    expect(await names("127.96.0.1")).toEqual(["v1", "v2"]);
    expect((await statusOf(agent)).problems.join()).toContain(`control plane ${istiod.address}`);
    await istiod.start();
    await becomes("127.96.0.1", ["v3"]);
    await becomes("127.96.0.9", ["!ECONNREFUSED"]);
    expect((await explanationOf(agent, "127.96.0.9:9000")).result).toBe("native");
    expect(logged(agent, "control plane lost; the last good configuration stays").length).toBeGreaterThan(0);
  });
});

test("endpoints that expect mutual TLS aren't governed, and the agent says so; those that don't are", async () => {
  await using world = await World.create(backends);
  await using istiod = await Istiod.start(
    {
      tls:
        serviceEntry("tls", { vip: "127.96.0.1", port: 9000, selector: { app: "tls" } }) +
        workloadEntry("tls-1", v1, { app: "tls" }, "shop"),
      plain: serviceEntry("plain", { vip: "127.96.0.2", port: 9000, endpoints: { [v2]: {} } }),
    },
    "enableAutoMtls: true\ntrustDomain: cluster.local\n",
  );
  await using agent = await Agent.start({ controller: istiod.address, cgroups: [world.cgroup.path] });
  await waitFor("the plain service", async () => "v2" in (await world.inside.tally("127.96.0.2", 9000)));
  expect(await world.inside.tally("127.96.0.1", 9000)).toEqual({ "!ECONNREFUSED": 1 });
  const [engine] = await enginesOf(agent, "127.96.0.1_9000");
  expect(engine).toMatchObject({ engine: "none" });
  expect(engine?.reason).toContain("transport_sockets.tls");
});

// Whatever no listener takes belongs to virtualOutbound, in both policies: it stays native here.
test.each(["ALLOW_ANY", "REGISTRY_ONLY"])("%s: services are governed, other destinations stay native", async (mode) => {
  await using world = await World.create(backends);
  await using istiod = await Istiod.start(
    { ...shop, plain: plainHttp },
    `enableAutoMtls: false\ntrustDomain: cluster.local\noutboundTrafficPolicy: {mode: ${mode}}\n`,
  );
  await using agent = await Agent.start({ controller: istiod.address, cgroups: [world.cgroup.path] });
  expect(Object.keys(await world.inside.tally("127.96.0.1", 9000, { count: 20 })).sort()).toEqual(["v1", "v2"]);
  expect(await world.inside.tally("127.96.0.5", 80, { send: HTTP_REQUEST })).toEqual({ web1: 1 });
  expect(await world.inside.tally(v3, 8080)).toEqual({ v3: 1 });
  expect((await explanationOf(agent, `${v3}:8080`)).result).toBe("native");
  expect((await statusOf(agent)).problems).toEqual([]);
});
