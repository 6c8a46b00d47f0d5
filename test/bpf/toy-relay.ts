// The smallest relay: listens as a worker does, and tells each client what it knows of its connection, or that it is a stranger.
import { mapDirectory } from "../../src/dataplane/maps.ts";
import { RelayMaps } from "../../src/dataplane/relay-maps.ts";
import { formatSocketAddress, parseAddress, type SocketAddress } from "../../src/ip.ts";
import { bindStream, closeSocket, listen, type ReservedPort, reservePort } from "../../src/libbpf/socket.ts";
import type { Original } from "../../src/relay/protocol.ts";
import type { Mesh } from "./mesh.ts";

export interface ToyRelayOptions {
  /** False: listens, but isn't known as the relay. */
  readonly isMarked?: boolean;
  /** False: connections wait until `accept`. */
  readonly isAccepting?: boolean;
}

export class ToyRelay implements Disposable {
  readonly #reserved: ReservedPort;
  readonly #maps: RelayMaps;
  readonly #waiting: number[] = [];
  readonly #listeners: Bun.TCPSocketListener<undefined>[] = [];

  /** Listens, and has connections sent to it. */
  constructor(mesh: Mesh, options: ToyRelayOptions = {}) {
    this.#reserved = reservePort();
    const maps = RelayMaps.openPinned(mapDirectory(mesh.pinDirectory));
    if (maps === undefined) throw new Error("the maps aren't pinned");
    this.#maps = maps;
    this.listen(options);
    mesh.dataplane.sendToRelay(this.#reserved.addresses);
  }

  get addresses(): readonly SocketAddress[] {
    return this.#reserved.addresses;
  }

  /** One more worker. */
  listen({ isMarked = true, isAccepting = true }: ToyRelayOptions = {}): void {
    for (const address of this.#reserved.addresses) {
      const fd = bindStream(address);
      if (isMarked) this.#maps.mark(fd);
      listen(fd);
      this.#waiting.push(fd);
    }
    if (isAccepting) this.accept();
  }

  accept(): void {
    for (const fd of this.#waiting.splice(0)) {
      const open = (socket: Bun.Socket<undefined>): void => {
        socket.write(`${this.#describe(socket)}\n`);
      };
      const options = { fd, socket: { open, data() {} } };
      this.#listeners.push(Bun.listen(options as unknown as Bun.TCPSocketListenOptions<undefined>));
    }
  }

  /** The worker that began first ends, with its connections. */
  stopOne(): void {
    for (const listener of this.#listeners.splice(0, this.#reserved.addresses.length)) listener.stop(true);
  }

  stop(): void {
    for (const fd of this.#waiting.splice(0)) closeSocket(fd);
    for (const listener of this.#listeners.splice(0)) listener.stop(true);
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#maps[Symbol.dispose]();
    this.#reserved[Symbol.dispose]();
  }

  #describe(socket: Bun.Socket<undefined>): string {
    const address = parseAddress(socket.remoteAddress);
    if (address === undefined) throw new Error(`not an address: ${socket.remoteAddress}`);
    return describe(this.#maps.take({ address, port: socket.remotePort }));
  }
}

function describe(original: Original | undefined): string {
  return original === undefined ? "stranger" : `${original.key} ${formatSocketAddress(original.destination)}`;
}
