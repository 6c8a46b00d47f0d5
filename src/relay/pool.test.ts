// Connections to endpoints: which are used again, and when they end.
import { describe, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { answering, Backend, Bench, get, ok, toCluster, typed } from "./relay.fixture.ts";

const protocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

function http(fields: object): object {
  const options = {
    "@type": `type.googleapis.com/${protocolOptions}`,
    explicit_http_config: { http_protocol_options: {} },
  };
  return {
    typed_extension_protocol_options: { [protocolOptions]: { ...options, common_http_protocol_options: fields } },
  };
}

describe("connections to endpoints", () => {
  test("are shared by clients, the latest first", async () => {
    using backend = new Backend(answering((count) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${count}`));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    for (let i = 0; i < 5; i++) await bench.ask(get("/"), String(i));
    expect(backend.connections).toHaveLength(1);
  });

  test("end after max_requests_per_connection, and nothing is left counted", async () => {
    using backend = new Backend(answering(() => ok));
    const c = { ports: [backend.port], ...http({ max_requests_per_connection: 2 }) };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
    const client = await bench.client();
    for (let i = 1; i <= 5; i++) {
      client.send(get("/"));
      await client.until(ok.repeat(i));
    }
    expect(backend.connections).toHaveLength(3);
    expect(bench.relay.stats().clusters["c"]).toMatchObject({
      connections: 3,
      activeConnections: 1,
      activeRequests: 0,
      requests: 5,
    });
  });

  test("end when they were idle for long, or have grown old", async () => {
    for (const limit of [{ idle_timeout: "0.05s" }, { max_connection_duration: "0.05s" }]) {
      using backend = new Backend(answering(() => ok));
      const c = { ports: [backend.port], ...http(limit) };
      await using bench = new Bench({ routes: toCluster("c"), clusters: { c } });
      await bench.ask(get("/"), "ok");
      await waitFor("the connection's end", () => backend.connections[0]?.isClosed === true);
      expect(bench.relay.stats().clusters["c"]).toMatchObject({ activeConnections: 0 });
    }
  });

  test.each([
    ["Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 2],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2],
    ["HTTP/1.0 that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 1],
  ])("after a response with %s", async (_, response, connections) => {
    using backend = new Backend(answering(() => response));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    for (let i = 1; i <= 2; i++) {
      client.send(get("/"));
      await client.until(ok.repeat(i));
    }
    expect(backend.connections).toHaveLength(connections);
  });

  test("one that speaks unasked is closed", async () => {
    using backend = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/"));
    await client.until(ok);
    backend.connections[0]?.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await waitFor("the connection's end", () => backend.connections[0]?.isClosed === true);
    client.send(get("/"));
    expect(await client.until(ok + ok)).toBe(ok + ok);
  });
});

describe("endpoints", () => {
  test("take turns, request by request", async () => {
    using a = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    using b = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [a.port, b.port] } });
    const client = await bench.client();
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) {
      client.received = "";
      client.send(get("/"));
      await waitFor("an answer", () => /\r\n\r\n[ab]$/.test(client.received));
      answers.push(client.received.slice(-1));
    }
    expect(["ababab", "bababa"]).toContain(answers.join(""));
  });

  test("a hash chooses the same one again", async () => {
    using a = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    using b = new Backend(answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
    const c = { ports: [a.port, b.port], lb_policy: "RING_HASH" };
    const route = { hash_policy: [{ header: { header_name: "x-user" } }] };
    await using bench = new Bench({ routes: toCluster("c", route), clusters: { c } });
    const places = new Map<string, Set<string>>();
    for (let i = 0; i < 60; i++) {
      const user = `u${i % 20}`;
      const client = await bench.client();
      client.send(get("/", `X-User: ${user}\r\n`));
      await waitFor("an answer", () => /\r\n\r\n[ab]$/.test(client.received));
      places.set(user, (places.get(user) ?? new Set()).add(client.received.slice(-1)));
    }
    expect([...places.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...places.values()].flatMap((each) => [...each]))).toEqual(new Set(["a", "b"]));
  });

  test("local rate limits are enforced over all connections", async () => {
    using backend = new Backend(answering(() => ok));
    const limit = {
      name: "limit",
      ...typed("filters.http.local_ratelimit.v3.LocalRateLimit", {
        stat_prefix: "l",
        token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: "3600s" },
        filter_enabled: { default_value: { numerator: 100 } },
        filter_enforced: { default_value: { numerator: 100 } },
      }),
    };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, filters: [limit] });
    expect(await bench.ask(get("/"), "ok")).toBe(ok);
    expect(await bench.ask(get("/"), "ok")).toBe(ok);
    expect(await bench.ask(get("/"), "limited")).toStartWith("HTTP/1.1 429 Too Many Requests\r\n");
  });
});
