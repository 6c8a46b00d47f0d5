// The only place of bun:ffi: the embedded library, opened once, and the table of its functions. Each call is guarded, because the
// runtime turns an undefined or NaN argument into 0 without a word, and 0 is a valid file descriptor.

import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import { readFileSync, writeSync } from "node:fs";
import libraryPath from "../../build/libmeshbpf.so" with { type: "file" };
import { UnsupportedError } from "../errors.ts";

const int = "i32";
const u32 = "u32";
const u64 = "u64";
const buffer = "buffer";
const handle = "ptr";

const FUNCTIONS = {
  shim_log_length: { args: [], returns: u32 },
  shim_log_take: { args: [buffer, u64], returns: int },
  shim_object_open: { args: [buffer, u64, buffer, buffer], returns: int },
  shim_object_close: { args: [handle], returns: "void" },
  shim_object_load: { args: [handle], returns: int },
  shim_object_maps: { args: [handle, buffer, u64], returns: int },
  shim_object_programs: { args: [handle, buffer, u64], returns: int },
  shim_object_set_autoload: { args: [handle, buffer, u32], returns: int },
  shim_object_set_autocreate: { args: [handle, buffer, u32], returns: int },
  shim_object_set_max_entries: { args: [handle, buffer, u32], returns: int },
  shim_object_map_spec: { args: [handle, buffer, buffer], returns: int },
  shim_object_reuse_map: { args: [handle, buffer, int], returns: int },
  shim_object_set_variable: { args: [handle, buffer, buffer, u64], returns: int },
  shim_object_map_fd: { args: [handle, buffer], returns: int },
  shim_object_program_fd: { args: [handle, buffer, buffer], returns: int },
  shim_map_create: { args: [u32, buffer, u32, u32, u32, u32, int], returns: int },
  shim_map_info: { args: [int, buffer, buffer], returns: int },
  shim_map_get_fd_by_id: { args: [u32], returns: int },
  shim_map_lookup: { args: [int, buffer, buffer], returns: int },
  shim_map_update: { args: [int, buffer, buffer, u64], returns: int },
  shim_map_take: { args: [int, buffer, buffer], returns: int },
  shim_map_delete: { args: [int, buffer], returns: int },
  shim_map_update_batch: { args: [int, buffer, u32, buffer, u32, u32, u64, buffer], returns: int },
  shim_map_delete_batch: { args: [int, buffer, u32, u32, buffer], returns: int },
  shim_map_read: { args: [int, u32, u32, buffer, buffer, buffer, buffer], returns: int },
  shim_possible_cpus: { args: [], returns: int },
  shim_pin: { args: [int, buffer], returns: int },
  shim_get_pinned: { args: [buffer], returns: int },
  shim_program_info: { args: [int, buffer, buffer, buffer], returns: int },
  shim_program_run: { args: [int, buffer, u64, buffer, u64, u32, buffer], returns: int },
  shim_link_create: { args: [int, int, u32], returns: int },
  shim_link_update: { args: [int, int], returns: int },
  shim_link_detach: { args: [int], returns: int },
  shim_link_info: { args: [int, buffer, buffer], returns: int },
  shim_probe_program_type: { args: [u32, u32], returns: int },
  shim_probe_map_type: { args: [u32], returns: int },
  shim_probe_helper: { args: [u32, u32, u32], returns: int },
  shim_ring_open: { args: [int, u32, buffer], returns: int },
  shim_ring_fd: { args: [handle], returns: int },
  shim_ring_drain: { args: [handle, buffer, u64], returns: int },
  shim_ring_close: { args: [handle], returns: "void" },
  shim_close: { args: [int], returns: int },
  shim_mount_bpffs: { args: [buffer], returns: int },
  shim_unmount: { args: [buffer], returns: int },
  shim_lock_directory: { args: [buffer], returns: int },
  shim_synchronize_rcu: { args: [], returns: int },
  shim_monotonic: { args: [buffer], returns: int },
  shim_stream_open: { args: [u32], returns: int },
  shim_stream_connect: { args: [int, u32, buffer, u32], returns: int },
  shim_socket_error: { args: [int], returns: int },
  shim_socket_port: { args: [int], returns: int },
  shim_stream_bind: { args: [u32, buffer, u32], returns: int },
  shim_stream_listen: { args: [int, int], returns: int },
  shim_memory_create: { args: [u64], returns: int },
  shim_memory_map: { args: [int, u64, buffer], returns: int },
} as const;

