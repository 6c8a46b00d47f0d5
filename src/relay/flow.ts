// One TCP connection as the relay uses it: a queue for what the kernel didn't take, and a gate that stops reading from the other
// side while that queue isn't empty: a stalled peer costs what one read holds, however much is sent to it.
import type { Socket } from "bun";

/** Why a connection isn't read from; each reason is released by who gave it. */
export const Hold = {
  /** What it sends goes to a connection whose queue isn't empty. */
  peerIsFull: 1,
  /** Its request's destination isn't connected yet. */
  noDestination: 2,
  /** It has sent more requests ahead than are kept. */
  pipeline: 4,
} as const;
export type Hold = (typeof Hold)[keyof typeof Hold];

export class Flow {
  #socket: Socket<unknown> | undefined;
  /** Bytes that nobody else writes to. */
  readonly #queue: Uint8Array[] = [];
  #feeder: Flow | undefined;
  #holds = 0;
  #endsWhenEmpty = false;
  /** Bytes that the kernel hasn't taken. */
  queued = 0;
  /** The peer has gone, or was sent away: what is written is lost. */
  isClosed = false;

  /** What is written before goes to the queue. */
  attach(socket: Socket<unknown>): void {
    this.#socket = socket;
    if (this.#holds !== 0) socket.pause();
  }

  /** The connection whose bytes are written here: it isn't read from while the queue isn't empty. */
  set feeder(feeder: Flow | undefined) {
    if (feeder === this.#feeder) return;
    if (this.queued > 0) {
      this.#feeder?.release(Hold.peerIsFull);
      feeder?.hold(Hold.peerIsFull);
    }
    this.#feeder = feeder;
  }

  /** `isKept`: nobody writes to `bytes` again, so that what isn't taken need not be copied. */
  write(bytes: Uint8Array, from: number, to: number, isKept: boolean): void {
    if (from >= to || this.isClosed) return;
    let start = from;
    if (this.queued === 0 && this.#socket !== undefined) {
      const taken = this.#socket.write(bytes, from, to - from);
      if (taken === to - from) return;
      if (taken < 0) {
        this.isClosed = true;
        return;
      }
      start += taken;
    }
    const rest = bytes.subarray(start, to);
    this.#queue.push(isKept ? rest : rest.slice());
    if (this.queued === 0) this.#feeder?.hold(Hold.peerIsFull);
    this.queued += to - start;
  }

  /** The kernel takes more. */
  drain(): void {
    const socket = this.#socket;
    while (socket !== undefined && !this.isClosed) {
      const [first] = this.#queue;
      if (first === undefined) break;
      const taken = socket.write(first, 0, first.length);
      if (taken < 0) {
        this.isClosed = true;
        return;
      }
      this.queued -= taken;
      if (taken < first.length) {
        this.#queue[0] = first.subarray(taken);
        return;
      }
      this.#queue.shift();
    }
    this.#feeder?.release(Hold.peerIsFull);
    if (this.#endsWhenEmpty) this.#shutdown();
  }

  /** Closes this side once all is sent: the peer reads an end. */
  end(): void {
    if (this.isClosed) return;
    if (this.queued > 0) this.#endsWhenEmpty = true;
    else this.#shutdown();
  }

  #shutdown(): void {
    this.#endsWhenEmpty = false;
    this.#socket?.shutdown();
  }

  /** Closes both sides; what the kernel has taken is still sent. */
  close(): void {
    if (!this.isClosed) this.#socket?.end();
    this.#gone();
  }

  /** Resets the connection, which is how a peer learns that a message isn't whole. */
  terminate(): void {
    this.#socket?.terminate();
    this.#gone();
  }

  /** The connection has ended by itself. */
  closed(): void {
    this.#gone();
  }

  #gone(): void {
    this.isClosed = true;
    this.#queue.length = 0;
    if (this.queued > 0) this.#feeder?.release(Hold.peerIsFull);
    this.queued = 0;
    this.#feeder = undefined;
    this.#socket = undefined;
  }

  hold(reason: Hold): void {
    if (this.#holds === 0) this.#socket?.pause();
    this.#holds |= reason;
  }

  release(reason: Hold): void {
    if (this.#holds === 0) return;
    this.#holds &= ~reason;
    if (this.#holds === 0) this.#socket?.resume();
  }
}
