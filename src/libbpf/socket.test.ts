import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { type Address, formatSocketAddress, parseAddress, type SocketAddress } from "../ip.ts";
import { bindStream, closeSocket, connect, listen, openStream, portOf, reservePort, socketError } from "./socket.ts";

function at(host: string, port: number): SocketAddress {
  return { address: addressOf(host), port };
}

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** A socket that is bound to a free port, and where it is. */
function bound(host: string): { readonly fd: number; readonly address: SocketAddress } {
  const fd = bindStream(at(host, 0));
  return { fd, address: at(host, portOf(fd)) };
}

/** The runtime's types don't know `fd`. */
function adopt(fd: number, socket: Bun.SocketHandler<undefined>): Promise<Bun.Socket<undefined>> {
  return Bun.connect({ fd, allowHalfOpen: true, socket } as unknown as Bun.TCPSocketConnectOptions<undefined>);
}

function accept(fd: number, socket: Bun.SocketHandler<undefined>): Bun.TCPSocketListener<undefined> {
  return Bun.listen({ fd, socket } as unknown as Bun.TCPSocketListenOptions<undefined>);
}

/** In order, what the runtime says of an adopted socket until it is closed or has had an answer. */
async function story(fd: number, greeting = ""): Promise<readonly string[]> {
  const told: string[] = [];
  await new Promise<void>((done) => {
    void adopt(fd, {
      open(socket) {
        told.push("open");
        if (greeting !== "") told.push(`wrote ${socket.write(greeting)}`);
      },
      drain: () => void told.push("drain"),
      data(socket, bytes) {
        told.push(`data ${bytes}`);
        socket.terminate();
      },
      error: (_, error) => void told.push(`error ${error.message}`),
      close(_, error) {
        const code = (error as { code?: string } | undefined)?.code;
        told.push(code === undefined ? "close" : `close ${code}`);
        done();
      },
    });
  });
  return told;
}

describe("connect", () => {
  test.each([
    ["127.0.0.1", 4],
    ["::1", 6],
  ] as const)("%s: connected at once, and the runtime takes over", async (host, family) => {
    const { fd: server, address } = bound(host);
    listen(server);
    using _listener = accept(server, { data: (socket, bytes) => void socket.write(`<${bytes}>`) });
    const fd = openStream(family);
    expect(connect(fd, address)).toBe("connected");
    expect(socketError(fd)).toBe(0);
    expect(await story(fd, "hi")).toEqual(["open", "wrote 2", "drain", "data <hi>", "close"]);
  });

  test("refused at once over loopback", () => {
    const { fd: server, address } = bound("127.0.0.1"); // it doesn't listen
    const fd = openStream(4);
    expect(() => connect(fd, address)).toThrow(`[kernel] connect to ${formatSocketAddress(address)}: ECONNREFUSED`);
    closeSocket(fd);
    closeSocket(server);
  });

  // The kernel repeats a SYN after a second: by then there is room, or nobody listens any more.
  describe("while it can't be said yet", () => {
    /** A listener whose queue is full, and a socket that connects to it. */
    function connecting(): { readonly server: number; readonly fd: number; readonly others: readonly number[] } {
      const { fd: server, address } = bound("127.0.0.1");
      listen(server, 0);
      const others: number[] = [];
      for (;;) {
        const fd = openStream(4);
        if (connect(fd, address) === "connecting") return { server, fd, others };
        others.push(fd);
      }
    }

    test("the first drain says that it is connected", async () => {
      const { server, fd, others } = connecting();
      const told = story(fd);
      using _listener = accept(server, { open: (socket) => void socket.write("late"), data() {} });
      expect(await told).toEqual(["open", "drain", "data late", "close"]);
      for (const other of others) closeSocket(other);
    });

    test("a close with an error, and no drain, says that it failed", async () => {
      const { server, fd, others } = connecting();
      const told = story(fd);
      closeSocket(server);
      expect(await told).toEqual(["open", "close ECONNREFUSED"]);
      for (const other of others) closeSocket(other);
    });
  });

  test("the error that a socket holds is taken once", () => {
    const { fd: server, address } = bound("127.0.0.1");
    listen(server);
    const fd = openStream(4);
    expect(connect(fd, address)).toBe("connected");
    closeSocket(server); // the connection was never accepted: reset
    expect(socketError(fd)).toBe(constants.errno.ECONNRESET);
    expect(socketError(fd)).toBe(0);
    closeSocket(fd);
  });
});

describe("listening", () => {
  test("several sockets share a port, and one that doesn't listen gets no connection", async () => {
    const { fd: holder, address } = bound("127.0.0.1");
    const workers = [bindStream(address), bindStream(address)];
    const counts = [0, 0];
    for (const fd of workers) listen(fd);
    const listeners = workers.map((fd, i) =>
      accept(fd, {
        open(socket) {
          counts[i] = (counts[i] ?? 0) + 1;
          socket.write("welcome");
        },
        data() {},
      }),
    );
    for (let i = 0; i < 64; i++) {
      const fd = openStream(4);
      expect(connect(fd, address)).toBe("connected");
      expect(await story(fd)).toContain("data welcome");
    }
    // By a hash of the addresses: all 64 at one of the two would be a chance of 1 in 2^63.
    expect(Math.min(...counts)).toBeGreaterThan(0);
    for (const listener of listeners) listener.stop(true);
    closeSocket(holder);
  });

  test("an address that isn't here", () => {
    expect(() => bindStream(at("203.0.113.1", 80))).toThrow("[kernel] bind 203.0.113.1:80: EADDRNOTAVAIL");
  });
});

describe("a reserved port", () => {
  test("is the same on both loopback addresses, and taken until it is disposed", () => {
    const reserved = reservePort();
    expect(reserved.addresses.map(formatSocketAddress)).toEqual([
      `127.0.0.1:${reserved.port}`,
      `[::1]:${reserved.port}`,
    ]);
    const take = (): void =>
      Bun.listen({ hostname: "127.0.0.1", port: reserved.port, socket: { data() {} } }).stop(true);
    expect(take).toThrow("Failed to listen at 127.0.0.1");
    for (const address of reserved.addresses) {
      const worker = bindStream(address);
      listen(worker);
      closeSocket(worker);
    }
    reserved[Symbol.dispose]();
    expect(take).not.toThrow();
  });
});
