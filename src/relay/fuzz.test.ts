// Clients, endpoints and configurations that do anything at any moment: whatever happens, a client gets answers to its own requests
// in their order, an endpoint gets the body that belongs to a request's head, and nothing is counted any more when all are gone.
import { expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { Backend, Bench, type MeshText, type Peer } from "./relay.fixture.ts";
import { Shared, sharedBytes } from "./shared.ts";

const clients = 150;
/** Each tells in its last bytes whose it is. */
const bodyLength = 20_000;

type Random = () => number;

/** The same numbers for the same seed (a linear congruential generator with the constants of Numerical Recipes). */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function oneOf<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

function body(tag: string): string {
  return tag.padStart(bodyLength, "x");
}

function request(random: Random, tag: string): string {
  const head = (method: string, fields: string): string =>
    `${method} /${oneOf(random, ["plain", "retry", "mirror"])}/${tag} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const chunk = `${bodyLength.toString(16)}\r\n${body(tag)}\r\n0\r\n\r\n`;
  switch (oneOf(random, ["get", "length", "chunks", "expect"])) {
    case "get":
      return head("GET", "");
    case "length":
      return head("PUT", `Content-Length: ${bodyLength}\r\n`) + body(tag);
    case "chunks":
      return head("POST", "Transfer-Encoding: chunked\r\n") + chunk;
    default:
      return head("PUT", `Expect: 100-continue\r\nContent-Length: ${bodyLength}\r\n`) + body(tag);
  }
}

interface Seen {
  readonly path: string;
  readonly body: string | undefined;
}

/** The first whole message of what a peer has got, and how long it is. */
function firstMessage(text: string): (Seen & { readonly start: string; readonly length: number }) | undefined {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return undefined;
  const head = text.slice(0, headEnd);
  const start = head.slice(0, head.indexOf("\r\n"));
  const path = start.split(" ")[1] ?? "";
  const chunked = /transfer-encoding: chunked/i.test(head);
  const end = chunked ? text.indexOf("0\r\n\r\n", headEnd) + 5 : headEnd + contentLength(head);
  if (end > text.length || (chunked && end < headEnd + 5)) return undefined;
  const framed = text.slice(headEnd, end);
  const data = chunked ? framed.replaceAll(/(^|\r\n)[0-9a-f]+\r\n/gi, "").trimEnd() : framed;
  return { start, path, body: framed === "" ? undefined : data, length: end };
}

function contentLength(head: string): number {
  return Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
}

/** An endpoint that answers, breaks off, says too much, or nothing. */
function endpoint(random: Random, wrong: string[]): (peer: Peer) => void {
  return (peer) => {
    for (let message = firstMessage(peer.received); message !== undefined; message = firstMessage(peer.received)) {
      peer.received = peer.received.slice(message.length);
      const tag = message.path.split("/")[2] ?? "";
      if (tag === "" || (message.body !== undefined && message.body !== body(tag))) wrong.push(message.path);
      answer(random, peer, tag);
    }
  };
}

function answer(random: Random, peer: Peer, tag: string): void {
  const whole = `HTTP/1.1 200 OK\r\nContent-Length: ${tag.length}\r\n\r\n${tag}`;
  switch (
    oneOf(random, ["ok", "ok", "ok", "interim", "chunks", "close", "evil", "500", "cut", "reset", "end", "none"])
  ) {
    case "ok":
      peer.send(whole);
      break;
    case "interim":
      peer.send("HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n".repeat(50) + whole);
      break;
    case "chunks":
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      peer.send(`${tag.length.toString(16)}\r\n${tag}\r\n0\r\n\r\n`);
      break;
    case "close":
      peer.send(`HTTP/1.1 200 OK\r\n\r\n${tag}`);
      peer.end();
      break;
    case "evil":
      peer.send(`${whole}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
      break;
    case "500":
      peer.send(`HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n`);
      break;
    case "cut":
      peer.send(whole.slice(0, Math.floor(random() * whole.length)));
      peer.reset();
      break;
    case "reset":
      peer.reset();
      break;
    case "end":
      peer.end();
      break;
    default:
      break;
  }
}

