// Bodies that are long, slow or answered early; tunnels; and connections that outlive a configuration.
import { describe, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { answering, Backend, Bench, get, ok, post, toCluster, typed } from "./relay.fixture.ts";

const MiB = 1024 * 1024;

describe("back-pressure", () => {
  test("a client that doesn't read stops the endpoint, and gets all of it later", async () => {
    const size = 64 * MiB;
    using backend = new Backend((peer) => {
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      peer.send(Buffer.alloc(size, "x"));
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.keepsData = false;
    client.stopReading();
    client.send(get("/"));
    const stalled = await steady(() => backend.connections[0]?.unsent ?? size);
    expect(stalled).toBeGreaterThan(size / 4);
    client.readOn();
    await waitFor("the whole body", () => client.receivedBytes > size);
    expect(backend.connections[0]?.unsent).toBe(0);
  });

  test("responses whose heads were replaced are kept as they are", async () => {
    const size = 300_000;
    const bodies = Array.from({ length: 64 }, (_, i) => `${i};`.repeat(size).slice(0, size));
    const head = (fields: string): string => `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${size}\r\n\r\n`;
    using backend = new Backend(answering((count) => head("Connection: keep-alive\r\n") + bodies[count]));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.stopReading();
    client.send(get("/").repeat(bodies.length));
    expect(await steady(() => backend.received.length)).toBeLessThan(get("/").length * bodies.length);
    client.readOn();
    const expected = bodies.map((body) => head("") + body).join("");
    await waitFor("all responses", () => client.receivedBytes >= expected.length);
    // Too long to be shown.
    expect(client.received === expected).toBe(true);
  });

  test("an endpoint that doesn't read stops the client", async () => {
    const size = 64 * MiB;
    using backend = new Backend((peer) => {
      peer.keepsData = false;
      if (peer.receivedBytes < 1000) peer.stopReading();
      if (peer.receivedBytes > size) peer.send(ok);
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    await waitFor("the request", () => backend.connections.length === 1);
    client.send(Buffer.alloc(size, "x"));
    expect(await steady(() => client.unsent)).toBeGreaterThan(size / 4);
    backend.connections[0]?.readOn();
    expect(await client.until("ok")).toBe(ok);
  });

  test("a slow reader gets the rest of a response that is the connection's last", async () => {
    const size = 16 * MiB;
    using backend = new Backend((peer) => {
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      peer.send(Buffer.alloc(size, "x"));
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.keepsData = false;
    client.stopReading();
    client.send(get("/", "Connection: close\r\n"));
    await steady(() => backend.connections[0]?.unsent ?? size);
    client.readOn();
    await client.untilEnd();
    expect(client.receivedBytes).toBeGreaterThan(size);
  });

  test("requests that are sent ahead wait with the client", async () => {
    using backend = new Backend(() => {});
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/first"));
    await waitFor("the request", () => backend.received !== "");
    client.send(Buffer.from(get("/ahead").repeat(600_000), "latin1"));
    expect(await steady(() => client.unsent)).toBeGreaterThan(MiB);
    client.reset();
  });
});

describe("early answers", () => {
  test("are given, and the connection ends after them", async () => {
    using backend = new Backend((peer) => {
      if (peer.received.endsWith("ab")) peer.send(ok);
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
    expect(await client.untilEnd()).toBe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection: close\r\n\r\nok");
    await waitFor("the endpoint's connection to end", () => backend.connections[0]?.isClosed === true);
  });

  test("a long refusal reaches a client that is still sending", async () => {
    await using bench = new Bench({
      routes: [{ match: { prefix: "/" }, direct_response: { status: 403, body: { inline_string: "n".repeat(4000) } } }],
      clusters: {},
    });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    client.send(Buffer.alloc(500_000));
    expect(await client.untilEnd()).toEndWith("n".repeat(4000));
  });
});

describe("tunnels", () => {
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const manager = { upgrade_configs: [{ upgrade_type: "websocket" }] };

  test("an upgrade: bytes both ways, and either side may end first", async () => {
    using backend = new Backend((peer) => {
      if (peer.received.endsWith("\r\n\r\n"))
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
      else peer.send("echo");
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
    const client = await bench.client();
    client.send(get("/", upgrade));
    expect(await client.until("hello")).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello",
    );
    expect(backend.received).toBe(get("/", upgrade));
    client.send("GET / not http\r\n");
    await client.until("echo");
    client.end();
    await waitFor("the endpoint to hear of it", () => backend.connections[0]?.hasEnded === true);
    backend.connections[0]?.send("last words");
    await client.until("last words");
    backend.connections[0]?.close();
    await waitFor("the client's end", () => client.isClosed || client.hasEnded);
    await waitFor("the connection to be forgotten", () => bench.relay.connections === 0);
  });

  test("an upgrade that isn't granted is a response like any other", async () => {
    using backend = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
    const client = await bench.client();
    client.send(get("/", upgrade));
    await client.until(ok);
    client.send(get("/next"));
    expect(await client.until(ok + ok)).toBe(ok + ok);
  });

  test("an upgrade that isn't enabled: 403", async () => {
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] } });
    expect(await bench.ask(get("/", upgrade), "\r\n\r\n")).toStartWith("HTTP/1.1 403 Forbidden\r\n");
  });

  test("bytes that aren't HTTP go where the plain chain says", async () => {
    using backend = new Backend((peer) => peer.send(peer.received.toUpperCase()));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [], t: [backend.port] }, plain: "t" });
    const client = await bench.client();
    client.send("\x16\x03\x01hello");
    expect(await client.until("HELLO")).toBe("\x16\x03\x01HELLO");
    client.end();
    await waitFor("the endpoint to hear of it", () => backend.connections[0]?.hasEnded === true);
    backend.connections[0]?.close();
    await waitFor("the connection to be forgotten", () => bench.relay.connections === 0);
    expect(bench.relay.stats().clusters["t"]).toMatchObject({ connections: 1, activeConnections: 0 });
  });

  test("without a plain chain they are closed and counted", async () => {
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] } });
    const client = await bench.client();
    client.send("\x16\x03\x01hello");
    expect(await client.untilEnd()).toBe("");
    expect(bench.relay.stats().refused).toEqual({ "not HTTP/1": 1 });
  });
});

