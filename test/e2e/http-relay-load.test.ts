// The relay under load, in the compiled agent: endpoints that come, go and die, restarts of the agent, and bodies larger than memory
// should hold. What fails here would be a user's request.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { patternDigest } from "../support/http-clients.ts";
import type { Inspection } from "../support/http-servers.ts";
import type { SessionAnswer } from "../support/http-session.ts";
import { Load } from "./fortio.ts";
import { httpListener, marked, pathRoute } from "./http-resources.ts";
import { clusters, goVip, meshOf, vip } from "./relay-mesh.ts";
import { peakMemory, RelayWorld } from "./relay-world.ts";
import { bootstrap, type Json, staticCluster } from "./resources.ts";
import { explanationOf, httpBackend, loadGoesOn, statusOf, testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

describe("endpoints under load", () => {
  const both = ["127.0.1.1:8080", "127.0.1.2:8080"];
  const meshTo = (endpoints: readonly string[], more: Json = {}) =>
    bootstrap(
      [httpListener("shop", `${vip}:80`, [{ ...pathRoute("/", "shop", more), ...marked }])],
      // More retries at once than the three that are Envoy's default.
      [staticCluster("shop", endpoints, { circuit_breakers: { thresholds: [{ max_retries: 100 }] } })],
    );

  test.each([true, false])("that come and go lose no request (kept alive: %p)", async (keepAlive) => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshTo(both));
    await using load = Load.start(`http://${vip}/`, world.world.enter, { keepAlive, threads: 8 });
    for (let i = 0; i < 6; i++) {
      agent.writeMesh(meshTo(i % 2 === 0 ? both.slice(0, 1) : both));
      await agent.waitFor("the change", async () => (await statusOf(agent)).snapshot.generation === i + 2);
      await loadGoesOn(world.world);
    }
    const { statuses, sockets } = await load.finish();
    expect(Object.keys(statuses)).toEqual(["200"]);
    if (keepAlive) expect(sockets).toBe(8);
  });

  test("that die lose no request that may be retried", async () => {
    await using world = await RelayWorld.create();
    const elsewhere = "envoy.retry_host_predicates.previous_hosts";
    const typed_config = {
      "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    };
    const retry_policy = {
      ...{ retry_on: "connect-failure,refused-stream,reset", num_retries: 3, host_selection_retry_max_attempts: 5 },
      retry_host_predicate: [{ name: elsewhere, typed_config }],
    };
    await using _agent = await world.startAgent(meshTo(both, { retry_policy }));
    await using load = Load.start(`http://${vip}/`, world.world.enter, { keepAlive: true, threads: 8 });
    await loadGoesOn(world.world);
    for (let i = 0; i < 3; i++) {
      await world.world.backends.remove("b");
      await loadGoesOn(world.world);
      await world.world.backends.add(httpBackend("b", 2));
      await loadGoesOn(world.world);
    }
    const { statuses, sockets } = await load.finish();
    expect(Object.keys(statuses)).toEqual(["200"]);
    expect(sockets).toBe(8);
  });
});

describe("a listener that needs the relay, then doesn't, then does", () => {
  const plain = bootstrap([httpListener("shop", `${vip}:80`, [pathRoute("/", "a")])], clusters);

  test.each([true, false])("loses no request (kept alive: %p)", async (keepAlive) => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    await using load = Load.start(`http://${vip}/`, world.world.enter, { keepAlive, threads: 8 });
    await loadGoesOn(world.world);
    for (let i = 0; i < 12; i++) {
      agent.writeMesh(i % 2 === 0 ? plain : meshOf("a", "b"));
      await agent.waitFor("the change", async () => (await statusOf(agent)).snapshot.generation === i + 2);
      expect((await explanationOf(agent, `${vip}:80`)).result).toBe(i % 2 === 0 ? "connect" : "relay");
      await loadGoesOn(world.world);
    }
    expect(Object.keys((await load.finish()).statuses)).toEqual(["200"]);
  });
});

describe("restarts of the agent under load", () => {
  test.each([
    ["SIGTERM", true],
    ["SIGTERM", false],
    ["SIGKILL", true],
    ["SIGKILL", false],
  ] as const)("%s, kept alive: %p: no request fails", async (signal, keepAlive) => {
    await using world = await RelayWorld.create();
    await using agent = await world.startAgent(meshOf("a", "b"));
    await using load = Load.start(`http://${vip}/`, world.world.enter, { keepAlive, threads: 8 });
    await loadGoesOn(world.world);
    for (let i = 0; i < 3; i++) {
      await agent.stop(signal);
      await loadGoesOn(world.world);
      await agent.start();
      await loadGoesOn(world.world);
    }
    expect(Object.keys((await load.finish()).statuses)).toEqual(["200"]);
  });
});

describe("a large body and a peer that stalls", () => {
  const bytes = 256 << 20;
  const go = httpListener("go", `${goVip}:80`, [{ ...pathRoute("/", "go", { timeout: "0s" }), ...marked }]);

  /** Nearly all that a worker has at its start are pages of the executable, shared by all. */
  async function keepsLessThan(world: RelayWorld, most: number): Promise<void> {
    for (const pid of await world.workers()) expect(peakMemory(pid)).toBeLessThan(most);
  }

  test("download: the relay keeps little of it, and all of it arrives in the end", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b", go));
    const session = await world.sessions.open(goVip);
    await session.beginDownload(`/pattern?bytes=${bytes}`);
    await world.untilStalled();
    await keepsLessThan(world, 80 << 20);
    expect(await session.finishDownload()).toEqual({ length: bytes, sha256: patternDigest(bytes) });
    // At full speed, garbage waits for its collection.
    await keepsLessThan(world, 128 << 20);
  });

  test("upload: the same towards a server", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b", go));
    const session = await world.sessions.open(goVip);
    await session.beginUpload("/late?ms=4000", bytes);
    await world.untilStalled();
    await keepsLessThan(world, 80 << 20);
    const { length, sha256 } = inspectionOf(await session.finishUpload());
    expect({ length, sha256 }).toEqual({ length: bytes, sha256: zerosDigest(bytes) });
    await keepsLessThan(world, 128 << 20);
  });

  function zerosDigest(length: number): string {
    return new Bun.CryptoHasher("sha256").update(new Uint8Array(length)).digest("hex");
  }

  function inspectionOf(answer: SessionAnswer): Inspection {
    if ("error" in answer) throw new Error(answer.error);
    return JSON.parse(answer.body) as Inspection;
  }
});