/** Sends its requests in pieces, and perhaps goes away. */
async function visit(random: Random, bench: Bench, name: number): Promise<{ tags: string[]; peer: Peer }> {
  const tags = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => `t${name}.${i};`);
  const peer = await bench.client();
  let text = tags.map((tag) => request(random, tag)).join("");
  const isCut = random() < 0.2;
  if (isCut) text = text.slice(0, Math.floor(random() * text.length));
  while (text !== "" && !peer.isClosed) {
    const cut = 1 + Math.floor(random() * 30_000);
    peer.send(text.slice(0, cut));
    text = text.slice(cut);
    await Bun.sleep(0);
  }
  const leaves = isCut ? random() * 0.4 : random();
  if (leaves < 0.15) peer.reset();
  else if (leaves < 0.3) peer.end();
  else if (leaves < 0.4) peer.close();
  return { tags, peer };
}

/** Every answer is to the request whose turn it is. */
function checkAnswers(received: string, tags: readonly string[]): void {
  let rest = received;
  let turn = 0;
  for (let message = firstMessage(rest); message !== undefined; message = firstMessage(rest)) {
    rest = rest.slice(message.length);
    if (message.path === "100") continue;
    if (message.path === "200") expect(message.body).toBe(tags[turn]);
    turn++;
  }
  expect(turn).toBeLessThanOrEqual(tags.length);
}

function meshes(ports: readonly number[], mirror: number): readonly [MeshText, ...MeshText[]] {
  const thresholds = [{ max_connections: 8, max_pending_requests: 8, max_requests: 8, max_retries: 3 }];
  const c = { ports, circuit_breakers: { thresholds } };
  const route = (prefix: string, fields: object): Record<string, unknown> => ({
    match: { prefix },
    route: { cluster: "c", timeout: "0.1s", ...fields },
  });
  const all = {
    routes: [
      route("/retry", { retry_policy: { retry_on: "5xx,reset,connect-failure", num_retries: 2 } }),
      route("/mirror", { request_mirror_policies: [{ cluster: "m" }] }),
      route("/", {}),
    ],
    clusters: { c, m: [mirror] },
  };
  return [all, { ...all, clusters: { c: { ...c, ports: ports.slice(1) }, m: [mirror] } }];
}

test.each([1, 2, 3, 4])(
  "anything at any moment, seed %d",
  async (seed) => {
    const random = randomFrom(seed);
    const wrong: string[] = [];
    using first = new Backend(endpoint(random, wrong));
    using second = new Backend(endpoint(random, wrong));
    using mirror = new Backend(endpoint(random, wrong));
    const memory = new ArrayBuffer(sharedBytes(1));
    const texts = meshes([first.port, second.port], mirror.port);
    await using bench = new Bench(texts[0], new Shared(memory, 0, 1));
    const visits: Promise<{ tags: string[]; peer: Peer }>[] = [];
    for (let i = 0; i < clients; i++) {
      visits.push(visit(random, bench, i));
      if (random() < 0.7) await Bun.sleep(1);
      const change = random();
      if (change < 0.1) bench.relay.apply(bench.mesh(oneOf(random, texts)));
      else if (change < 0.13) bench.relay.apply({ ...bench.mesh(texts[0]), clusters: [] });
    }
    const done = await Promise.all(visits);
    await waitFor("all requests to end", () => bench.relay.stats().listeners["l"]?.activeRequests === 0);
    for (const { peer, tags } of done) {
      expect(peer.received).not.toContain("evil");
      checkAnswers(peer.received, tags);
      peer.reset();
    }
    expect(wrong).toEqual([]);
    await waitFor("all clients to be gone", () => bench.relay.connections === 0);
    for (const peer of [...first.connections, ...second.connections, ...mirror.connections]) peer.reset();
    bench.relay.apply({ listeners: [], clusters: [] });
    await waitFor(`nothing to be counted: ${JSON.stringify(bench.relay.stats())}`, () =>
      new Int32Array(memory).every((count) => count === 0),
    );
    const { listeners, clusters: counted } = bench.relay.stats();
    expect(listeners["l"]).toMatchObject({ activeConnections: 0, activeRequests: 0 });
    for (const counters of Object.values(counted))
      expect(counters).toMatchObject({ activeConnections: 0, activeRequests: 0 });
    expect(bench.relay.log).toEqual([]);
  },
  30_000,
);