describe("a new configuration", () => {
  test("is in effect for the next request of a connection", async () => {
    using a = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    using b = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
    await using bench = new Bench({ routes: toCluster("a"), clusters: { a: [a.port] } });
    const client = await bench.client();
    client.send(get("/"));
    await client.until("a");
    bench.relay.apply(bench.mesh({ routes: toCluster("b"), clusters: { b: [b.port] } }));
    client.send(get("/"));
    expect(await client.until("b")).toEndWith("\r\n\r\nb");
    await waitFor(
      "the old cluster's connection to end",
      () => a.connections[0]?.hasEnded === true || a.connections[0]?.isClosed === true,
    );
  });

  test("a request that is under way isn't disturbed", async () => {
    using a = new Backend(() => {});
    using b = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [a.port] } });
    const client = await bench.client();
    client.send(get("/"));
    await waitFor("the request", () => a.received !== "");
    bench.relay.apply(bench.mesh({ routes: toCluster("c"), clusters: { c: [b.port] } }));
    a.connections[0]?.send(ok);
    await client.until(ok);
    client.send(get("/"));
    await client.until(ok + ok);
    expect(b.received).toBe(get("/"));
  });

  test("without the chain: connections end, at once or after their request", async () => {
    using backend = new Backend(() => {});
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const idle = await bench.client();
    idle.send(get("/404", ""));
    const busy = await bench.client();
    busy.send(get("/"));
    await waitFor(
      "both requests",
      () => backend.connections.length === 2 && backend.connections.every(({ received }) => received !== ""),
    );
    backend.connections[0]?.send(ok);
    await idle.until(ok);
    bench.relay.apply({ listeners: [], clusters: [] });
    expect(await idle.untilEnd()).toBe(ok);
    backend.connections[1]?.send(ok);
    expect(await busy.untilEnd()).toBe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection: close\r\n\r\nok");
  });

  test("draining: the same for all connections", async () => {
    using backend = new Backend(() => {});
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const idle = await bench.client();
    const busy = await bench.client();
    busy.send(get("/"));
    await waitFor("the request", () => backend.received !== "");
    const drained = bench.relay.drain();
    expect(await idle.untilEnd()).toBe("");
    backend.connections[0]?.send(ok);
    expect(await busy.untilEnd()).toContain("connection: close\r\n");
    busy.close();
    await drained;
  });
});

