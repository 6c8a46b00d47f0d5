// What clients get when something goes wrong behind the relay, or they do something wrong themselves.
import { describe, expect, test } from "bun:test";
import { freePorts } from "../../test/support/process.ts";
import { waitFor } from "../../test/support/wait.ts";
import { answering, Backend, Bench, get, ok, type Peer, post, toCluster } from "./relay.fixture.ts";

const reset = "upstream connect error or disconnect/reset before headers. ";

function reply(status: string, body: string, extra = ""): string {
  const type = body === "" ? "" : "content-type: text/plain\r\n";
  return `HTTP/1.1 ${status}\r\n${type}content-length: ${body.length}\r\n${extra}\r\n${body}`;
}

describe("no answer", () => {
  const [closedPort = 0] = freePorts(1);
  const closes = (peer: Peer): void => peer.end();
  const resets = (peer: Peer): void => peer.reset();
  test.each<
    [
      what: string,
      onData: (peer: Peer) => void,
      clusters: (port: number) => Record<string, readonly number[] | object>,
      expected: string,
    ]
  >([
    [
      "refused",
      closes,
      () => ({ c: [closedPort] }),
      reply("503 Service Unavailable", `${reset}reset reason: remote connection failure`),
    ],
    [
      "closed",
      closes,
      (port) => ({ c: [port] }),
      reply("503 Service Unavailable", `${reset}reset reason: connection termination`),
    ],
    [
      "reset",
      resets,
      (port) => ({ c: [port] }),
      reply("503 Service Unavailable", `${reset}reset reason: connection termination`),
    ],
    ["no endpoint", closes, () => ({ c: [] }), reply("503 Service Unavailable", "no healthy upstream")],
    ["no cluster", closes, () => ({ d: [] }), reply("503 Service Unavailable", "")],
  ])("%s", async (_, onData, clusters, expected) => {
    using backend = new Backend(onData);
    // A mesh file whose cluster isn't there is refused; one that has gone since isn't.
    const known = clusters(backend.port) as Record<string, readonly number[]>;
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [], ...known } });
    if (known["c"] === undefined) {
      const mesh = bench.mesh({ routes: toCluster("c"), clusters: { c: [] } });
      bench.relay.apply({ ...mesh, clusters: [] });
    }
    const client = await bench.client();
    client.send(get("/"));
    expect(await client.until(expected)).toBe(expected);
    client.send(get("/"));
    expect(await client.until(expected + expected)).toBe(expected + expected);
  });

  test("no route", async () => {
    await using bench = new Bench({
      routes: [{ match: { prefix: "/a" }, route: { cluster: "c" } }],
      clusters: { c: [] },
    });
    expect(await bench.ask(get("/b"), "\r\n\r\n")).toBe(reply("404 Not Found", ""));
  });
});

