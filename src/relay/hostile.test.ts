// Clients and endpoints that want to harm: what they may cost, and what must never be mixed up.
import { describe, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { answering, Backend, Bench, get, ok, toCluster } from "./relay.fixture.ts";

const MiB = 1024 * 1024;

function memory(): number {
  Bun.gc(true);
  return process.memoryUsage().rss;
}

describe("memory", () => {
  test("empty lines without end aren't kept", async () => {
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] } });
    const client = await bench.client();
    client.send("\r\n".repeat(MiB));
    await client.untilEnd();
    expect(client.received).toStartWith("HTTP/1.1 431 ");
  });

  test("framing of chunks counts as what is kept of a body", async () => {
    using backend = new Backend((peer) => {
      peer.keepsData = false;
    });
    const retry = { retry_policy: { retry_on: "5xx", num_retries: 1 } };
    await using bench = new Bench({ routes: toCluster("c", retry), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = Buffer.from(`1;${"x".repeat(4000)}\r\na\r\n`);
    const part = Buffer.concat(Array.from({ length: 256 }, () => chunk));
    const before = memory();
    for (let sent = 0; sent < 96 * MiB; sent += part.length) {
      client.send(part);
      await waitFor("the part to be taken", () => client.unsent === 0);
    }
    expect(memory() - before).toBeLessThan(48 * MiB);
  });

  test("framing of chunks counts as what a buffer takes", async () => {
    const typed = { "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer" };
    const filters = [{ name: "buffer", typed_config: { ...typed, max_request_bytes: 1024 } }];
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] }, filters });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(`1;${"x".repeat(4000)}\r\na\r\n`.repeat(200));
    await client.untilEnd();
    expect(client.received).toStartWith("HTTP/1.1 413 ");
  });
});

test("a long field that comes in pieces", async () => {
  using backend = new Backend(answering(() => ok));
  const manager = { max_request_headers_kb: 512 };
  await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
  const client = await bench.client();
  const field = "x".repeat(200_000);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  for (let at = 0; at < field.length; at += 20_000) {
    client.send(field.slice(at, at + 20_000));
    await Bun.sleep(2);
  }
  client.send("\r\n\r\n");
  expect(await client.until("ok")).toBe(ok);
});

test("a response whose head trickles in, interim ones before it", async () => {
  const text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok";
  using backend = new Backend((peer) => {
    void (async () => {
      for (const character of text) {
        peer.send(character);
        await Bun.sleep(0);
      }
    })();
  });
  await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
  const client = await bench.client();
  client.send(get("/"));
  await waitFor("the answer", () => client.received.endsWith("ok"));
  expect(client.received).toBe("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok");
});

test("connections that are reset at once are no errors of ours", async () => {
  await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [] } });
  for (let i = 0; i < 200; i++) (await bench.client()).reset();
  const client = await bench.client();
  client.send(get("/"));
  await client.until("no healthy upstream");
  expect(bench.relay.stats().refused["internal error"]).toBeUndefined();
});

test("a mirror gets nothing of a request that has no endpoint", async () => {
  using mirror = new Backend(answering(() => ok));
  const mirrors = { request_mirror_policies: [{ cluster: "m" }] };
  await using bench = new Bench({ routes: toCluster("c", mirrors), clusters: { c: [], m: [mirror.port] } });
  const client = await bench.client();
  client.send(get("/"));
  await client.until("no healthy upstream");
  expect(bench.relay.stats().clusters["m"]).toMatchObject({ mirrored: 0, requests: 0 });
});

test("HTTP/1.0: a body that ends with its connection ends it, even where the client wants to stay", async () => {
  using backend = new Backend((peer) => {
    peer.send("HTTP/1.1 200 OK\r\n\r\nabc");
    peer.end();
  });
  const manager = { http_protocol_options: { accept_http_10: true } };
  await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
  const client = await bench.client();
  client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  expect(await client.untilEnd()).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
});

test("a tunnel that both sides end: a slow client gets all", async () => {
  // What the kernel takes of it while nobody reads.
  const size = 2 * MiB;
  using backend = new Backend((peer) => {
    if (peer.receivedBytes > 4) return;
    peer.send(Buffer.alloc(size, "x"));
    peer.end();
  });
  await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, plain: "c" });
  const client = await bench.client();
  client.keepsData = false;
  client.stopReading();
  client.send("\x16\x03\x01\n");
  await waitFor("the answer", () => backend.connections[0]?.unsent === 0);
  client.end();
  await waitFor("the client's end", () => backend.connections[0]?.hasEnded || backend.connections[0]?.isClosed);
  client.readOn();
  await waitFor("the end", () => client.hasEnded || client.isClosed);
  expect(client.receivedBytes).toBe(size);
});
