// Opens connections to endpoints: sockets of ours, so that the mesh leaves them alone, which the runtime then reads and writes.
import type { Socket, SocketHandler } from "bun";
import type { SocketAddress } from "../ip.ts";
import { closeSocket, connect, openStream } from "../libbpf/socket.ts";
import type { Guard } from "./guard.ts";

/** Exempts a socket from the mesh before it connects; nothing where no program is attached. */
export type Exempt = (fd: number) => void;

/** What happens to a connection that was asked for; `opened` may come before `open` returns. */
export interface Connection {
  /** Connected: written to from now on. */
  opened(socket: Socket<unknown>): void;
  data(bytes: Buffer): void;
  /** The peer sends no more. */
  ended(): void;
  drained(): void;
  /** Once, at the end; before `opened` it never connected. `isReset`: the peer didn't end it in order. */
  closed(isReset: boolean): void;
}

/** One connection on its way; `cancel` gives up before it is there. */
export interface Connecting {
  cancel(): void;
}

interface Slot {
  readonly connection: Connection;
  isConnected: boolean;
  isCancelled: boolean;
  isClosed: boolean;
  socket: Socket<Slot> | undefined;
}

export class Connector {
  readonly #exempt: Exempt;
  readonly #guard: Guard;
  readonly #handlers: SocketHandler<Slot>;

  /** `guard` runs a callback; whatever it throws ends that connection only. */
  constructor(exempt: Exempt, guard: Guard) {
    this.#exempt = exempt;
    this.#guard = guard;
    this.#handlers = handlersOf(guard);
  }

  /** Throws KernelError where it is refused at once. */
  open(to: SocketAddress, connection: Connection): Connecting {
    const fd = openStream(to.address.family);
    let state: "connected" | "connecting";
    try {
      this.#exempt(fd);
      state = connect(fd, to);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    const slot: Slot = {
      connection,
      isConnected: state === "connected",
      isCancelled: false,
      isClosed: false,
      socket: undefined,
    };
    // The runtime has the descriptor from here on. Its promise tells nothing that the callbacks don't.
    Bun.connect({ fd, allowHalfOpen: true, data: slot, socket: this.#handlers } as never).catch(() =>
      this.#guard(
        () => finish(slot, true),
        () => {},
      ),
    );
    return {
      cancel: () => {
        slot.isCancelled = true;
        slot.socket?.terminate();
      },
    };
  }
}

/**
 * `open` comes at once, connected or not; a socket that is still connecting is connected when its first `drain` comes, and must
 * not be written to before: a write would take the error.
 */
function handlersOf(guard: Guard): SocketHandler<Slot> {
  const run = (socket: Socket<Slot>, what: () => void): void => guard(what, () => socket.terminate());
  return {
    open(socket) {
      const slot = socket.data;
      slot.socket = socket;
      if (slot.isCancelled) socket.terminate();
      else if (slot.isConnected) run(socket, () => slot.connection.opened(socket));
    },
    drain(socket) {
      const slot = socket.data;
      if (slot.isCancelled) return;
      if (slot.isConnected) return run(socket, () => slot.connection.drained());
      slot.isConnected = true;
      run(socket, () => slot.connection.opened(socket));
    },
    data(socket, bytes) {
      run(socket, () => socket.data.connection.data(bytes));
    },
    end(socket) {
      run(socket, () => socket.data.connection.ended());
    },
    close(socket, error) {
      run(socket, () => finish(socket.data, error != null));
    },
    error() {
      // `close` follows.
    },
  };
}

function finish(slot: Slot, isReset: boolean): void {
  if (slot.isClosed) return;
  slot.isClosed = true;
  if (!slot.isCancelled) slot.connection.closed(isReset);
}
