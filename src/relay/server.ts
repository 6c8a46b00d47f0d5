// Accepts connections on the worker's private port: whoever wasn't sent here by the mesh is turned away, and the others are served
// by the chain that they were sent to.
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import { MeshError } from "../errors.ts";
import { parseAddress, type SocketAddress } from "../ip.ts";
import { bindStream, listen } from "../libbpf/socket.ts";
import { Downstream } from "./downstream.ts";
import type { Engine, Origins } from "./engine.ts";
import type { Guard } from "./guard.ts";

/** Makes a socket that will listen one that connections are sent to. */
export type Mark = (fd: number) => void;

interface Slot {
  downstream: Downstream | undefined;
}

export class Server {
  readonly #engine: Engine;
  readonly #origins: Origins;
  readonly #guard: Guard;
  readonly #connections = new Set<Downstream>();
  #listeners: TCPSocketListener<Slot>[] = [];
  #onEmpty: (() => void) | undefined;

  constructor(engine: Engine, origins: Origins, guard: Guard) {
    this.#engine = engine;
    this.#origins = origins;
    this.#guard = guard;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Throws KernelError. Others may listen there as well, each with a part of the connections. */
  listen(address: SocketAddress, mark: Mark): void {
    const fd = bindStream(address);
    mark(fd);
    listen(fd);
    this.#listeners.push(
      Bun.listen({ fd, allowHalfOpen: true, data: { downstream: undefined }, socket: this.#handlers() } as never),
    );
  }

  /** The configuration has changed. */
  refresh(): void {
    for (const connection of [...this.#connections]) connection.refresh();
  }

  /** Accepts no more; `onEmpty` is called when the last connection has ended. */
  drain(onEmpty: () => void): void {
    for (const listener of this.#listeners) listener.stop();
    this.#listeners = [];
    this.#onEmpty = onEmpty;
    this.refresh();
    this.#checkEmpty();
  }

  abort(): void {
    for (const connection of [...this.#connections]) connection.abort();
  }

  #accept(socket: Socket<Slot>): void {
    const { state, stats } = this.#engine;
    const client = socketAddress(socket.remoteAddress, socket.remotePort);
    const original = this.#origins.take(client, () => socketAddress(socket.localAddress, socket.localPort));
    const plan = original && state.chain(original.key);
    if (original === undefined || plan === undefined) {
      stats.refuse(original === undefined ? "not sent by the mesh" : "no such chain");
      socket.terminate();
      return;
    }
    const downstream = new Downstream(this.#engine, socket, client, original, plan, (gone) => {
      this.#connections.delete(gone);
      this.#checkEmpty();
    });
    socket.data = { downstream };
    this.#connections.add(downstream);
  }

  #checkEmpty(): void {
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #handlers(): SocketHandler<Slot> {
    const run = (socket: Socket<Slot>, what: (downstream: Downstream) => void): void => {
      const { downstream } = socket.data;
      if (downstream !== undefined)
        this.#guard(
          () => what(downstream),
          () => downstream.abort(),
        );
    };
    return {
      open: (socket) =>
        this.#guard(
          () => this.#accept(socket),
          () => socket.terminate(),
        ),
      data: (socket, bytes) => run(socket, (downstream) => downstream.data(bytes)),
      drain: (socket) => run(socket, (downstream) => downstream.drained()),
      end: (socket) => run(socket, (downstream) => downstream.ended()),
      close: (socket) => run(socket, (downstream) => downstream.closed()),
      error: () => {
        // `close` follows.
      },
    };
  }
}

function socketAddress(text: string, port: number): SocketAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new MeshError("unexpected", `parse the address ${text} of a connection`);
  return { address, port };
}
