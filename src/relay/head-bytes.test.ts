// Heads out of bytes and back: whatever is left out when a head is decoded, the parsers say the same.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { waitFor } from "../../test/support/wait.ts";
import { decodeHead } from "./head-bytes.ts";
import { Backend, Bench, get, ok, post, toCluster } from "./relay.fixture.ts";
import { type HeadLimits, MessageHead, parseRequestHead, parseResponseHead } from "./wire/head.ts";

const body = "b".repeat(4000);
const request = get("/");
const response = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n";

describe("a decoded head", () => {
  test.each([
    ["with a long body", response, body, response],
    ["with another behind it", request, request.repeat(100), request],
    ["behind empty lines", `\r\n\r\n${request}`, body, `\r\n\r\n${request}`],
    ["that has not come whole", `GET / HTTP/1.1\r\nX: ${body}`, "", `GET / HTTP/1.1\r\nX: ${body}`],
    ["with all but the last byte", `GET / HTTP/1.1\r\nX: ${body}\r\n\r`, "", `GET / HTTP/1.1\r\nX: ${body}\r\n\r`],
    ["of nothing but empty lines", "\r\n".repeat(2000), "", "\r\n".repeat(2000)],
    ["with little behind it: all", request, "abc", `${request}abc`],
  ])("%s", (_, head, rest, expected) => {
    const before = "HTTP/1.1 100 Continue\r\n\r\n";
    const bytes = Buffer.from(before + head + rest, "latin1");
    expect(decodeHead(bytes, before.length, 60 * 1024)).toBe(expected);
  });

  test.each([0, 1, 2, 5, 100])("is no longer than what shows that it is too long (%d bytes over)", (over) => {
    const maxBytes = 5000;
    const head = `GET / HTTP/1.1\r\nX: ${"x".repeat(maxBytes + over - 23)}\r\n\r\n`;
    const text = decodeHead(Buffer.from(head + body), 0, maxBytes);
    expect(text).toBe(head.slice(0, maxBytes + 1));
    const length = parseRequestHead(text, new MessageHead(), { maxBytes, maxFields: 100 });
    expect(length).toBe(over === 0 ? -400 : -431);
  });

  test("means to the parsers what all the bytes mean", () => {
    const limits: HeadLimits = { maxBytes: 4096, maxFields: 10 };
    const part = fc.constantFrom(
      ...["\r\n", "\r\n\r\n", "\n", "\r", "\n\n", " ", "GET / HTTP/1.1", "HTTP/1.1 200 OK", "HTTP/1.0 404 "],
      ...["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked", "X: y", "X:", ":", "\x00", "\xff"],
      ...["x".repeat(1000), "Y: ".padEnd(3000, "z")],
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.nat(3), (parts, tail) => {
        const bytes = Buffer.from(parts.join("") + body.repeat(tail), "latin1");
        const whole = bytes.toString("latin1", 0, limits.maxBytes + 1);
        for (const parse of [parseRequestHead, parseResponseHead]) {
          const [expected, actual] = [new MessageHead(), new MessageHead()];
          const length = parse(whole, expected, limits);
          expect(parse(decodeHead(bytes, 0, limits.maxBytes), actual, limits)).toBe(length);
          expect({ ...actual, text: actual.text.slice(0, actual.end) }).toEqual({
            ...expected,
            text: expected.text.slice(0, expected.end),
          });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a head in another's place", () => {
  const hop = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n";

  test("requests that came in one read", async () => {
    using backend = new Backend((peer) => {
      const requests = peer.received.split("POST").length - 1;
      if (peer.received.endsWith(`;${requests}`)) peer.send(ok);
    });
    await using bench = new Bench({ routes: toCluster("c"), clusters: { c: [backend.port] } });
    const client = await bench.client();
    const texts = [1, 2, 3].map((i) => `${body};${i}`);
    client.send(texts.map((text) => post("/", text, hop)).join(""));
    await client.until(ok.repeat(3));
    expect(backend.received).toBe(texts.map((text) => post("/", text)).join(""));
  });

  test("a request that is sent again, and to a mirror", async () => {
    const unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    const sent: string[] = [];
    using backend = new Backend((peer) => {
      if (!peer.received.endsWith(body)) return;
      sent.push(peer.received);
      peer.received = "";
      peer.send(sent.length < 3 ? unavailable : ok);
    });
    using mirror = new Backend(() => {});
    const route = { retry_policy: { retry_on: "5xx", num_retries: 2 }, request_mirror_policies: [{ cluster: "m" }] };
    await using bench = new Bench({ routes: toCluster("c", route), clusters: { c: [backend.port], m: [mirror.port] } });
    expect(await bench.ask(post("/", body, hop), "ok")).toBe(ok);
    expect(sent).toEqual(Array.from({ length: 3 }, () => post("/", body)));
    await waitFor("the mirrored request", () => mirror.received.endsWith(body));
    expect(mirror.received).toBe(post("/", body).replace("a.example", "a.example-shadow"));
  });
});