describe("beside the way", () => {
  test("a mirror gets the same request, with its own host", async () => {
    using backend = new Backend(answering(() => ok));
    using mirror = new Backend(answering(() => ok));
    const route = { request_mirror_policies: [{ cluster: "m" }] };
    await using bench = new Bench({ routes: toCluster("c", route), clusters: { c: [backend.port], m: [mirror.port] } });
    expect(await bench.ask(post("/p", "body"), "ok")).toBe(ok);
    await waitFor("the mirrored request", () => mirror.received.endsWith("body"));
    expect(mirror.received).toBe(post("/p", "body").replace("a.example", "a.example-shadow"));
    expect(bench.relay.stats().clusters["m"]).toMatchObject({ mirrored: 1 });
  });

  test("a redirect that is followed here", async () => {
    using backend = new Backend(
      answering((_, head) =>
        head.startsWith("GET /to")
          ? ok
          : "HTTP/1.1 302 Found\r\nLocation: http://b.example/to\r\nContent-Length: 0\r\n\r\n",
      ),
    );
    const route = { internal_redirect_policy: {} };
    await using bench = new Bench({ routes: toCluster("c", route), clusters: { c: [backend.port] } });
    expect(await bench.ask(get("/from"), "ok")).toBe(ok);
    expect(backend.received).toContain("GET /to HTTP/1.1\r\nHost: b.example\r\n");
  });

  test("results are reported where outlier detection asks for them", async () => {
    using backend = new Backend(
      answering((count) => (count === 0 ? ok : "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")),
    );
    const c = { ports: [backend.port], outlier_detection: { consecutive_5xx: 2 } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
    await bench.ask(get("/"), "ok");
    await bench.ask(get("/"), "\r\n\r\n");
    await waitFor("the results", () => bench.relay.results.length === 2);
    expect(bench.relay.results.map(({ result }) => result)).toEqual([200, 500]);
  });

  test("a fault delays and aborts", async () => {
    const fault = {
      name: "fault",
      ...typed("filters.http.fault.v3.HTTPFault", {
        delay: { fixed_delay: "0.03s", percentage: { numerator: 100 } },
        abort: { http_status: 418, percentage: { numerator: 100 } },
      }),
    };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] }, filters: [fault] });
    expect(await bench.ask(get("/"), "abort")).toEndWith("\r\n\r\nfault filter abort");
  });

  test("a buffer takes the whole request first, or refuses it", async () => {
    using backend = new Backend(answering(() => ok));
    const buffer = { name: "buffer", ...typed("filters.http.buffer.v3.Buffer", { max_request_bytes: 10 }) };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, filters: [buffer] });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    await steady(() => backend.connections.length);
    expect(backend.connections).toHaveLength(0);
    client.send("def");
    await client.until(ok);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nghi\r\n");
    client.send("00\r\n\r\n");
    await client.until(ok + ok);
    expect(backend.received).toEndWith("Host: a\r\ncontent-length: 3\r\n\r\nghi");
    expect(await bench.ask(post("/", "x".repeat(11)), "Large")).toStartWith("HTTP/1.1 413 Payload Too Large\r\n");
  });
});

/** What a number comes to rest at. */
async function steady(read: () => number): Promise<number> {
  let last = Number.NaN;
  let same = 0;
  await waitFor("nothing to move any more", () => {
    const now = read();
    same = now === last ? same + 1 : 0;
    last = now;
    return same > 10;
  });
  return last;
}
