// How connections come to the relay of the compiled agent, and which don't: by the kernel's redirect, from enrolled workloads only, to
// exactly where they were going.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Answer, HTTP_REQUEST } from "../support/dialer.ts";
import { compose } from "../support/process.ts";
import { everything, hostsListener, httpListener, marked, pathRoute } from "./http-resources.ts";
import {
  answeredVip,
  canaryHeader,
  canaryRequest,
  clusters,
  meshOf,
  named,
  plainVip,
  tcpVip,
  vip,
} from "./relay-mesh.ts";
import { RelayWorld } from "./relay-world.ts";
import { bootstrap } from "./resources.ts";
import { enginesOf, explanationOf, testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const closings = ["CLOSED", "ECONNRESET"];

function endOf(answer: Answer | undefined): string {
  return answer !== undefined && "error" in answer ? answer.error : `answered: ${answer?.name}`;
}

describe("connections", () => {
  test("of an enrolled workload are routed by header; getpeername shows the VIP; others are untouched", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b"));
    const { inside, outside } = world.world;
    const peer = `${vip}:80`;
    expect(await inside.dial(vip, 80, { send: HTTP_REQUEST })).toEqual([{ name: "a", peer }]);
    expect(await inside.dial(vip, 80, { send: canaryRequest })).toEqual([{ name: "b", peer }]);
    expect(await outside.tally(vip, 80, { send: HTTP_REQUEST })).toEqual({ "!ECONNREFUSED": 1 });
  });

  test("one connection carries requests to both", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b"));
    const session = await world.sessions.open(vip);
    const names: string[] = [];
    for (const headers of [{}, canaryHeader, {}, canaryHeader]) names.push(named(await session.get("/", headers)));
    expect(names).toEqual(["a", "b", "a", "b"]);
  });

  test("to the relay's own port are closed, from wherever", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b"));
    const port = await world.relayPort();
    const { inside, outside } = world.world;
    for (const client of [outside, inside]) {
      const [answer] = await client.dial("127.0.0.1", port, { send: HTTP_REQUEST });
      expect(closings).toContain(endOf(answer));
    }
    expect(await inside.tally(vip, 80, { send: HTTP_REQUEST })).toEqual({ a: 1 });
  });

  test("over IPv6, and over IPv6 sockets to IPv4 addresses, are the same", async () => {
    await using world = await RelayWorld.create();
    const six = httpListener("six", "fd96::1:80", [{ ...pathRoute("/", "b"), ...marked }]);
    await using _agent = await world.startAgent(meshOf("a", "b", six));
    const { inside } = world.world;
    const send = HTTP_REQUEST;
    expect(await inside.dial("fd96::1", 80, { send })).toEqual([{ name: "b", peer: "[fd96::1]:80" }]);
    const [mapped] = await inside.dial(`::ffff:${vip}`, 80, { send: canaryRequest });
    expect(mapped).toMatchObject({ name: "b" });
  });

  test("that are open stay with the relay when their workload is unenrolled; new ones are native", async () => {
    await using world = await RelayWorld.create();
    const { cgroup, inside } = world.world;
    await using agent = await world.startAgent(meshOf("a", "b"), { cgroups: [] });
    expect((await agent.cli("enroll", cgroup.path)).status).toBe(0);
    const session = await world.sessions.open(vip);
    expect(named(await session.get("/", canaryHeader))).toBe("b");
    expect((await agent.cli("unenroll", cgroup.path)).status).toBe(0);
    expect(named(await session.get("/"))).toBe("a");
    expect(await inside.tally(vip, 80, { send: HTTP_REQUEST })).toEqual({ "!ECONNREFUSED": 1 });
  });

  test("of the relay itself aren't governed, though it runs in an enrolled cgroup", async () => {
    await using world = await RelayWorld.create();
    const { cgroup, namespace, inside } = world.world;
    // Where the relay's own connections go is another listener's: governed, they would come back to it for ever.
    const loop = httpListener("loop", "0.0.0.0:8080", [{ ...pathRoute("/", "b"), ...marked }]);
    await using _agent = await world.startAgent(meshOf("a", "b", loop), {
      enter: compose(cgroup.enter, namespace.enter),
    });
    expect(await inside.tally(vip, 80, { count: 10, send: HTTP_REQUEST })).toEqual({ a: 10 });
    expect(await inside.tally("127.0.1.1", 8080, { count: 10, send: HTTP_REQUEST })).toEqual({ b: 10 });
  });

  test("that need nothing of the relay go without it; explain and /listeners say which engine, and why", async () => {
    await using world = await RelayWorld.create();
    const plain = httpListener("plain", `${plainVip}:80`, [pathRoute("/", "b")]);
    await using agent = await world.startAgent(meshOf("a", "b", plain));
    expect(await explanationOf(agent, `${plainVip}:80`)).toMatchObject({ result: "connect" });
    expect(await explanationOf(agent, `${vip}:80`)).toMatchObject({ result: "relay" });
    expect(await enginesOf(agent, "plain")).toMatchObject([{ engine: "connect" }]);
    const [engine] = await enginesOf(agent, "shop");
    expect(engine).toMatchObject({ engine: "relay" });
    expect(engine?.reason).not.toBe("");
    await world.sessions.open(plainVip);
    const { stdout } = await world.world.namespace.run(["ss", "-Htn", "state", "established"]);
    expect(stdout).toContain("127.0.1.2:8080");
    expect(stdout).not.toContain(`:${await world.relayPort()} `);
  });

  test("no listener needs the relay: there is no worker", async () => {
    await using world = await RelayWorld.create();
    const plain = httpListener("plain", `${plainVip}:80`, [pathRoute("/", "b")]);
    await using _agent = await world.startAgent(bootstrap([plain], clusters));
    expect(await world.world.inside.tally(plainVip, 80, { send: HTTP_REQUEST })).toEqual({ b: 1 });
    expect(await world.workers()).toEqual([]);
  });
});