describe("malformed responses", () => {
  test.each([
    ["garbage", "nonsense\r\n\r\n"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    ["a switch nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
    ["a head without end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(200_000)}`],
  ])("%s: 502, and the connection isn't used again", async (_, response) => {
    using backend = new Backend(answering(() => response));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const expected = reply("502 Bad Gateway", `${reset}reset reason: protocol error`);
    const client = await bench.client();
    client.send(get("/"));
    expect(await client.until(expected)).toBe(expected);
    client.send(get("/"));
    await client.until(expected + expected);
    expect(backend.connections).toHaveLength(2);
  });

  test("bytes behind a response aren't the next answer", async () => {
    using backend = new Backend(
      answering((count) => (count === 0 ? `${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : ok)),
    );
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/a"));
    await client.until(ok);
    client.send(get("/b"));
    expect(await client.until(ok + ok)).toBe(ok + ok);
    expect(backend.connections).toHaveLength(2);
  });

  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
  const length = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort";
  test.each<[what: string, response: string, end: (peer: Peer) => void, received: string]>([
    ["a short body", length, (peer) => peer.end(), length],
    ["a body that is reset", length, (peer) => peer.reset(), length],
    ["a bad chunk", chunked, (peer) => peer.send("zz\r\n"), chunked],
    [
      "a body until the end that is reset",
      "HTTP/1.1 200 OK\r\n\r\nabc",
      (peer) => peer.reset(),
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
  ])("%s: the client sees that the response isn't whole", async (_, response, end, received) => {
    using backend = new Backend((peer) => peer.send(response));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/"));
    await client.until(received);
    const [peer] = backend.connections;
    if (peer !== undefined) end(peer);
    await client.untilEnd();
    expect(client.received).toBe(received);
  });

  test("HTTP/1.0 clients take the end for the body's: theirs is a reset where it isn't", async () => {
    using backend = new Backend((peer) => peer.send("HTTP/1.1 200 OK\r\n\r\nabc"));
    const manager = { http_protocol_options: { accept_http_10: true } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
    const client = await bench.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    await client.until("abc");
    backend.connections[0]?.reset();
    await client.untilEnd();
    expect(client.hasEnded).toBe(false);
  });
});

describe("malformed requests", () => {
  test.each([
    ["a field without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "400 Bad Request", "Bad Request"],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "400 Bad Request",
      "Bad Request",
    ],
    ["a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 Bad Request", "Bad Request"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "426 Upgrade Required", "Upgrade Required"],
    [
      "an unknown coding",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
      "501 Not Implemented",
      "Not Implemented",
    ],
    [
      "a head that is too large",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(70_000)}`,
      "431 Request Header Fields Too Large",
      "Request Header Fields Too Large",
    ],
    [
      "a bad chunk",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "400 Bad Request",
      "Bad Request",
    ],
  ])("%s: answered, closed and counted", async (_, request, status, body) => {
    using backend = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(request);
    const text = await client.untilEnd();
    expect(text).toStartWith(`HTTP/1.1 ${status}\r\n`);
    expect(text).toEndWith(`\r\n\r\n${body}`);
    expect(text).toContain("connection: close\r\n");
    expect(Object.values(bench.relay.stats().refused)).toEqual([1]);
    expect(backend.received).toBe("");
  });

  test("a chunk that turns bad later ends the request at the endpoint, too", async () => {
    using backend = new Backend(() => {});
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await waitFor("the request's beginning", () => backend.received.endsWith("1\r\na\r\n"));
    client.send("zz\r\n");
    expect(await client.untilEnd()).toStartWith("HTTP/1.1 400 ");
    await waitFor("the endpoint's connection to end", () => backend.connections[0]?.isClosed === true);
  });
});

describe("timeouts", () => {
  const silent = (): void => {};
  test.each<[string, object, object, string, string]>([
    ["route", { timeout: "0.05s" }, {}, get("/"), reply("504 Gateway Timeout", "upstream request timeout")],
    ["idle", { timeout: "0s", idle_timeout: "0.05s" }, {}, get("/"), reply("504 Gateway Timeout", "stream timeout")],
    [
      "idle of all routes",
      { timeout: "0s" },
      { stream_idle_timeout: "0.05s" },
      get("/"),
      reply("504 Gateway Timeout", "stream timeout"),
    ],
    [
      "stream",
      { timeout: "0s", max_stream_duration: { max_stream_duration: "0.05s" } },
      {},
      get("/"),
      reply("504 Gateway Timeout", "downstream duration timeout"),
    ],
    [
      "stream, by the client's grpc-timeout",
      { timeout: "0s", max_stream_duration: { max_stream_duration: "60s", grpc_timeout_header_max: "30s" } },
      {},
      get("/", "grpc-timeout: 50m\r\n"),
      reply("504 Gateway Timeout", "downstream duration timeout"),
    ],
    [
      "request",
      {},
      { request_timeout: "0.05s" },
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
      reply("408 Request Timeout", "request timeout", "connection: close\r\n"),
    ],
  ])("%s", async (_, route, manager, request, expected) => {
    using backend = new Backend(silent);
    await using bench = new Bench({
      routes: toCluster("c", route as never),
      clusters: { c: [backend.port] },
      manager: manager as never,
    });
    expect(await bench.ask(request, expected)).toBe(expected);
    await waitFor("the endpoint's connection to end", () => backend.connections[0]?.isClosed === true);
  });

  test("a head that doesn't come whole", async () => {
    await using bench = new Bench({
      routes: toCluster("c"),
      clusters: { c: [] },
      manager: { request_headers_timeout: "0.05s" },
    });
    const client = await bench.client();
    client.send("GET / HTTP/1.1\r\nHo");
    expect(await client.untilEnd()).toStartWith("HTTP/1.1 408 Request Timeout\r\n");
  });

  test("a connection without requests", async () => {
    const manager = { common_http_protocol_options: { idle_timeout: "0.05s" } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] }, manager });
    const client = await bench.client();
    expect(await client.untilEnd()).toBe("");
  });

  test("per try, then retried", async () => {
    using backend = new Backend(answering((count) => (count === 0 ? "" : ok)));
    const retry_policy = { retry_on: "5xx", num_retries: 1, per_try_timeout: "0.05s" };
    await using bench = new Bench({ routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] } });
    expect(await bench.ask(get("/"), "ok")).toBe(ok);
    expect(bench.relay.stats().clusters["c"]).toMatchObject({ perTryTimeouts: 1, retries: 1, retrySuccesses: 1 });
  });

  describe("nothing of a try's response for long", () => {
    const retry_policy = { retry_on: "5xx", num_retries: 1, per_try_idle_timeout: "0.05s" };

    test("another try, then 504", async () => {
      using backend = new Backend(answering((count) => (count === 1 ? ok : "")));
      await using bench = new Bench({ routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] } });
      expect(await bench.ask(get("/"), "ok")).toBe(ok);
      expect(bench.relay.stats().clusters["c"]).toMatchObject({ perTryTimeouts: 1, retries: 1, retrySuccesses: 1 });
      const expected = reply("504 Gateway Timeout", "upstream request timeout");
      expect(await bench.ask(get("/"), expected)).toBe(expected);
      expect(bench.relay.stats().clusters["c"]).toMatchObject({ perTryTimeouts: 3, activeRequests: 0 });
    });

    test("after it has begun: it is broken off, and not tried again", async () => {
      const begun = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab";
      using backend = new Backend(answering(() => begun));
      await using bench = new Bench({ routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] } });
      const client = await bench.client();
      client.send(get("/"));
      expect(await client.untilEnd()).toBe(begun);
      expect(bench.relay.stats().clusters["c"]).toMatchObject({ perTryTimeouts: 1, retries: 0, requests: 1 });
    });

    test("is no matter once the whole try's time has passed and it has begun, as in Envoy", async () => {
      using backend = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"));
      const route = { retry_policy: { ...retry_policy, per_try_timeout: "0.02s" }, timeout: "0.15s" };
      await using bench = new Bench({ routes: toCluster("c", route), clusters: { c: [backend.port] } });
      const client = await bench.client();
      client.send(get("/"));
      await client.untilEnd();
      expect(bench.relay.stats().clusters["c"]).toMatchObject({ perTryTimeouts: 0, timeouts: 1 });
    });

    test("is no matter once it has ended, or is a tunnel", async () => {
      const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
      using backend = new Backend(
        answering((_, head) => (head.includes("/silent") ? "" : head.includes("/tunnel") ? switched : ok)),
      );
      const manager = { upgrade_configs: [{ upgrade_type: "websocket" }] };
      const text = { routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] }, manager };
      await using bench = new Bench(text);
      const [answered, tunnel] = [await bench.client(), await bench.client()];
      answered.send(get("/"));
      await answered.until(ok);
      tunnel.send(get("/tunnel", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
      await tunnel.until(switched);
      // Begins after both: when it is given up, their time would have come, too.
      await bench.ask(get("/silent"), "timeout");
      expect([answered.received, tunnel.received]).toEqual([ok, switched]);
      expect([answered, tunnel].some(({ hasEnded, isClosed }) => hasEnded || isClosed)).toBe(false);
    });
  });
});

