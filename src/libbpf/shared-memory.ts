// Memory that the agent and its workers share: made by the agent, inherited as a descriptor, mapped by each. Atomics on typed arrays
// over it are atomic between the processes.
import { check } from "./errno.ts";
import { allocateU64, native, toHandle, viewOf } from "./ffi.ts";

/** Zero at first. The mapping stays as long as the process, because views of the buffer may be anywhere. */
export class SharedMemory implements Disposable {
  /** For a child to inherit: a number in the `stdio` of Bun.spawn. */
  readonly fd: number;
  readonly buffer: ArrayBuffer;
  #isOpen = true;

  private constructor(fd: number, bytes: number) {
    this.fd = fd;
    const out = allocateU64(1);
    check(native().shim_memory_map(fd, bytes, out), `map shared memory of ${bytes} bytes`);
    this.buffer = viewOf(toHandle(out), bytes);
  }

  static create(bytes: number): SharedMemory {
    return new SharedMemory(check(native().shim_memory_create(bytes), `create shared memory of ${bytes} bytes`), bytes);
  }

  /** An inherited one, which must have been made with the same size; the descriptor is taken over. */
  static open(fd: number, bytes: number): SharedMemory {
    return new SharedMemory(fd, bytes);
  }

  /** Closes the descriptor: no more children can inherit it. */
  [Symbol.dispose](): void {
    if (this.#isOpen) check(native().shim_close(this.fd), "close shared memory");
    this.#isOpen = false;
  }
}
