import { afterEach, describe, expect, test } from "bun:test";
import { formatSocketAddress, type SocketAddress } from "../../ip.ts";
import type { HealthCheck } from "../../model/cluster.ts";
import { probe } from "./health-probe.ts";
import { socketAddress } from "./request.fixture.ts";

const base: Omit<HealthCheck, "check"> = {
  timeoutMs: 5000,
  intervalMs: 5000,
  noTrafficIntervalMs: 60_000,
  unhealthyIntervalMs: 5000,
  unhealthyThreshold: 1,
  healthyThreshold: 1,
};
const http: Extract<HealthCheck["check"], { type: "http" }> = {
  type: "http",
  path: "/healthz",
  host: "",
  method: "GET",
  expectedStatuses: [[200, 201]],
  requestHeaders: [],
};
const tcp = (send: string, ...receive: string[]): HealthCheck["check"] => ({
  type: "tcp",
  send: Buffer.from(send),
  receive: receive.map((block) => Buffer.from(block)),
});

let stack = new DisposableStack();
afterEach(() => {
  stack.dispose();
  stack = new DisposableStack();
});

interface Server {
  readonly address: SocketAddress;
  /** What came. */
  received: string;
}

/** Says something at once, answers the first bytes with something, and hangs up if it is told to. */
function serve({ greeting = "", answer = "", closes = false }): Server {
  const server: Server = { address: socketAddress("127.0.0.1:1"), received: "" };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        if (greeting !== "") socket.write(greeting);
      },
      data(socket, bytes) {
        server.received += bytes.toString();
        if (answer !== "") socket.write(answer);
        if (closes) socket.end();
      },
    },
  });
  stack.defer(() => listener.stop(true));
  return Object.assign(server, { address: socketAddress(`127.0.0.1:${listener.port}`) });
}

describe("HTTP", () => {
  const cases: readonly (readonly [string, Parameters<typeof serve>[0], Partial<typeof http>, expected: string])[] = [
    ["200", { answer: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" }, {}, "pass"],
    ["its body isn't waited for", { answer: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n" }, {}, "pass"],
    ["503", { answer: "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n" }, {}, "fail"],
    ["expected", { answer: "HTTP/1.1 503 No\r\n\r\n" }, { expectedStatuses: [[500, 504]] }, "pass"],
    ["end of expected", { answer: "HTTP/1.1 504 No\r\n\r\n" }, { expectedStatuses: [[500, 504]] }, "fail"],
    ["after a 100", { answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" }, {}, "pass"],
    ["no HTTP", { answer: "hello\r\n\r\n" }, {}, "timeout"],
    ["hangs up", { closes: true }, {}, "timeout"],
    ["hangs up in the head", { answer: "HTTP/1.1 200 OK\r\n", closes: true }, {}, "timeout"],
  ];
  test.each(cases)("%s", async (_, behaviour, check, expected) => {
    const { address } = serve(behaviour);
    expect(await probe(address, "cluster", { ...base, check: { ...http, ...check } })).toBe(expected as never);
  });

  const sent: readonly (readonly [string, Partial<typeof http>, expected: string])[] = [
    ["by default", {}, "GET /healthz HTTP/1.1\r\nHost: cluster\r\nUser-Agent: Envoy/HC\r\nConnection: close\r\n\r\n"],
    [
      "as configured",
      {
        method: "HEAD",
        host: "h",
        requestHeaders: [
          ["user-agent", "me"],
          ["X-A", "1"],
        ],
      },
      "HEAD /healthz HTTP/1.1\r\nHost: h\r\nuser-agent: me\r\nX-A: 1\r\nConnection: close\r\n\r\n",
    ],
  ];
  test.each(sent)("what is sent, %s", async (_, check, expected) => {
    const server = serve({ answer: "HTTP/1.1 200 OK\r\n\r\n" });
    await probe(server.address, "cluster", { ...base, check: { ...http, ...check } });
    expect(server.received).toBe(expected);
  });
});

describe("TCP", () => {
  const cases: readonly (readonly [string, Parameters<typeof serve>[0], HealthCheck["check"], expected: string])[] = [
    ["connected", {}, tcp(""), "pass"],
    ["answered", { answer: "+PONG\r\n" }, tcp("PING\r\n", "+PONG"), "pass"],
    ["blocks in order", { greeting: "a-b-c" }, tcp("", "a", "c"), "pass"],
    ["blocks out of order", { greeting: "c-a", answer: " ", closes: true }, tcp("x", "a", "c"), "timeout"],
    ["hangs up", { answer: "-ERR", closes: true }, tcp("PING\r\n", "+PONG"), "timeout"],
  ];
  test.each(cases)("%s", async (_, behaviour, check, expected) => {
    expect(await probe(serve(behaviour).address, "cluster", { ...base, check })).toBe(expected as never);
  });
});

test("nobody listens", async () => {
  const { address } = serve({});
  stack.dispose();
  stack = new DisposableStack();
  expect(await probe(address, "cluster", { ...base, check: tcp("") })).toBe("timeout");
  expect(formatSocketAddress(address)).not.toBe("127.0.0.1:1");
});

test("no answer in time", async () => {
  const { address } = serve({});
  expect(await probe(address, "cluster", { ...base, timeoutMs: 20, check: http })).toBe("timeout");
});