/** A pointer to something of the library's; JavaScript never looks behind it. */
export type Handle = Pointer;

export type Native = ReturnType<typeof open>;

/** The library, opened at the first call: a command that needs no kernel doesn't pay for it, nor fail without it. */
export const native: () => Native = once(open);

/** Memory whose address is stable: the runtime may move what a small `new Uint8Array(n)` holds. */
export function allocate(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

export function allocateU32(length: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(new ArrayBuffer(length * 4));
}

export function allocateU64(length: number): BigUint64Array<ArrayBuffer> {
  return new BigUint64Array(new ArrayBuffer(length * 8));
}

/** NUL-terminated UTF-8. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new TypeError(`a C string can't hold a NUL: ${JSON.stringify(text)}`);
  const encoded = new TextEncoder().encode(text);
  const terminated = allocate(encoded.length + 1);
  terminated.set(encoded);
  return terminated;
}

/** The text of a fixed-size, NUL-padded field. */
export function fromCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function toHandle(out: BigUint64Array): Handle {
  return Number(out[0]) as Handle;
}

/** Foreign memory as JavaScript sees it: nothing is copied, and nothing is freed. */
export function viewOf(memory: Handle, length: number): ArrayBuffer {
  return toArrayBuffer(memory, 0, length);
}

function open() {
  try {
    const { symbols } = dlopen(memoryFile(libraryPath), FUNCTIONS);
    return guardAll(symbols);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedError("libbpf", `can't be opened: ${reason}`, "a host with glibc >= 2.34 and /proc is needed");
  }
}

/**
 * Given an embedded path, dlopen would unpack to the temporary directory, which fails where that is mounted noexec and leaves a
 * file behind. A memory file needs no directory. Its descriptor stays open: its path is the library's name to the loader.
 */
function memoryFile(path: string): string {
  const { symbols } = dlopen("libc.so.6", { memfd_create: { args: ["cstring", "u32"], returns: "i32" } });
  const MFD_CLOEXEC = 1;
  const fd = symbols.memfd_create("libmeshbpf", MFD_CLOEXEC);
  if (fd < 0) throw new Error("memfd_create failed");
  const bytes = readFileSync(path);
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
  return `/proc/self/fd/${fd}`;
}

type Call = (...args: never[]) => unknown;

function guardAll<T extends Record<keyof typeof FUNCTIONS, Call>>(symbols: T): T {
  const guarded = Object.entries(FUNCTIONS).map(([name, { args }]) => [
    name,
    guard(name, symbols[name as keyof typeof FUNCTIONS], args),
  ]);
  return Object.fromEntries(guarded) as T;
}

function guard(name: string, call: Call, types: readonly string[]): Call {
  return (...args) => {
    for (let i = 0; i < types.length; i++) {
      if (!isValid(types[i], args[i])) {
        throw new TypeError(`${name}: argument ${i + 1} isn't a valid ${types[i]}: ${String(args[i])}`);
      }
    }
    return call(...args);
  };
}

function isValid(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case int:
      return Number.isInteger(value) && (value as number) === ((value as number) | 0);
    case u32:
      return Number.isInteger(value) && (value as number) === (value as number) >>> 0;
    case u64:
      return (Number.isSafeInteger(value) && (value as number) >= 0) || (typeof value === "bigint" && value >= 0n);
    case handle:
      return Number.isSafeInteger(value) && (value as number) > 0;
    default:
      return ArrayBuffer.isView(value);
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
