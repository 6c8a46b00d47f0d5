// Servers that are late, gone, silent, broken or hostile: one clear error each, the last good state stays, and it goes on.
import { describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { AdsAgent } from "../../test/support/ads-agent.ts";
import { script } from "../../test/support/ads-script.ts";
import { FakeAds } from "../../test/support/fake-ads.ts";
import {
  assignment,
  edsCluster,
  rdsListener,
  route,
  staticCluster,
  tcpListener,
} from "../../test/support/xds-resources.ts";

/** A TCP server that isn't one for ADS. */
async function rawServer(serve: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the client may cut it at any time
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function freePort(): Promise<number> {
  await using server = await rawServer(() => {});
  return server.port;
}

function reasons(agent: AdsAgent): string[] {
  return agent.events.flatMap((event) => (event.type === "disconnected" ? [event.reason] : []));
}

const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const GOAWAY_TOO_MANY_PINGS = Buffer.concat([
  Buffer.from([0, 0, 22, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11]),
  Buffer.from("too_many_pings"),
]);

const broken: readonly [string, (socket: Socket) => void, RegExp][] = [
  ["closes at once", (socket) => socket.end(), /^the connection to 127\.0\.0\.1:\d+ was lost$/],
  ["resets", (socket) => socket.resetAndDestroy(), /^the connection to 127\.0\.0\.1:\d+ was lost$/],
  [
    "sends garbage",
    (socket) => socket.write(Buffer.alloc(4096, 0x5a)),
    /^the (stream to|connection to) 127\.0\.0\.1:\d+/,
  ],
  [
    "speaks HTTP/1.1",
    (socket) => socket.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
    /^the (stream to|connection to) 127\.0\.0\.1:\d+/,
  ],
  [
    "has too many PINGs",
    (socket) => {
      socket.write(SETTINGS);
      // Our user agent is in the first request: then the stream is open.
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("kmesh-edge")) socket.end(GOAWAY_TOO_MANY_PINGS);
      });
    },
    /^127\.0\.0\.1:\d+ finds our keep-alive PINGs too frequent/,
  ],
  ["accepts and says nothing", () => {}, /^127\.0\.0\.1:\d+ is unavailable: PING timed out$/],
  [
    "speaks HTTP/2 and then nothing",
    (socket) => socket.write(SETTINGS),
    /^127\.0\.0\.1:\d+ is unavailable: PING timed out$/,
  ],
];

describe("a server that", () => {
  test.each(broken)("%s: a clear reason, and it is tried again and again", async (_, serve, reason) => {
    await using server = await rawServer(serve);
    await using agent = new AdsAgent(server.port, { limits: { pingIntervalMs: 30, pingTimeoutMs: 30 } });
    await agent.until(() => reasons(agent).length >= 3);
    for (const it of reasons(agent)) expect(it).toMatch(reason);
    const status = agent.ads.status();
    expect(status.connected).toBe(false);
    expect(status.lastError).toMatch(reason);
    expect(status.attempts).toBeGreaterThanOrEqual(3);
  });
});

test("nobody listens: refused, until somebody does", async () => {
  const port = await freePort();
  await using agent = new AdsAgent(port);
  await agent.until(() => reasons(agent).length >= 2);
  expect(reasons(agent)[0]).toBe(`connection refused by 127.0.0.1:${port}`);
  await using server = await FakeAds.start({ port });
  const it = await script(server, "delta");
  await it.request();
  it.send("cluster", [staticCluster("a")], { nonce: "c1" });
  await agent.until(() => agent.commits === 1);
  expect(agent.ads.status().connected).toBe(true);
});

test("a server that is cut again and again: everything stays, every time", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port);
  for (let i = 0; i < 5; i += 1) {
    const it = await script(server, "delta");
    await it.request();
    it.send("cluster", [staticCluster(`c${i}`)], { nonce: `n${i}` });
    await agent.until(() => agent.snapshot.cluster.size === i + 1);
    server.cut();
    await agent.until(() => reasons(agent).length === i + 1);
    expect(agent.ready.snapshot.cluster.size).toBe(i + 1);
  }
});

