// A BPF object file: opened from bytes, adjusted to this host, loaded. The maps and programs taken from it own their
// descriptors and outlive it.
import { readFileSync } from "node:fs";
import { check } from "./errno.ts";
import { allocate, allocateU32, allocateU64, cString, type Handle, native, toHandle } from "./ffi.ts";
import { BpfMap, type ElementCodecs } from "./map.ts";
import { Program } from "./program.ts";
import { loadError, takeLog } from "./verifier-log.ts";

const MAX_NAMES_BYTES = 64 * 1024;

export class BpfObject {
  readonly name: string;
  #handle: Handle | undefined;

  private constructor(name: string, handle: Handle) {
    this.name = name;
    this.#handle = handle;
  }

  /**
   * Reads the ELF file; nothing reaches the kernel yet. `name` appears in errors only. The bytes must be of our own build:
   * libbpf trusts what it parses, and a crafted file can crash it.
   */
  static open(bytes: Uint8Array, name: string): BpfObject {
    takeLog();
    const out = allocateU64(1);
    const result = native().shim_object_open(bytes, bytes.length, cString(name), out);
    if (result < 0) throw loadError(`open BPF object ${name}`, -result);
    return new BpfObject(name, toHandle(out));
  }

  static openFile(path: string, name: string): BpfObject {
    return BpfObject.open(readFileSync(path), name);
  }

  mapNames(): string[] {
    return this.#names("shim_object_maps");
  }

  programNames(): string[] {
    return this.#names("shim_object_programs");
  }

  setMaxEntries(map: string, count: number): void {
    const result = native().shim_object_set_max_entries(this.#open, cString(map), count);
    check(result, `set max_entries of map ${map} to ${count}`);
  }

  /** Off: the map isn't created, and programs that use it must not be loaded either. */
  setAutocreate(map: string, isOn: boolean): void {
    check(native().shim_object_set_autocreate(this.#open, cString(map), isOn ? 1 : 0), `set autocreate of map ${map}`);
  }

  setAutoload(program: string, isOn: boolean): void {
    check(
      native().shim_object_set_autoload(this.#open, cString(program), isOn ? 1 : 0),
      `set autoload of program ${program}`,
    );
  }

  /** The value of a global (`const volatile` knobs above all), before load. An integer takes the variable's size. */
  setVariable(name: string, value: number | bigint | boolean | Uint8Array): void {
    const bytes = value instanceof Uint8Array ? value : littleEndian(value);
    check(native().shim_object_set_variable(this.#open, cString(name), bytes, bytes.length), `set variable ${name}`);
  }

  /**
   * Uses a map that exists instead of creating one; its max_entries stay. libbpf would take any map, whatever it holds: here a
   * map of another shape is EINVAL.
   */
  reuseMap(name: string, map: BpfMap<unknown, unknown>): void {
    const spec = allocateU32(5);
    check(native().shim_object_map_spec(this.#open, cString(name), spec), `find map ${name}`);
    const { type, keySize, valueSize, flags } = map.info();
    const wanted = `type ${spec[0]}, key ${spec[1]} bytes, value ${spec[2]} bytes, flags ${spec[4]}`;
    const present = `type ${type}, key ${keySize} bytes, value ${valueSize} bytes, flags ${flags}`;
    if (wanted !== present) check(-22, `reuse map ${name}`, `it has ${present}; the program wants ${wanted}`);
    check(native().shim_object_reuse_map(this.#open, cString(name), map.fd), `reuse map ${name}`);
  }

  /** Creates the maps, and has the kernel verify the programs. */
  load(): void {
    takeLog();
    const result = native().shim_object_load(this.#open);
    if (result < 0) throw loadError(`load BPF object ${this.name}`, -result);
    takeLog();
  }

  /** After load. */
  map<K, V>(definition: ElementCodecs<K, V> & { readonly name: string }): BpfMap<K, V> {
    const { name } = definition;
    return BpfMap.adopt(check(native().shim_object_map_fd(this.#open, cString(name)), `open map ${name}`), definition);
  }

  /** After load. */
  program(name: string): Program {
    const out = allocateU32(1);
    const fd = check(native().shim_object_program_fd(this.#open, cString(name), out), `open program ${name}`);
    return new Program(fd, name, out[0]);
  }

  [Symbol.dispose](): void {
    if (this.#handle === undefined) return;
    native().shim_object_close(this.#handle);
    this.#handle = undefined;
  }

  get #open(): Handle {
    if (this.#handle === undefined) throw new TypeError(`BPF object ${this.name} was used after it was closed`);
    return this.#handle;
  }

  #names(list: "shim_object_maps" | "shim_object_programs"): string[] {
    const out = allocate(MAX_NAMES_BYTES);
    const length = check(native()[list](this.#open, out, out.length), `list BPF object ${this.name}`);
    return new TextDecoder()
      .decode(out.subarray(0, length))
      .split("\n")
      .filter((name) => name !== "");
  }
}

function littleEndian(value: number | bigint | boolean): Uint8Array {
  const bytes = allocate(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
