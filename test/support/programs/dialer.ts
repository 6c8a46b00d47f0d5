// Connects as a test tells it to, from wherever it was started, and reports who answered. Node's sockets: their errors carry
// errno names.
import { connect, type Socket } from "node:net";
import { serve } from "../companion.ts";
import type { Answer, DialRequest } from "../dialer.ts";

const held = new Set<Socket>();

function dial({ address, port, send, timeoutMs, hold, localAddress }: DialRequest): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(localAddress === undefined ? {} : { localAddress }) });
    let text = "";
    const finish = (answer: Answer) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => {});
      if (hold && "name" in answer) held.add(socket);
      else socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish({ error: socket.connecting ? "TIMEOUT" : "SILENT" }), timeoutMs);
    socket.once("error", (error: NodeJS.ErrnoException) => finish({ error: error.code ?? error.message }));
    socket.once("close", () => finish({ error: "CLOSED" }));
    socket.once("connect", () => {
      if (send !== undefined) socket.write(send);
    });
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const body = text.startsWith("HTTP/") ? text.slice(text.indexOf("\r\n\r\n") + 4) : text;
      if (!text.startsWith("HTTP/") || text.includes("\r\n\r\n")) {
        if (body.includes("\n")) finish({ name: body.slice(0, body.indexOf("\n")), peer: peerOf(socket) });
      }
    });
  });
}

/** What getpeername says: the destination that the application asked for, if the mesh is transparent. */
function peerOf(socket: Socket): string {
  return socket.remoteFamily === "IPv6"
    ? `[${socket.remoteAddress}]:${socket.remotePort}`
    : `${socket.remoteAddress}:${socket.remotePort}`;
}

async function dialMany(request: DialRequest & { count: number; concurrency: number }): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let started = 0;
  const worker = async () => {
    while (started < request.count) {
      started++;
      answers.push(await dial(request));
    }
  };
  await Promise.all(Array.from({ length: Math.min(request.concurrency, request.count) }, worker));
  return answers;
}

type Request = { op: "release" } | ({ op: "dial"; count: number; concurrency: number } & DialRequest);

await serve((received) => {
  const request = received as unknown as Request;
  if (request.op === "release") {
    for (const socket of held) socket.destroy();
    held.clear();
    return undefined;
  }
  return dialMany(request);
});
