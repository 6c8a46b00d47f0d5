// Control planes that are broken or hostile: the agent stays up, the last good state stays in effect, the status says what is
// wrong, and a good server at the same address is taken up again.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Script, script } from "../support/ads-script.ts";
import { Agent } from "../support/agent.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { FakeAds } from "../support/fake-ads.ts";
import {
  garbage,
  staticCluster as packedCluster,
  tcpListener as packedListener,
  refusedCluster,
  truncated,
} from "../support/xds-resources.ts";
import { assignment, edsCluster, type Json, tcpListener, typed } from "./resources.ts";
import { statusOf, tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const vip = "127.96.0.1";
const shop = (host: number): readonly Json[] =>
  typed({
    listeners: [tcpListener("shop", `${vip}:80`, "shop")],
    clusters: [edsCluster("shop")],
    assignments: [assignment("shop", [`127.0.1.${host}:8080`])],
  });

/** A server that does something to each connection, at a port where a good server was. */
async function listening(server: Server, port: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the client may cut it at any time
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function onSocket(act: (socket: Socket) => void): Server {
  return createServer(act);
}

/** Speaks HTTP/2 well; what it says on the stream is wrong. */
function onStream(act: (stream: ServerHttp2Stream) => void): Server {
  const server = createHttp2Server();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {}); // the client gives it up
    act(stream);
  });
  return server as unknown as Server;
}

const grpc = { ":status": 200, "content-type": "application/grpc" };
/** gRPC's length-prefixed message: flags, length, data. */
const message = (flags: number, length: number, data = ""): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(data)]);
};

