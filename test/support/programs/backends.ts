// Many small servers in one process, each with its own address and identity. `tcp` says its name first and then echoes;
// `http` answers every request with its name; `silent` accepts and says nothing.
import type { Socket, TCPSocketListener } from "bun";
import { serve } from "../companion.ts";

type Mode = "tcp" | "http" | "silent";

interface Server {
  readonly listener: TCPSocketListener<undefined>;
  readonly open: Set<Socket<undefined>>;
  accepted: number;
}

const servers = new Map<string, Server>();

function start(name: string, address: string, port: number, mode: Mode): number {
  if (servers.has(name)) throw new Error(`${name} is there already`);
  const open = new Set<Socket<undefined>>();
  const body = `${name}\n`;
  const response = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  /** Tests send small requests without a body: each ends with an empty line. */
  const answer = (socket: Socket<undefined>, requests: string): void => {
    socket.write(response.repeat(requests.split("\r\n\r\n").length - 1));
    if (/^connection: close\r$/im.test(requests)) socket.end();
  };
  const listener = Bun.listen({
    hostname: address,
    port,
    allowHalfOpen: mode === "tcp",
    socket: {
      open(socket) {
        open.add(socket);
        server.accepted++;
        if (mode === "tcp") socket.write(body);
      },
      data(socket, data) {
        if (mode === "tcp") socket.write(data);
        else if (mode === "http") answer(socket, data.toString("latin1"));
      },
      end(socket) {
        socket.end();
      },
      close(socket) {
        open.delete(socket);
      },
    },
  });
  const server: Server = { listener, open, accepted: 0 };
  servers.set(name, server);
  return listener.port;
}

function stop(name: string): void {
  const server = servers.get(name);
  if (server === undefined) throw new Error(`no backend ${name}`);
  server.listener.stop(true);
  for (const socket of server.open) socket.terminate();
  servers.delete(name);
}

await serve((request) => {
  const { op, name, address, port, mode } = request as {
    op: string;
    name: string;
    address: string;
    port: number;
    mode: Mode;
  };
  switch (op) {
    case "start":
      return start(name, address, port, mode);
    case "stop":
      return stop(name);
    case "counts":
      return Object.fromEntries([...servers].map(([key, s]) => [key, { accepted: s.accepted, open: s.open.size }]));
    default:
      throw new Error(`unknown request ${op}`);
  }
});