describe("retries", () => {
  const unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno";

  test.each([
    ["a status, with the body again", { retry_on: "5xx", num_retries: 2 }, 2, ok, 3],
    ["no more than configured", { retry_on: "5xx", num_retries: 1 }, 5, unavailable, 2],
    ["not what isn't named", { retry_on: "connect-failure", num_retries: 2 }, 1, unavailable, 1],
  ])("%s", async (_, retry_policy, failures, expected, attempts) => {
    let bodies = 0;
    using backend = new Backend((peer) => {
      if (peer.received.split("body!").length - 1 === 0) return;
      peer.received = "";
      peer.send(bodies++ < failures ? unavailable : ok);
    });
    await using bench = new Bench({ routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] } });
    expect(await bench.ask(post("/", "body!"), expected)).toBe(expected);
    expect(bodies).toBe(attempts);
  });

  test("a body that is too long to be kept is sent once", async () => {
    using backend = new Backend((peer) => {
      if (peer.received.endsWith("x".repeat(101))) peer.send(unavailable);
    });
    const retry_policy = { retry_on: "5xx", num_retries: 2 };
    const virtualHost = { per_request_buffer_limit_bytes: 100 };
    const text = { routes: toCluster("c", { retry_policy }), clusters: { c: [backend.port] }, virtualHost };
    await using bench = new Bench(text);
    expect(await bench.ask(post("/", "x".repeat(101)), "no")).toBe(unavailable);
    expect(backend.received.split("POST")).toHaveLength(2);
  });

  test("the circuit breaker's limit of retries", async () => {
    using backend = new Backend(answering(() => unavailable));
    const c = { ports: [backend.port], circuit_breakers: { thresholds: [{ max_retries: 0 }] } };
    const retry_policy = { retry_on: "5xx", num_retries: 2 };
    await using bench = new Bench({ routes: toCluster("c", { retry_policy }), clusters: { c } });
    expect(await bench.ask(get("/"), "no")).toBe(unavailable);
    expect(bench.relay.stats().clusters["c"]).toMatchObject({ retries: 0, retryOverflows: 1, requests: 1 });
  });

  test("a kept connection that ends as it is used again: once more on a new one, if that is safe", async () => {
    for (const [request, expected] of [
      [get("/"), ok],
      [post("/", "x"), reply("503 Service Unavailable", `${reset}reset reason: connection termination`)],
    ] as const) {
      using backend = new Backend((peer, { connections }) => {
        const isFirst = peer === connections[0];
        const count = peer.received.split("HTTP/1.1").length - 1;
        if (isFirst && count === 2) peer.end();
        else peer.send(ok);
      });
      await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
      const client = await bench.client();
      client.send(get("/"));
      await client.until(ok);
      client.send(request);
      expect(await client.until(ok + expected)).toBe(ok + expected);
    }
  });
});

