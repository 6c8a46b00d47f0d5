// A verified program in the kernel: attached to a cgroup, pinned, asked about, or run once for a test.
import { MeshError } from "../errors.ts";
import { Descriptor, openPinned } from "./descriptor.ts";
import { check } from "./errno.ts";
import { allocate, allocateU32, fromCString, native } from "./ffi.ts";
import { Link } from "./link.ts";

const NAME_BYTES = 16;
const TAG_BYTES = 8;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface ProgramInfo {
  readonly type: number;
  readonly id: number;
  /** At most 15 characters: the kernel cuts it. */
  readonly name: string;
  /** Hex digest of the instructions: equal for equal programs. */
  readonly tag: string;
  /** How many instructions the verifier walked; 0 where the kernel doesn't tell (before 5.16). */
  readonly verifiedInstructions: number;
  readonly translatedBytes: number;
}

export interface ProgramRun {
  readonly returnValue: number;
  readonly durationNs: number;
  readonly output: Uint8Array;
}

export class Program {
  readonly name: string;
  readonly attachType: number | undefined;
  readonly #descriptor: Descriptor;

  /** Takes over `fd`. `attachType`: enum bpf_attach_type, as the program's section names it. */
  constructor(fd: number, name: string, attachType?: number) {
    this.name = name;
    this.attachType = attachType;
    this.#descriptor = new Descriptor(fd);
  }

  static openPinned(path: string, name: string, attachType?: number): Program | undefined {
    const fd = openPinned(path);
    return fd === undefined ? undefined : new Program(fd, name, attachType);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** Every socket of the cgroup and its descendants runs it from now on, beside what others attached. */
  attachCgroup(cgroupFd: number): Link {
    if (this.attachType === undefined)
      throw new MeshError("unexpected", `attach program ${this.name}: unknown attach type`);
    const result = native().shim_link_create(this.fd, cgroupFd, this.attachType);
    return new Link(check(result, `attach program ${this.name}`));
  }

  info(): ProgramInfo {
    const out = allocateU32(4);
    const name = allocate(NAME_BYTES);
    const tag = allocate(TAG_BYTES);
    check(native().shim_program_info(this.fd, out, name, tag), `get info of program ${this.name}`);
    const [type = 0, id = 0, verifiedInstructions = 0, translatedBytes = 0] = out;
    return { type, id, name: fromCString(name), tag: tag.toHex(), verifiedInstructions, translatedBytes };
  }

  /** BPF_PROG_TEST_RUN, for the types that have it. The output is the packet as the program left it. */
  run(input: Uint8Array, repeat = 1): ProgramRun {
    const output = allocate(input.length === 0 ? 1 : MAX_OUTPUT_BYTES);
    const out = allocateU32(3);
    const room = input.length === 0 ? 0 : output.length;
    const given = input.length === 0 ? allocate(1) : input;
    check(
      native().shim_program_run(this.fd, given, input.length, output, room, repeat, out),
      `run program ${this.name}`,
    );
    const [returnValue = 0, durationNs = 0, length = 0] = out;
    return { returnValue, durationNs, output: output.slice(0, Math.min(length, room)) };
  }

  pin(path: string): void {
    this.#descriptor.pin(path, `program ${this.name}`);
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }
}