/** What it is, what it does, and what the status says of it. */
const hostile: readonly (readonly [string, () => Server, RegExp])[] = [
  ["closes at once", () => onSocket((socket) => socket.end()), /lost/],
  ["resets", () => onSocket((socket) => socket.resetAndDestroy()), /lost/],
  ["sends garbage", () => onSocket((socket) => socket.write(Buffer.alloc(4096, 0x5a))), /lost|broke|unavailable/],
  [
    "speaks HTTP/1.1",
    () => onSocket((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    /lost|broke|unavailable/,
  ],
  [
    "answers with a web page",
    () => onStream((stream) => stream.respond({ ":status": 200, "content-type": "text/html" })),
    /./,
  ],
  ["answers 503", () => onStream((stream) => stream.respond({ ":status": 503 }, { endStream: true })), /./],
  [
    "announces a message of 4 GB",
    () =>
      onStream((stream) => {
        stream.respond(grpc);
        stream.write(message(0, 0xffffffff));
      }),
    /more than is allowed/,
  ],
  [
    "ends in the middle of a message",
    () =>
      onStream((stream) => {
        stream.respond(grpc);
        stream.end(message(0, 100, "too short"));
      }),
    /./,
  ],
  [
    "sends a message that is no protobuf",
    () =>
      onStream((stream) => {
        stream.respond(grpc);
        stream.write(message(0, 5, "\xff\xff\xff"));
      }),
    /./,
  ],
  [
    "compresses though nobody asked",
    () =>
      onStream((stream) => {
        stream.respond(grpc);
        stream.write(message(1, 4, "zzzz"));
      }),
    /./,
  ],
  ["resets every stream", () => onStream((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)), /./],
];

describe("a hostile server in the place of a good one", () => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let server: ControlPlane;
  let agent: Agent;
  let port: number;

  beforeAll(async () => {
    world = stack.use(await World.create([tcpBackend("a", 1), tcpBackend("b", 2)]));
    server = stack.use(await ControlPlane.start(shop(1)));
    port = Number(server.address.split(":")[1]);
    agent = stack.use(
      await Agent.start({
        controller: server.address,
        cgroups: [world.cgroup.path],
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  const answers = () => world.inside.tally(vip, 80, { count: 3 });
  const becomes = (name: string) =>
    agent.waitFor(`the answer ${name}`, async () => Bun.deepEquals(await answers(), { [name]: 3 }));

  test.each(hostile)("that %s", async (_, make, said) => {
    await becomes("a");
    await server.stop();
    {
      await using _hostile = await listening(make(), port);
      const { controlPlane } = await statusOf(agent);
      await agent.waitFor("the error", async () => {
        const now = (await statusOf(agent)).controlPlane;
        return (now?.attempts ?? 0) > (controlPlane?.attempts ?? 0) + 1 && said.test(now?.lastError ?? "");
      });
      expect(await answers()).toEqual({ a: 3 });
      const { state, isReady, problems } = await statusOf(agent);
      expect({ state, isReady }).toEqual({ state: "live", isReady: true });
      expect(problems.join()).toContain(`control plane ${server.address}`);
    }
    server.write(shop(2));
    await server.start();
    await becomes("b");
    await server.publish(shop(1));
  });

  const silent: readonly (readonly [string, () => Server])[] = [
    ["accepts and says nothing", () => onSocket(() => {})],
    ["opens the stream and then hangs", () => onStream((stream) => stream.respond(grpc))],
  ];
  test.each(silent)("that %s", async (_, make) => {
    await becomes("a");
    await server.stop();
    {
      await using _hostile = await listening(make(), port);
      const { controlPlane } = await statusOf(agent);
      await agent.waitFor(
        "the next attempt",
        async () => ((await statusOf(agent)).controlPlane?.attempts ?? 0) > (controlPlane?.attempts ?? 0),
      );
      expect(await answers()).toEqual({ a: 3 });
      expect((await statusOf(agent)).isReady).toBe(true);
    }
    server.write(shop(2));
    await server.start();
    await becomes("b");
    await server.publish(shop(1));
  });
});

test("a server that accepts and says nothing, at a first start: the status says so, and traffic is native", async () => {
  await using world = await World.create([]);
  const server = onSocket(() => {});
  await using _hostile = await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  await using agent = await Agent.start({
    controller: `127.0.0.1:${port}`,
    cgroups: [world.cgroup.path],
    config: "xds: {initial_fetch_timeout: 1s}\n",
    until: "socket",
  });
  await agent.waitFor("the error", async () => (await statusOf(agent)).problems.join().includes("no answer from"));
  expect(await statusOf(agent)).toMatchObject({ isReady: false, state: "initializing" });
  expect(await world.inside.tally(vip, 80)).toEqual({ "!ECONNREFUSED": 1 });
});

describe.each(["delta", "sotw"] as const)("a server that speaks %s well and means ill", (variant) => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let server: FakeAds;
  let agent: Agent;
  let ads: Script;
  const cluster = packedCluster("good");
  const listener = packedListener("good", "good");

  beforeAll(async () => {
    world = stack.use(await World.create([]));
    server = stack.use(await FakeAds.start());
    agent = stack.use(
      await Agent.start({
        controller: `127.0.0.1:${server.port}`,
        cgroups: [world.cgroup.path],
        flags: ["--xds", variant],
        until: "socket",
      }),
    );
    ads = await script(server, variant);
    ads.send("cluster", [cluster], { nonce: "c1", version: "1" });
    ads.send("listener", [listener], { nonce: "l1", version: "1" });
    await agent.waitUntilReady();
  });
  afterAll(() => stack.disposeAsync());

  /** The listener governs still: its cluster has no endpoint, so that connects are refused by it. */
  beforeEach(async () => {
    expect(await agent.json("/explain?destination=127.96.0.1:80")).toMatchObject({
      result: "refused",
      listener: "good",
    });
  });

  const nackOf = async (type: "cluster" | "listener", atLeast: number) => {
    const of = async () => (await statusOf(agent)).controlPlane?.types[type];
    await agent.waitFor("the rejection", async () => ((await of())?.nacks ?? 0) >= atLeast);
    return (await of())?.lastNack?.detail ?? "";
  };
  let nacks = 0;

  test.each([
    ["bytes that are no message", garbage(packedCluster("bad"))],
    ["a message that ends too early", truncated(packedCluster("bad"))],
    ["a resource of another type", { ...packedListener("bad", "x") }],
    ["what can't be honoured", refusedCluster("bad")],
    [
      "64 MB of nothing",
      {
        ...cluster,
        name: "bad",
        resource: create(AnySchema, { ...cluster.resource, value: new Uint8Array(64 << 20) }),
      },
    ],
  ] as const)("%s is refused by name, and what is good beside it stays", async (_, bad) => {
    nacks += 1;
    ads.send("cluster", [cluster, bad], { nonce: `bad${nacks}`, version: `bad${nacks}` });
    expect(await nackOf("cluster", nacks)).not.toBe("");
    expect((await statusOf(agent)).isReady).toBe(true);
  });

  test("nonces that repeat or are missing, types nobody asked for, responses in any order", async () => {
    for (const nonce of ["c1", "c1", ""]) ads.send("cluster", [cluster], { nonce, version: "2" });
    ads.send("type.googleapis.com/no.such.Type", [], { nonce: "x", version: "1" });
    ads.send("endpoint", [], { nonce: "e1", version: "1" });
    ads.send("route", [], { nonce: "r1", version: "1" });
    ads.send("listener", [listener, packedListener("late", "good", "2")], { nonce: "l2", version: "2" });
    await agent.waitFor("the rest", async () => ((await statusOf(agent)).controlPlane?.ignoredResponses ?? 0) > 0);
    expect((await statusOf(agent)).isReady).toBe(true);
  });

  test("one name twice in one response is refused", async () => {
    nacks += 1;
    ads.send("cluster", [cluster, cluster], { nonce: "twice", version: "3" });
    expect(await nackOf("cluster", nacks)).toContain("good");
  });

  test("10,000 responses at once", async () => {
    const acks = (await statusOf(agent)).controlPlane?.types.cluster.acks ?? 0;
    for (let i = 0; i < 10_000; i++) ads.send("cluster", [cluster], { nonce: `n${i}`, version: `${i}` });
    await agent.waitFor(
      "the answers",
      async () => ((await statusOf(agent)).controlPlane?.types.cluster.acks ?? 0) >= acks + 10_000,
    );
    expect((await statusOf(agent)).isReady).toBe(true);
  });
});
