import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { answering, Backend, Bench, get, ok, post, toCluster } from "./relay.fixture.ts";

describe("messages", () => {
  test("pass as the bytes that they are", async () => {
    const response =
      'HTTP/1.1 200 All Right\r\nX-MiXed: a\r\nset-cookie: a=1\r\nx-mixed: b\r\nSet-Cookie: b="2"\r\nContent-Length: 5\r\n\r\nhello';
    using backend = new Backend(answering(() => response));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const request =
      "GET /p?q=1 HTTP/1.1\r\nhOsT: A.example\r\nX-Odd:  two  blanks \r\nX-odd: again\r\nACCEPT: */*\r\n\r\n";
    expect(await bench.ask(request, "hello")).toBe(response);
    expect(backend.received).toBe(request);
  });

  test.each([
    ["a length", post("/", "hello")],
    [
      "chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    ],
  ])("bodies with %s, however they are cut", async (_, request) => {
    for (const size of [1, 7, 1000]) {
      using backend = new Backend((peer) => {
        if (peer.received === request) peer.send(ok);
      });
      await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
      const client = await bench.client();
      for (let at = 0; at < request.length; at += size) {
        client.send(request.slice(at, at + size));
        await Bun.sleep(0);
      }
      expect(await client.until("ok")).toBe(ok);
      expect(backend.received).toBe(request);
    }
  });

  test("fields of one hop don't pass, others do", async () => {
    using backend = new Backend(
      answering(
        () =>
          "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Gone\r\nKeep-Alive: timeout=5\r\nX-Gone: 1\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok",
      ),
    );
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const fields = "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nTE: trailers\r\nProxy-Connection: x\r\nX-Kept: 1\r\n";
    expect(await bench.ask(get("/", fields), "ok")).toBe("HTTP/1.1 200 OK\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok");
    expect(backend.received).toBe(get("/", "TE: trailers\r\nX-Kept: 1\r\n"));
  });

  test("requests sent ahead are answered in order, each by what its route says", async () => {
    using backend = new Backend(answering((count) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${count}`));
    const routes = [
      { match: { prefix: "/direct" }, direct_response: { status: 200, body: { inline_string: "d" } } },
      ...toCluster("c"),
    ];
    await using bench = new Bench({ routes, clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/a") + post("/b", "body") + get("/direct") + get("/none") + get("/last"));
    const text = await client.until("3");
    expect(
      text
        .split(/HTTP\/1\.1 /)
        .slice(1)
        .map((answer) => answer.slice(0, 3) + answer.at(-1)),
    ).toEqual(["2000", "2001", "200d", "2002", "2003"]);
    expect(backend.connections).toHaveLength(1);
  });

  test("a response that ends with its connection is chunked for a client that stays", async () => {
    using backend = new Backend((peer) => {
      peer.send("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil close");
      peer.end();
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/"));
    const answer = "HTTP/1.1 200 OK\r\nX-A: 1\r\ntransfer-encoding: chunked\r\n\r\nb\r\nuntil close\r\n0\r\n\r\n";
    expect(await client.until("0\r\n\r\n")).toBe(answer);
    client.send(get("/"));
    expect(await client.until(answer + answer)).toBe(answer + answer);
  });

  test("HTTP/1.0 where it is accepted: chunks are taken away, and the connection ends unless it asks to stay", async () => {
    using backend = new Backend(
      answering(() => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    );
    const manager = { http_protocol_options: { accept_http_10: true } };
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] }, manager });
    const client = await bench.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    expect(await client.untilEnd()).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde");
    expect(backend.received).toBe("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HEAD"],
    ["204", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", "GET"],
    ["304", 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 10\r\n\r\n', "GET"],
  ])("a response without a body: %s", async (_, response, method) => {
    using backend = new Backend(answering(() => response));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    const request = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.send(request);
    await client.until("\r\n\r\n");
    client.send(request);
    expect(await client.until(response + response)).toBe(response + response);
    expect(backend.connections).toHaveLength(1);
  });

  test("interim responses stay here", async () => {
    using backend = new Backend(
      answering(() => `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${ok}`),
    );
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    expect(await bench.ask(get("/"), "ok")).toBe(ok);
  });

  test("Expect: 100-continue is answered here, once there is somebody to send the body to", async () => {
    using backend = new Backend((peer) => {
      if (peer.received.endsWith("hello")) peer.send(ok);
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    expect(await client.until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    await client.until(ok);
    expect(backend.received).toBe("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  });

  test("absolute-form: the target's host counts", async () => {
    using backend = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    await bench.ask("GET http://b.example/x?y HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\n\r\n", "ok");
    expect(backend.received).toBe("GET /x?y HTTP/1.1\r\nHost: b.example\r\nX-A: 1\r\n\r\n");
  });

  test("a client that has said all it will say still gets its answer", async () => {
    using backend = new Backend(answering(() => ok));
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    client.send(get("/"));
    client.end();
    expect(await client.untilEnd()).toBe(ok);
  });

  test("how a stream of requests is cut doesn't change a byte of any answer", async () => {
    const chunked = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
    const requests = [get("/a"), post("/b", "12345"), get("/d", "X: y\r\n"), chunked];
    const answer = (request: number): string => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${request}`;
    using backend = new Backend((peer) => {
      const request = requests.indexOf(peer.received);
      if (request < 0) return;
      peer.received = "";
      peer.send(answer(request));
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const stream = requests.join("\r\n");
    const expected = requests.map((_, request) => answer(request)).join("");
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 });
    const property = fc.asyncProperty(cuts, async (places) => {
      const client = await bench.client();
      let from = 0;
      for (const to of [...places.sort((a, b) => a - b), stream.length]) {
        client.send(stream.slice(from, to));
        await Bun.sleep(0);
        from = to;
      }
      expect(await client.until(expected)).toBe(expected);
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
