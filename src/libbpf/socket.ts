// TCP sockets that are made before the runtime gets them. Bun.connect can't exempt a socket from the mesh before it connects, and
// Bun.listen can't hold a port that other processes shall listen on.
import { constants } from "node:os";
import { KernelError, MeshError } from "../errors.ts";
import { type Address, type Family, formatSocketAddress, parseAddress, type SocketAddress } from "../ip.ts";
import { check } from "./errno.ts";
import { native } from "./ffi.ts";

/** A TCP socket that doesn't block, isn't inherited and sends at once; `closeSocket` it, or give it to the runtime. */
export function openStream(family: Family): number {
  return check(native().shim_stream_open(family), "open socket");
}

/**
 * Begins to connect. "connecting": the runtime's first `drain` says that it is connected, its `close` with an error that it failed;
 * nothing must be written before. Throws KernelError; the socket is the caller's to close.
 */
export function connect(fd: number, { address, port }: SocketAddress): "connected" | "connecting" {
  const result = native().shim_stream_connect(fd, address.family, address.bytes, port);
  if (result < 0) check(result, `connect to ${formatSocketAddress({ address, port })}`);
  return result === 0 ? "connected" : "connecting";
}

/** Takes the error that the socket holds: an errno, or 0. Not for one that the runtime has: that would miss it. */
export function socketError(fd: number): number {
  return check(native().shim_socket_error(fd), "get socket error");
}

export function closeSocket(fd: number): void {
  check(native().shim_close(fd), "close socket");
}

/**
 * A socket at an address that others of this user may have as well, each with a socket of its own (SO_REUSEPORT): connections are
 * spread among those that listen. Port 0: a free one.
 */
export function bindStream({ address, port }: SocketAddress): number {
  const fd = native().shim_stream_bind(address.family, address.bytes, port);
  return check(fd, `bind ${formatSocketAddress({ address, port })}`);
}

/** From now on connections can come. Then `Bun.listen({ fd })` accepts them, and owns the socket. */
export function listen(fd: number, backlog = 4096): void {
  check(native().shim_stream_listen(fd, backlog), "listen");
}

/** The port that a socket is bound to. */
export function portOf(fd: number): number {
  return check(native().shim_socket_port(fd), "get the port of a socket");
}

/** A port that is taken for the processes that will listen there with SO_REUSEPORT, one on each address. */
export interface ReservedPort extends Disposable {
  readonly port: number;
  readonly addresses: readonly SocketAddress[];
}

/** The kernel picks a port that is free on the first address; it may be taken on the second. */
const attempts = 64;
const { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT } = constants.errno;

/**
 * The same free port on 127.0.0.1 and ::1, held until it is disposed. Only processes of the same user can listen there. A host
 * without IPv6 has the first alone.
 */
export function reservePort(): ReservedPort {
  for (let attempt = 1; attempt < attempts; attempt++) {
    const reserved = tryReserve();
    if (reserved !== undefined) return reserved;
  }
  throw new MeshError("io", "reserve a port on 127.0.0.1 and ::1: none was free on both");
}

function tryReserve(): ReservedPort | undefined {
  using sockets = new DisposableStack();
  const v4 = loopback("127.0.0.1");
  const v6 = loopback("::1");
  const first = sockets.adopt(bindStream({ address: v4, port: 0 }), closeSocket);
  const port = portOf(first);
  const addresses: SocketAddress[] = [{ address: v4, port }];
  try {
    sockets.adopt(bindStream({ address: v6, port }), closeSocket);
    addresses.push({ address: v6, port });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno === EADDRINUSE) return undefined;
    if (error.errno !== EAFNOSUPPORT && error.errno !== EADDRNOTAVAIL) throw error;
  }
  const held = sockets.move();
  return { port, addresses, [Symbol.dispose]: () => held.dispose() };
}

function loopback(text: "127.0.0.1" | "::1"): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new MeshError("unexpected", `parse ${text}`);
  return address;
}
