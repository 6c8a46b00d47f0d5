// One active health check of one endpoint: a request, or some bytes, over a connection of its own
// (source/extensions/health_checkers/{http,tcp}). Unlike Envoy's it isn't kept for the next check, and an HTTP response counts once
// its head is there.
import { formatAddress, type SocketAddress } from "../../ip.ts";
import type { HealthCheck } from "../../model/cluster.ts";
import { MessageHead, parseResponseHead } from "../wire/head.ts";
import type { ProbeResult } from "./health.ts";

type HttpCheck = Extract<HealthCheck["check"], { type: "http" }>;

/** What to send at once, and what to make of all the bytes that came since; undefined: more are needed. */
interface Exchange {
  readonly send: Uint8Array;
  readonly judge: (received: Buffer) => ProbeResult | undefined;
}

const maxReceived = 65_536;
const limits = { maxBytes: maxReceived, maxFields: 1000 };

/** Never rejects. `cluster` is the Host where the check names none. */
export function probe({ address, port }: SocketAddress, cluster: string, check: HealthCheck): Promise<ProbeResult> {
  const { send, judge } = check.check.type === "http" ? httpExchange(check.check, cluster) : tcpExchange(check.check);
  return new Promise((resolve) => {
    let socket: Bun.Socket | undefined;
    let received: Buffer = Buffer.alloc(0);
    let isDone = false;
    const finish = (result: ProbeResult): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      socket?.terminate();
      resolve(result);
    };
    const look = (): void => {
      const result = judge(received);
      if (result !== undefined) finish(result);
      else if (received.length > maxReceived) finish("fail");
    };
    const timer = setTimeout(() => finish("timeout"), check.timeoutMs);
    const connected = Bun.connect({
      hostname: formatAddress(address),
      port,
      socket: {
        open(opened) {
          socket = opened;
          if (isDone) opened.terminate();
          // A few bytes: a new socket's buffer has room for them.
          else if (opened.write(send) < send.length) finish("timeout");
          else look();
        },
        data(_, bytes) {
          received = Buffer.concat([received, bytes]);
          look();
        },
        close: () => finish("timeout"),
        error: () => finish("timeout"),
        connectError: () => finish("timeout"),
      },
    });
    connected.catch(() => finish("timeout"));
  });
}

function httpExchange({ path, host, method, requestHeaders, expectedStatuses }: HttpCheck, cluster: string): Exchange {
  const own = new Set(requestHeaders.map(([name]) => name.toLowerCase()));
  const fields: readonly (readonly [string, string])[] = [
    ["Host", host === "" ? cluster : host],
    ["User-Agent", "Envoy/HC"],
    ...requestHeaders,
    ["Connection", "close"],
  ];
  const lines = fields.filter((field) => requestHeaders.includes(field) || !own.has(field[0].toLowerCase()));
  const text = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return { send: Buffer.from(text, "latin1"), judge: (received) => judgeResponse(received, expectedStatuses) };
}

function judgeResponse(received: Buffer, expected: HttpCheck["expectedStatuses"]): ProbeResult | undefined {
  const head = new MessageHead();
  let text = received.toString("latin1");
  for (;;) {
    const end = parseResponseHead(text, head, limits);
    if (end === 0) return undefined;
    if (end < 0) return "timeout";
    if (head.status >= 200) break;
    // 1xx come before the response.
    text = text.slice(end);
  }
  return expected.some(([start, end]) => head.status >= start && head.status < end) ? "pass" : "fail";
}

/** The blocks must come in this order; anything may stand between them. Without any, to be connected is enough. */
function tcpExchange({ send, receive }: Extract<HealthCheck["check"], { type: "tcp" }>): Exchange {
  return {
    send,
    judge: (received) => {
      let at = 0;
      for (const block of receive) {
        const found = received.indexOf(block, at);
        if (found === -1) return undefined;
        at = found + block.length;
      }
      return "pass";
    },
  };
}