const ends: readonly [string, ConnectError | undefined, string][] = [
  ["well", undefined, " closed the stream"],
  ["with an error", new ConnectError("shutting\ndown", Code.Unavailable), " is unavailable: shutting down"],
  ["refusing the node", new ConnectError("unknown node", Code.PermissionDenied), " refuses this node: unknown node"],
];

test.each(ends)("a stream that ends %s is opened again", async (_, error, reason) => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port);
  const it = await script(server, "delta");
  await it.request();
  it.stream.end(error);
  await script(server, "delta");
  expect(reasons(agent)).toEqual([`127.0.0.1:${server.port}${reason}`]);
});

test("a server without delta: SotW at once, and for the next streams too", async () => {
  await using server = await FakeAds.start({ variants: ["sotw"] });
  await using agent = new AdsAgent(server.port);
  const it = await script(server, "sotw");
  it.send("cluster", [staticCluster("a")], { nonce: "c1", version: "1" });
  await agent.until(() => agent.commits === 1);
  expect(agent.ads.status().variant).toBe("sotw");
  expect(agent.events.find(({ type }) => type === "disconnected")).toMatchObject({ retryMs: 0 });
  it.stream.end();
  const again = await script(server, "sotw");
  expect(await again.request()).toMatchObject({ type: "cluster", version: "1" });
});

test("a server without ADS says so, and both variants are tried in turn", async () => {
  await using server = await FakeAds.start({ variants: [] });
  await using agent = new AdsAgent(server.port);
  await agent.until(() => reasons(agent).length >= 4);
  for (const reason of reasons(agent)) expect(reason).toContain("doesn't offer ADS");
  const variants = agent.events.flatMap((event) => (event.type === "fell_back" ? [event.variant] : []));
  expect(variants.slice(0, 3)).toEqual(["sotw", "delta", "sotw"]);
});

test("SotW by option never becomes delta", async () => {
  await using server = await FakeAds.start({ variants: ["delta"] });
  await using agent = new AdsAgent(server.port, { variant: "sotw" });
  await agent.until(() => reasons(agent).length >= 3);
  expect(agent.events.some(({ type }) => type === "fell_back")).toBe(false);
});

test("a message over the limit: a clear error, a new stream, the last good state", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port, { limits: { readMaxBytes: 100_000 } });
  const it = await script(server, "delta");
  await it.request();
  it.send("cluster", [staticCluster("a")], { nonce: "c1" });
  await agent.until(() => agent.commits === 1);
  it.send("cluster", [staticCluster("x".repeat(200_000))], { nonce: "c2" });
  const again = await script(server, "delta");
  expect(reasons(agent)[0]).toContain("larger than");
  expect(await again.request()).toMatchObject({ held: { a: "1" } });
  expect([...agent.ready.snapshot.cluster.keys()]).toEqual(["a"]);
});

test("a 64 MB message is taken", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port);
  const it = await script(server, "delta");
  await it.request();
  const large = { ...staticCluster("large"), version: "v".repeat(64 << 20) };
  it.send("cluster", [large, staticCluster("a")], { nonce: "c1" });
  await agent.until(() => agent.commits === 1);
  expect(agent.snapshot.cluster.size).toBe(2);
}, 60_000);

