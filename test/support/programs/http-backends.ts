// HTTP servers that play what a test tells them: one socket takes every 127.x.y.z on a port, the address that was connected to says
// which endpoint it is. Requests are kept as they came; what is answered is bytes, with waits, closes and resets between them.
import type { Socket } from "bun";
import { serve } from "../companion.ts";
import type { EndpointScript, ReplyStep, UpstreamRequest } from "../http-backends.ts";
import { readBody, requestFraming, splitHead } from "../http-text.ts";

interface Connection {
  readonly socket: Socket<Connection>;
  readonly endpoint: Endpoint;
  readonly number: number;
  input: string;
  /** The request whose end hasn't come. */
  current: UpstreamRequest | undefined;
  mode: "http" | "echo" | "deaf";
  /** Replies are played one after the other. */
  playing: Promise<void>;
  isClosed: boolean;
}

interface Endpoint {
  readonly address: string;
  script: EndpointScript;
  served: number;
  connections: number;
  readonly requests: UpstreamRequest[];
  readonly open: Set<Socket<Connection>>;
  readonly held: (() => void)[];
}

const endpoints = new Map<string, Endpoint>();

function endpointOf(address: string): Endpoint {
  const known = endpoints.get(address);
  if (known !== undefined) return known;
  const endpoint: Endpoint = {
    ...{ address, script: { replies: [] }, served: 0, connections: 0, requests: [], open: new Set(), held: [] },
  };
  endpoints.set(address, endpoint);
  return endpoint;
}

function plain(body: string): readonly ReplyStep[] {
  return [`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`];
}

function receive(connection: Connection, bytes: string): void {
  if (connection.mode === "deaf") return;
  if (connection.mode === "echo") {
    echo(connection, bytes);
    return;
  }
  connection.input += bytes;
  while (next(connection)) {}
}

function echo({ endpoint, socket, number }: Connection, bytes: string): void {
  const request = endpoint.requests.findLast((one) => one.connection === number);
  if (request !== undefined) request.tunnel += bytes;
  socket.write(Buffer.from(bytes, "latin1"));
}

/** Takes one step through the input; false when more is needed. */
function next(connection: Connection): boolean {
  const { endpoint } = connection;
  const headEnd = connection.input.indexOf("\r\n\r\n");
  if (headEnd < 0 || connection.mode !== "http") return false;
  const head = connection.input.slice(0, headEnd);
  const [, fields] = splitHead(head);
  const [framing, length] = requestFraming(fields);
  const body = readBody(connection.input, headEnd + 4, framing, length);
  if (connection.current === undefined) begin(connection, head);
  const { current } = connection;
  if (current === undefined) return false;
  Object.assign(current, { body: body.text, framing, trailers: body.trailers, isComplete: body.isComplete });
  if (!body.isComplete) return false;
  connection.input = connection.input.slice(body.end);
  connection.current = undefined;
  const { reply, isEarly } = replyTo(endpoint, current.turn);
  if (!isEarly) play(connection, reply);
  return true;
}

function begin(connection: Connection, head: string): void {
  const { endpoint, number } = connection;
  const turn = endpoint.served++;
  connection.current = {
    ...{ endpoint: endpoint.address, connection: number, turn, head, body: "", framing: "none" },
    ...{ trailers: [], isComplete: false, isAborted: false, tunnel: "" },
  };
  endpoint.requests.push(connection.current);
  const { reply, isEarly } = replyTo(endpoint, turn);
  if (isEarly) play(connection, reply);
}

function replyTo({ script, address }: Endpoint, turn: number): { reply: readonly ReplyStep[]; isEarly: boolean } {
  const { replies, early = false } = script;
  const letter = String.fromCharCode(96 + Number(address.split(".")[3]));
  return { reply: replies[Math.min(turn, replies.length - 1)] ?? plain(letter), isEarly: early };
}

function play(connection: Connection, steps: readonly ReplyStep[]): void {
  connection.playing = connection.playing.then(async () => {
    for (const step of steps) {
      if (connection.isClosed) return;
      await playStep(connection, step);
    }
  });
}

async function playStep(connection: Connection, step: ReplyStep): Promise<void> {
  const { socket, endpoint } = connection;
  if (typeof step === "string") await write(connection, Buffer.from(step, "latin1"));
  else if ("wait" in step) await Bun.sleep(step.wait);
  else if ("hold" in step) await new Promise<void>((resolve) => endpoint.held.push(resolve));
  else if (step.do === "echo") {
    connection.mode = "echo";
    const rest = connection.input;
    connection.input = "";
    if (rest !== "") echo(connection, rest);
  } else if (step.do === "fin") socket.shutdown();
  else {
    connection.mode = "deaf";
    connection.isClosed = true;
    if (step.do === "reset") socket.terminate();
    else socket.end();
  }
}

async function write(connection: Connection, bytes: Buffer): Promise<void> {
  let at = 0;
  while (!connection.isClosed) {
    at += Math.max(0, connection.socket.write(bytes.subarray(at)));
    if (at >= bytes.length) return;
    await Bun.sleep(1);
  }
}

function open(socket: Socket<Connection>): void {
  const endpoint = endpointOf(socket.localAddress);
  const number = endpoint.connections++;
  const connection: Connection = {
    ...{ socket, endpoint, number, input: "", current: undefined },
    ...{ mode: "http", playing: Promise.resolve(), isClosed: false },
  };
  socket.data = connection;
  endpoint.open.add(socket);
  const { accept } = endpoint.script;
  if (accept !== undefined) play(connection, accept);
}

function closed(socket: Socket<Connection>): void {
  const { data: connection } = socket;
  connection.endpoint.open.delete(socket);
  connection.isClosed = true;
  if (connection.current !== undefined) connection.current.isAborted = true;
}

function listen(port: number): void {
  Bun.listen<Connection>({
    hostname: "0.0.0.0",
    port,
    allowHalfOpen: true,
    socket: {
      open,
      data: (socket, data) => receive(socket.data, data.toString("latin1")),
      end(socket) {
        // A tunnel's or a half-closed peer's end is passed on after what is being played.
        void socket.data.playing.then(() => socket.end());
      },
      close: closed,
      error: closed,
    },
  });
}

function of(prefix: string): readonly Endpoint[] {
  return [...endpoints.values()].filter(({ address }) => address.startsWith(prefix));
}

await serve((request) => {
  const { op, port, prefix, scripts } = request as {
    op: string;
    port: number;
    prefix: string;
    scripts: Readonly<Record<string, EndpointScript>>;
  };
  switch (op) {
    case "listen":
      return listen(port);
    case "scripts":
      for (const [address, script] of Object.entries(scripts))
        Object.assign(endpointOf(address), { script, served: 0 });
      return undefined;
    case "seen":
      return of(prefix).reduce((sum, { requests }) => sum + requests.length, 0);
    case "disconnect":
      for (const { open } of of(prefix)) for (const socket of open) socket.end();
      return undefined;
    case "release":
      for (const { held } of of(prefix)) for (const resolve of held.splice(0)) resolve();
      return undefined;
    case "take":
      return of(prefix).flatMap((endpoint) => {
        endpoint.served = 0;
        return endpoint.requests.splice(0);
      });
    default:
      throw new Error(`unknown request ${op}`);
  }
});