describe("a wildcard listener", () => {
  const original = { name: "original", type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED", connect_timeout: "1s" };
  const hosts = [
    { name: "shop", domains: ["shop.test"], routes: [{ ...pathRoute("/", "a"), ...marked }] },
    { name: "any", domains: ["*"], routes: [pathRoute("/", "original")] },
  ];
  const mesh = bootstrap([hostsListener("wild", "0.0.0.0:8080", hosts)], [...clusters, original]);

  test("passes hosts that it doesn't know through to exactly where the client was going", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(mesh);
    const send = (host: string) => ({ send: `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n` });
    const { inside } = world.world;
    expect(await inside.tally("127.0.1.1", 8080, send("other.test"))).toEqual({ a: 1 });
    expect(await inside.tally("127.0.1.2", 8080, send("other.test"))).toEqual({ b: 1 });
    expect(await inside.tally("127.0.1.2", 8080, send("shop.test"))).toEqual({ a: 1 });
    expect(await inside.dial("127.0.1.2", 8080, send("other.test"))).toEqual([{ name: "b", peer: "127.0.1.2:8080" }]);
  });

  test("one connection may go to both", async () => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(mesh);
    const session = await world.sessions.open("127.0.1.2", 8080);
    const names: string[] = [];
    for (const Host of ["other.test", "shop.test", "other.test"]) names.push(named(await session.get("/", { Host })));
    expect(names).toEqual(["b", "a", "b"]);
  });
});

describe("bytes that aren't HTTP", () => {
  const foreign = [
    ["TLS", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"],
    ["HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["bytes of no protocol", "\x00\x01\x02\x03"],
  ] as const;
  const toTcp = { match: everything, route: { cluster: "t" }, ...marked };
  const answered = { match: everything, direct_response: { status: 200, body: { inline_string: "here\n" } } };
  const more = [
    httpListener("tcp", `${tcpVip}:80`, [toTcp]),
    httpListener("answered", `${answeredVip}:80`, [answered]),
  ];

  test.each(foreign)("%s go where the default route goes, both ways", async (_, hello) => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b", ...more));
    const peer = `${tcpVip}:80`;
    expect(await world.world.inside.dial(tcpVip, 80, { send: hello })).toEqual([{ name: "t", peer }]);
  });

  test.each(foreign)("%s are closed where no route says where, and others go on", async (_, hello) => {
    await using world = await RelayWorld.create();
    await using _agent = await world.startAgent(meshOf("a", "b", ...more));
    const { inside } = world.world;
    const [answer] = await inside.dial(answeredVip, 80, { send: hello });
    expect(closings).toContain(endOf(answer));
    expect(await inside.tally(answeredVip, 80, { send: HTTP_REQUEST })).toEqual({ here: 1 });
  });
});
