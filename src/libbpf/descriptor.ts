// A BPF object of the kernel's as user space holds it: a file descriptor that is closed once. The object lives on while a pin,
// a link or a program refers to it.
import { check, checkFound } from "./errno.ts";
import { cString, native } from "./ffi.ts";

export class Descriptor {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get fd(): number {
    if (this.#fd === undefined) throw new TypeError("a BPF descriptor was used after it was closed");
    return this.#fd;
  }

  pin(path: string, what: string): void {
    check(native().shim_pin(this.fd, cString(path)), `pin ${what} to ${path}`);
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    check(native().shim_close(fd), `close descriptor ${fd}`);
  }
}

/** A descriptor of what is pinned at `path`, for the caller to own; undefined if nothing is. */
export function openPinned(path: string): number | undefined {
  return checkFound(native().shim_get_pinned(cString(path)), `open pin ${path}`);
}