describe("circuit breakers", () => {
  const overflow = reply("503 Service Unavailable", `${reset}reset reason: overflow`);

  test("requests", async () => {
    using backend = new Backend(() => {});
    const c = { ports: [backend.port], circuit_breakers: { thresholds: [{ max_requests: 1 }] } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
    const first = await bench.client();
    first.send(get("/"));
    await waitFor("the request", () => backend.received !== "");
    expect(await bench.ask(get("/"), "overflow")).toBe(overflow);
    backend.connections[0]?.send(ok);
    await first.until(ok);
  });

  test("connections: others wait, and as many as may", async () => {
    using backend = new Backend(() => {});
    const thresholds = [{ max_connections: 1, max_pending_requests: 1 }];
    const c = { ports: [backend.port], circuit_breakers: { thresholds } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
    const first = await bench.client();
    first.send(get("/1"));
    await waitFor("the request", () => backend.received !== "");
    const second = await bench.client();
    second.send(get("/2"));
    await waitFor("the second request to wait", () => bench.relay.stats().clusters["c"]?.overflows === 1);
    expect(await bench.ask(get("/3"), "overflow")).toBe(overflow);
    backend.connections[0]?.send(ok);
    await first.until(ok);
    await waitFor("the second request", () => backend.received.includes("/2"));
    backend.connections[0]?.send(ok);
    expect(await second.until(ok)).toBe(ok);
    expect(backend.connections).toHaveLength(1);
  });

  test("nothing is counted any more when all has ended", async () => {
    using backend = new Backend(() => {});
    const c = { ports: [backend.port], circuit_breakers: { thresholds: [{ max_requests: 1 }] } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
    for (let i = 0; i < 3; i++) {
      const client = await bench.client();
      client.send(get(`/${i}`));
      await waitFor("the request", () => backend.received.includes(`/${i}`));
      client.reset();
      await waitFor("the endpoint's connection to end", () => backend.connections[i]?.isClosed === true);
    }
    expect(bench.relay.stats().clusters["c"]).toMatchObject({
      requests: 3,
      activeRequests: 0,
      activeConnections: 0,
      overflows: 0,
    });
    expect(bench.relay.stats().listeners["l"]).toMatchObject({ requests: 3, activeRequests: 0, activeConnections: 0 });
  });
});
