// The protocol, request by request, in both variants: the script plays the control plane over real gRPC.
import { describe, expect, test } from "bun:test";
import { AdsAgent } from "../../test/support/ads-agent.ts";
import { type Script, type ScriptRequest, script } from "../../test/support/ads-script.ts";
import { FakeAds } from "../../test/support/fake-ads.ts";
import {
  assignment,
  edsCluster,
  garbage,
  rdsListener,
  refusedCluster,
  route,
  staticCluster,
  tcpListener,
} from "../../test/support/xds-resources.ts";
import type { ResourceType, Snapshot } from "../model/snapshot.ts";
import type { Variant } from "./stream.ts";

const NODE = "sidecar~127.0.0.1~vm.default~default.svc.cluster.local";
const variants: readonly Variant[] = ["delta", "sotw"];

function names(snapshot: Snapshot, type: ResourceType): string[] {
  return [...snapshot[type].keys()].sort();
}

/** A server, an agent, and their first stream with its first request taken. */
async function begin(variant: Variant): Promise<{ server: FakeAds; agent: AdsAgent; it: Script } & AsyncDisposable> {
  const server = await FakeAds.start();
  const agent = new AdsAgent(server.port, { variant });
  const it = await script(server, variant);
  expect(await it.request()).toEqual({ type: "cluster", node: NODE });
  return {
    server,
    agent,
    it,
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Where the variants differ: SotW acknowledges with the version, and always names everything. */
function ack(it: Script, type: ResourceType, nonce: string, sotw: Partial<ScriptRequest>): ScriptRequest {
  return it.variant === "delta" ? { type, nonce } : { type, nonce, ...sotw };
}

describe.each(variants)("%s", (variant) => {
  test("fetches clusters, endpoints, listeners, routes, in this order, each when what it needs is there", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    it.send("cluster", [edsCluster("a"), edsCluster("b"), staticCluster("c")], { nonce: "c1", version: "1" });
    expect(await it.request()).toEqual(ack(it, "cluster", "c1", { version: "1" }));
    expect(await it.request()).toEqual({ type: "endpoint", names: ["a", "b"] });
    it.send("endpoint", [assignment("a")], { nonce: "e1", version: "1" });
    expect(await it.request()).toEqual(ack(it, "endpoint", "e1", { version: "1", names: ["a", "b"] }));
    it.send("endpoint", [assignment("b")], { nonce: "e2", version: "2" });
    expect(await it.request()).toEqual(ack(it, "endpoint", "e2", { version: "2", names: ["a", "b"] }));
    expect(await it.request()).toEqual({ type: "listener" });
    it.send("listener", [rdsListener("http", "80"), tcpListener("tcp", "c")], { nonce: "l1", version: "1" });
    expect(await it.request()).toEqual(ack(it, "listener", "l1", { version: "1" }));
    expect(await it.request()).toEqual({ type: "route", names: ["80"] });
    it.send("route", [route("80", "a")], { nonce: "r1", version: "1" });
    expect(await it.request()).toEqual(ack(it, "route", "r1", { version: "1", names: ["80"] }));
    await agent.until(() => agent.ready.snapshot.listener.size === 2);
    expect(agent.ready.waiting).toEqual([]);
    expect(agent.ads.status()).toMatchObject({
      connected: true,
      attempts: 1,
      variant,
      lastError: undefined,
      types: {
        cluster: { acks: 1, nacks: 0, held: 3, nonce: "c1", version: "1" },
        endpoint: { acks: 2, held: 2, missing: 0 },
      },
    });
  });

  test("NACKs with name and field path; valid resources of the same response apply; the version stays", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    it.send("cluster", [staticCluster("a")], { nonce: "c1", version: "1" });
    await it.request();
    expect(await it.request()).toEqual({ type: "listener" });
    it.send("cluster", [staticCluster("a", "2"), refusedCluster("bad"), staticCluster("b", "2")], {
      nonce: "c2",
      version: "2",
    });
    const nack = await it.request();
    expect(nack).toMatchObject(ack(it, "cluster", "c2", { version: "1" }));
    expect(nack?.nack).toMatch(/^cluster bad: type: \S/);
    await agent.until(() => agent.commits === 2);
    expect(names(agent.snapshot, "cluster")).toEqual(["a", "b"]);
    expect(agent.ads.status().types.cluster).toMatchObject({
      acks: 1,
      nacks: 1,
      held: 2,
      lastNack: { detail: nack?.nack },
    });
    it.send("cluster", [staticCluster("a", "3"), staticCluster("b", "3")], { nonce: "c3", version: "3" });
    expect(await it.request()).toEqual(ack(it, "cluster", "c3", { version: "3" }));
  });

  test("a refused update keeps the last good resource, and isn't claimed to be held after a reconnect", async () => {
    await using session = await begin(variant);
    const { agent, server, it } = session;
    it.send("cluster", [staticCluster("a", "1"), staticCluster("b", "1")], { nonce: "c1", version: "1" });
    await agent.until(() => agent.commits === 1);
    const good = agent.snapshot.cluster.get("a");
    it.send("cluster", [refusedCluster("a", "2"), staticCluster("b", "2")], { nonce: "c2", version: "2" });
    await agent.until(() => agent.commits === 2);
    expect(agent.snapshot.cluster.get("a")).toBe(good as NonNullable<typeof good>);
    it.stream.end();
    const again = await script(server, variant);
    expect(await again.request()).toEqual({
      type: "cluster",
      node: NODE,
      ...(variant === "delta" ? { held: { a: "1", b: "2" } } : { version: "1" }),
    });
    expect(agent.snapshot.cluster.get("a")).toBe(good as NonNullable<typeof good>);
  });

  test("removes what the server removes, the last one, too (trap 11)", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    it.send("cluster", [staticCluster("a"), staticCluster("b")], { nonce: "c1", version: "1" });
    await agent.until(() => agent.snapshot.cluster.size === 2);
    it.send("cluster", variant === "delta" ? [] : [staticCluster("b")], { nonce: "c2", version: "2", removed: ["a"] });
    await agent.until(() => agent.snapshot.cluster.size === 1);
    expect(names(agent.snapshot, "cluster")).toEqual(["b"]);
    it.send("cluster", [], { nonce: "c3", version: "3", removed: ["b"] });
    await agent.until(() => agent.snapshot.cluster.size === 0);
    expect(agent.ads.status().types.cluster).toMatchObject({ acks: 3, nacks: 0, held: 0 });
  });

  test("unsubscribes what clusters no longer name; drops what comes late; asks again when it is named again", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    it.send("cluster", [edsCluster("a"), edsCluster("b")], { nonce: "c1", version: "1" });
    await it.request();
    await it.request();
    it.send("endpoint", [assignment("a"), assignment("b")], { nonce: "e1", version: "1" });
    await it.request();
    expect(await it.request()).toEqual({ type: "listener" });
    it.send("cluster", variant === "delta" ? [] : [edsCluster("a")], { nonce: "c2", version: "2", removed: ["b"] });
    await it.request();
    expect(await it.request()).toEqual(
      variant === "delta"
        ? { type: "endpoint", unsubscribe: ["b"] }
        : { type: "endpoint", nonce: "e1", version: "1", names: ["a"] },
    );
    it.send("endpoint", [assignment("b", "2", 81), assignment("a", "2", 81)], { nonce: "e2", version: "2" });
    expect(await it.request()).toEqual(ack(it, "endpoint", "e2", { version: "2", names: ["a"] }));
    await agent.until(() => agent.ads.status().types.endpoint.acks === 2);
    expect(names(agent.snapshot, "endpoint")).toEqual(["a"]);
    it.send("cluster", variant === "delta" ? [edsCluster("b")] : [edsCluster("a"), edsCluster("b")], {
      nonce: "c3",
      version: "3",
    });
    await it.request();
    expect(await it.request()).toEqual(
      variant === "delta"
        ? { type: "endpoint", names: ["b"] }
        : { type: "endpoint", nonce: "e2", version: "2", names: ["a", "b"] },
    );
    expect(agent.ads.status().types.endpoint).toMatchObject({ held: 1, missing: 1 });
  });

  test("unsubscribing the last name doesn't subscribe to everything", async () => {
    await using session = await begin(variant);
    const { it, server } = session;
    it.send("cluster", [edsCluster("a")], { nonce: "c1", version: "1" });
    await it.request();
    expect(await it.request()).toEqual({ type: "endpoint", names: ["a"] });
    it.send("cluster", [], { nonce: "c2", version: "2", removed: ["a"] });
    await it.request();
    expect(await it.request()).toEqual(
      variant === "delta" ? { type: "endpoint", unsubscribe: ["a"] } : { type: "endpoint" },
    );
    expect(await it.request()).toEqual({ type: "listener" });
    it.stream.end();
    const again = await script(server, variant);
    expect((await again.request())?.type).toBe("cluster");
    expect((await again.request())?.type).toBe("listener");
  });

  test("types that nobody asked for are counted and not answered", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    it.send("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", [], { nonce: "s1" });
    it.send("listener", [], { nonce: "too early" });
    it.send("", [], { nonce: "" });
    it.send("cluster", [staticCluster("a")], { nonce: "c1", version: "1" });
    expect(await it.request()).toEqual(ack(it, "cluster", "c1", { version: "1" }));
    expect(agent.ads.status().ignoredResponses).toBe(3);
  });

  test("nonces are echoed as they come: repeated, or none", async () => {
    await using session = await begin(variant);
    const { it } = session;
    it.send("cluster", [staticCluster("a")], { nonce: "same", version: "1" });
    expect(await it.request()).toMatchObject({ type: "cluster", nonce: "same" });
    await it.request();
    it.send("cluster", [staticCluster("b")], { nonce: "same", version: "2" });
    expect(await it.request()).toMatchObject({ type: "cluster", nonce: "same" });
    it.send("cluster", [staticCluster("c")], { nonce: "", version: "3" });
    const request = await it.request();
    expect(request?.type).toBe("cluster");
    expect(request?.nonce).toBeUndefined();
  });

  test("garbage in an Any is NACKed, and everything else of the response applies", async () => {
    await using session = await begin(variant);
    const { agent, it } = session;
    const wrongType = { ...staticCluster("w"), resource: assignment("w").resource };
    it.send(
      "cluster",
      [garbage(staticCluster("g")), wrongType, staticCluster("a"), staticCluster("d"), staticCluster("d")],
      {
        nonce: "c1",
        version: "1",
      },
    );
    const nack = (await it.request())?.nack ?? "";
    expect(nack).toContain("can't be read");
    expect(nack).toContain("envoy.config.endpoint.v3.ClusterLoadAssignment, not a");
    expect(nack).toContain("cluster d: the name occurs more than once");
    await agent.until(() => agent.commits === 1);
    expect(names(agent.snapshot, "cluster")).toEqual(["a"]);
  });

  test("resumes after a crash of the server: says what it holds, subscribes to all it wants, keeps what it has", async () => {
    await using session = await begin(variant);
    const { agent, server, it } = session;
    it.send("cluster", [edsCluster("a", "c1"), edsCluster("b", "c1")], { nonce: "c1", version: "1" });
    await it.request();
    await it.request();
    it.send("endpoint", [assignment("a", "e1"), assignment("b", "e1")], { nonce: "e1", version: "1" });
    await it.request();
    await it.request();
    it.send("listener", [rdsListener("http", "80", "l1")], { nonce: "l1", version: "1" });
    await it.request();
    await it.request();
    it.send("route", [route("80", "a", "r1")], { nonce: "r1", version: "1" });
    await it.request();
    await agent.until(() => agent.ready.snapshot.route.size === 1);
    const before = agent.snapshot;
    server.cut();
    const again = await script(server, variant);
    const held = (versions: Record<string, string>): Partial<ScriptRequest> =>
      variant === "delta" ? { held: versions } : { version: "1" };
    expect(await again.request()).toEqual({ type: "cluster", node: NODE, ...held({ a: "c1", b: "c1" }) });
    expect(await again.request()).toEqual({ type: "endpoint", names: ["a", "b"], ...held({ a: "e1", b: "e1" }) });
    expect(await again.request()).toEqual({ type: "listener", ...held({ http: "l1" }) });
    expect(await again.request()).toEqual({ type: "route", names: ["80"], ...held({ "80": "r1" }) });
    expect(agent.snapshot).toBe(before);
    again.send("cluster", [edsCluster("a", "c2"), edsCluster("b", "c2")], { nonce: "x1", version: "2" });
    expect(await again.request()).toEqual(ack(again, "cluster", "x1", { version: "2" }));
    expect(agent.ads.status()).toMatchObject({
      connected: true,
      attempts: 2,
      lastError: expect.stringContaining("127.0.0.1:"),
    });
  });

  test("a reply never goes to another stream than its response came from", async () => {
    const server = await FakeAds.start();
    let finish = (): void => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const agent = new AdsAgent(server.port, { variant, commit: () => busy });
    const it = await script(server, variant);
    await it.request();
    it.send("cluster", [staticCluster("a")], { nonce: "old1", version: "1" });
    await it.request();
    it.send("cluster", [staticCluster("a"), staticCluster("b")], { nonce: "old2", version: "2" });
    it.stream.end();
    const next = script(server, variant);
    finish();
    const again = await next;
    expect(await again.request()).toMatchObject({ type: "cluster", node: NODE });
    again.send("cluster", [staticCluster("a"), staticCluster("b")], { nonce: "new", version: "3" });
    const seen: (string | undefined)[] = [];
    for (let request = await again.request(); request !== undefined; request = await again.request()) {
      seen.push(request.nonce);
      if (request.nonce === "new") break;
    }
    expect(seen.filter((nonce) => nonce?.startsWith("old"))).toEqual([]);
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("what is queued is taken together: a burst is one commit", async () => {
    const server = await FakeAds.start();
    let finish = (): void => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const agent = new AdsAgent(server.port, { variant, commit: () => busy });
    const it = await script(server, variant);
    await it.request();
    it.send("cluster", [staticCluster("c0")], { nonce: "n0", version: "0" });
    await it.request();
    for (let i = 1; i <= 20; i += 1) it.send("cluster", [staticCluster(`c${i}`)], { nonce: `n${i}`, version: `${i}` });
    while (agent.ads.status().types.cluster.version !== "20") await new Promise((resolve) => setImmediate(resolve));
    finish();
    await agent.until(() => agent.ads.status().types.cluster.acks === 21);
    await agent.until(() => agent.snapshot.cluster.has("c20") && agent.commits >= 2);
    expect(agent.commits).toBe(2);
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
});

test("sotw: what only part of a response names stays: endpoints and routes", async () => {
  await using session = await begin("sotw");
  const { agent, it } = session;
  it.send("cluster", [edsCluster("a"), edsCluster("b")], { nonce: "c1", version: "1" });
  await it.request();
  await it.request();
  it.send("endpoint", [assignment("a"), assignment("b")], { nonce: "e1", version: "1" });
  await agent.until(() => agent.snapshot.endpoint.size === 2);
  it.send("endpoint", [assignment("b", "2", 81)], { nonce: "e2", version: "2" });
  await agent.until(() => agent.ads.status().types.endpoint.acks === 2);
  expect(names(agent.snapshot, "endpoint")).toEqual(["a", "b"]);
});

test("sotw: a refused cluster that is in the full state is not removed", async () => {
  await using session = await begin("sotw");
  const { agent, it } = session;
  it.send("cluster", [staticCluster("a"), staticCluster("b")], { nonce: "c1", version: "1" });
  await agent.until(() => agent.commits === 1);
  it.send("cluster", [refusedCluster("a")], { nonce: "c2", version: "2" });
  await agent.until(() => agent.commits === 2);
  expect(names(agent.snapshot, "cluster")).toEqual(["a"]);
});

test("delta: endpoints that the server says don't exist are not waited for", async () => {
  await using session = await begin("delta");
  const { agent, it } = session;
  it.send("cluster", [edsCluster("a")], { nonce: "c1", version: "1" });
  await it.request();
  await it.request();
  it.send("endpoint", [], { nonce: "e1", removed: ["a"] });
  expect(await it.request()).toEqual({ type: "endpoint", nonce: "e1" });
  expect(await it.request()).toEqual({ type: "listener" });
  await agent.until(() => agent.ready.snapshot.cluster.has("a"));
  expect(agent.ready.waiting).toEqual([]);
});

test("delta: resources kept on disk are claimed at the first request, so that what is gone is removed", async () => {
  const server = await FakeAds.start();
  const kept = new Map([
    ["a", "v1"],
    ["gone", "v1"],
  ]);
  const agent = new AdsAgent(server.port, { held: { cluster: kept } });
  const it = await script(server, "delta");
  expect(await it.request()).toEqual({ type: "cluster", node: NODE, held: { a: "v1", gone: "v1" } });
  it.send("cluster", [], { nonce: "c1", removed: ["gone"] });
  await it.request();
  expect(Object.fromEntries(agent.ads.held().cluster)).toEqual({ a: "v1" });
  await agent[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