test("a flood while the agent is busy is slowed down by flow control, and nothing of it is lost", async () => {
  await using server = await FakeAds.start();
  let finish = (): void => {};
  const busy = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await using agent = new AdsAgent(server.port, { commit: () => busy, limits: { readAheadBytes: 64 << 10 } });
  const it = await script(server, "delta");
  await it.request();
  const total = 400;
  for (let i = 0; i < total; i += 1)
    it.send("cluster", [staticCluster(`${i}-${"x".repeat(100_000)}`)], { nonce: `${i}` });
  // The agent doesn't take anything: what the server gets rid of comes to rest far below 40 MB.
  let rested = 0;
  for (let last = -1; rested < 20; last = it.stream.sent()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    rested = last === it.stream.sent() && last > 0 ? rested + 1 : 0;
  }
  expect(it.stream.sent()).toBeLessThan(total / 2);
  finish();
  await agent.until(() => agent.snapshot.cluster.size === total);
}, 60_000);

test("endpoints that don't come: listeners are fetched after the initial-fetch timeout; late ones still count", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port, { limits: { initialFetchTimeoutMs: 50 } });
  const it = await script(server, "delta");
  await it.request();
  it.send("cluster", [edsCluster("a"), edsCluster("b")], { nonce: "c1" });
  await it.request();
  expect(await it.request()).toEqual({ type: "endpoint", names: ["a", "b"] });
  it.send("endpoint", [assignment("a")], { nonce: "e1" });
  await it.request();
  expect(await it.request()).toEqual({ type: "listener" });
  expect([...agent.givenUp.endpoint]).toEqual(["b"]);
  await agent.until(() => agent.ready.snapshot.cluster.has("b"));
  expect(agent.events).toContainEqual({ type: "expired", resourceType: "endpoint", names: ["b"] });
  it.send("endpoint", [assignment("b")], { nonce: "e2" });
  await agent.until(() => agent.ready.snapshot.endpoint.has("b"));
  expect([...agent.givenUp.endpoint]).toEqual([]);
});

test("a cluster that no server has doesn't hold a listener back for ever", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port, { limits: { initialFetchTimeoutMs: 50 } });
  const it = await script(server, "delta");
  await it.request();
  it.send("cluster", [staticCluster("a")], { nonce: "c1" });
  await it.request();
  await it.request();
  it.send("listener", [tcpListener("t", "typo"), rdsListener("h", "80")], { nonce: "l1" });
  await it.request();
  expect(await it.request()).toEqual({ type: "route", names: ["80"] });
  it.send("route", [route("80", "typo")], { nonce: "r1" });
  await agent.until(() => agent.ready.snapshot.listener.size === 2);
  expect([...agent.ready.danglingClusters]).toEqual(["typo"]);
  expect([...agent.givenUp.cluster]).toEqual(["typo"]);
  it.send("cluster", [staticCluster("typo")], { nonce: "c2" });
  await agent.until(() => agent.ready.danglingClusters.size === 0);
});

test("a server that never answers: the agent goes on without it, and status says why", async () => {
  await using server = await FakeAds.start();
  await using agent = new AdsAgent(server.port, { limits: { initialFetchTimeoutMs: 50 } });
  const it = await script(server, "delta");
  expect((await it.request())?.type).toBe("cluster");
  expect((await it.request())?.type).toBe("listener");
  await agent.until(() => agent.commits >= 1);
  expect(agent.ads.status()).toMatchObject({
    connected: false,
    lastError: `no answer from 127.0.0.1:${server.port} within 50 ms`,
  });
  it.send("cluster", [staticCluster("a")], { nonce: "c1" });
  await agent.until(() => agent.snapshot.cluster.size === 1);
  expect(agent.ads.status().connected).toBe(true);
});

test("stopping ends the loop at once: connected, connecting or waiting", async () => {
  await using server = await FakeAds.start();
  const connected = new AdsAgent(server.port);
  await script(server, "delta");
  await connected[Symbol.asyncDispose]();
  const waiting = new AdsAgent(await freePort(), { limits: { backoffBaseMs: 1e6, backoffMaxMs: 1e6 } });
  await waiting.until(() => reasons(waiting).length === 1);
  await waiting[Symbol.asyncDispose]();
  const starting = new AdsAgent(server.port);
  await starting[Symbol.asyncDispose]();
  expect(reasons(connected)).toEqual([]);
});
