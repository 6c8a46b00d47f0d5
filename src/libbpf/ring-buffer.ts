// Records that programs put into a BPF_MAP_TYPE_RINGBUF map. The owner decides when to drain, by a timer of its own: no thread,
// no callback from foreign code. `fd` is readable while records wait, for whoever can wait for that.
import { check } from "./errno.ts";
import { allocate, allocateU64, type Handle, native, toHandle } from "./ffi.ts";

/** A record's bytes are only good until the handler returns. */
export type RecordHandler = (record: Uint8Array) => void;

const HEADER_BYTES = 8;

export class RingBuffer {
  #handle: Handle | undefined;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  private constructor(handle: Handle, capacity: number) {
    this.#handle = handle;
    this.#buffer = allocate(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** `mapFd` stays the caller's, and must stay open. A record of more than `maxRecordBytes` is an error when it is drained. */
  static open(mapFd: number, maxRecordBytes: number, bufferBytes = 256 * 1024): RingBuffer {
    const out = allocateU64(1);
    check(native().shim_ring_open(mapFd, maxRecordBytes, out), "open ring buffer");
    return new RingBuffer(toHandle(out), Math.max(bufferBytes, HEADER_BYTES + maxRecordBytes + 7));
  }

  get fd(): number {
    return native().shim_ring_fd(this.#open);
  }

  /**
   * Hands over what waits, at most `maxBuffers` buffers full, so that a busy ring can't hold the event loop. True if more may
   * be waiting. If the handler throws, the rest of that buffer is lost.
   */
  drain(handler: RecordHandler, maxBuffers = 4): boolean {
    for (let i = 0; i < maxBuffers; i++) {
      const length = check(
        native().shim_ring_drain(this.#open, this.#buffer, this.#buffer.length),
        "drain ring buffer",
      );
      if (length === 0) return false;
      this.#deliver(length, handler);
    }
    return true;
  }

  [Symbol.dispose](): void {
    if (this.#handle === undefined) return;
    native().shim_ring_close(this.#handle);
    this.#handle = undefined;
  }

  get #open(): Handle {
    if (this.#handle === undefined) throw new TypeError("a ring buffer was used after it was closed");
    return this.#handle;
  }

  #deliver(length: number, handler: RecordHandler): void {
    for (let offset = 0; offset < length; ) {
      const size = this.#view.getUint32(offset, true);
      const start = offset + HEADER_BYTES;
      handler(this.#buffer.subarray(start, start + size));
      offset = start + ((size + 7) & ~7);
    }
  }
}
