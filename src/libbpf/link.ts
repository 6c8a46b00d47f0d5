// A program's attachment to a cgroup. It lasts as long as something holds it: this object, or a pin, which survives the process.
import { unlinkSync } from "node:fs";
import { Descriptor, openPinned } from "./descriptor.ts";
import { check } from "./errno.ts";
import { allocateU32, allocateU64, native } from "./ffi.ts";

export interface LinkInfo {
  readonly id: number;
  readonly programId: number;
  /** enum bpf_attach_type */
  readonly attachType: number;
  /** The inode number of the cgroup's directory; 0n when the cgroup is gone or the link was detached. */
  readonly cgroupId: bigint;
}

export class Link {
  readonly #descriptor: Descriptor;

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#descriptor = new Descriptor(fd);
  }

  static openPinned(path: string): Link | undefined {
    const fd = openPinned(path);
    return fd === undefined ? undefined : new Link(fd);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** From one socket operation to the next the new program runs instead of the old: there is no moment without one. */
  update(program: { readonly fd: number; readonly name: string }): void {
    check(native().shim_link_update(this.fd, program.fd), `update link to program ${program.name}`);
  }

  /** The attachment ends, pinned or not; the link itself stays, defunct. */
  detach(): void {
    check(native().shim_link_detach(this.fd), "detach link");
  }

  info(): LinkInfo {
    const out = allocateU32(4);
    const cgroupId = allocateU64(1);
    check(native().shim_link_info(this.fd, out, cgroupId), "get info of link");
    const [id = 0, programId = 0, attachType = 0] = out;
    return { id, programId, attachType, cgroupId: cgroupId[0] ?? 0n };
  }

  pin(path: string): void {
    this.#descriptor.pin(path, "link");
  }

  /** Without the pin the attachment ends with this object. */
  unpin(path: string): void {
    unlinkSync(path);
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }
}
