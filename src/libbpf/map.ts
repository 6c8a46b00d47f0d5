// A map in the kernel, with codecs for its keys and values. Bulk operations take and give packed bytes. Not reentrant: one
// element at a time goes through buffers that the map keeps.
import { type Codec, unpack } from "../layout/codec.ts";
import { Descriptor, openPinned } from "./descriptor.ts";
import { check, checkFound, ENOENT } from "./errno.ts";
import { allocate, allocateU32, cString, fromCString, native } from "./ffi.ts";
import { type Dump, dump } from "./map-dump.ts";
import { MapType } from "./uapi.ts";

export interface ElementCodecs<K, V> {
  readonly key: Codec<K>;
  readonly value: Codec<V>;
}

export interface MapInfo {
  readonly type: number;
  readonly id: number;
  /** At most 15 characters: the kernel cuts it. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export interface MapSpec<K, V> extends ElementCodecs<K, V> {
  readonly name: string;
  readonly type: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** A map like those that this map of maps will hold. */
  readonly inner?: BpfMap<unknown, unknown>;
}

/** Whether the key may, must not, or must be there already: BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
export type UpdateMode = "any" | "create" | "replace";

const UPDATE_FLAGS = { any: 0n, create: 1n, replace: 2n } as const satisfies Record<UpdateMode, bigint>;
const NAME_BYTES = 16;
const PER_CPU_TYPES: ReadonlySet<number> = new Set([
  MapType.PERCPU_HASH,
  MapType.PERCPU_ARRAY,
  MapType.LRU_PERCPU_HASH,
  MapType.PERCPU_CGROUP_STORAGE,
]);

export class BpfMap<K, V> {
  readonly name: string;
  readonly isPerCpu: boolean;
  /** Bytes from one element's value to the next in a dump: of one value, or of all CPUs' values each padded to 8. */
  readonly valueStride: number;
  readonly #descriptor: Descriptor;
  readonly #codecs: ElementCodecs<K, V>;
  readonly #maxEntries: number;
  readonly #key: DataView<ArrayBuffer>;
  readonly #value: DataView<ArrayBuffer>;

  private constructor(descriptor: Descriptor, codecs: ElementCodecs<K, V>, info: MapInfo) {
    this.#descriptor = descriptor;
    this.#codecs = codecs;
    this.name = info.name;
    this.#maxEntries = info.maxEntries;
    this.isPerCpu = PER_CPU_TYPES.has(info.type);
    this.valueStride = this.isPerCpu ? perCpuStride(info.valueSize) * possibleCpus() : info.valueSize;
    this.#key = new DataView(allocate(info.keySize).buffer);
    this.#value = new DataView(allocate(this.valueStride).buffer);
  }

  /** Takes over `fd`. A map whose sizes aren't the codecs' is refused: it is of another layout. */
  static adopt<K, V>(fd: number, codecs: ElementCodecs<K, V>): BpfMap<K, V> {
    const descriptor = new Descriptor(fd);
    try {
      const info = readInfo(fd);
      const wanted = `key ${codecs.key.size} bytes, value ${codecs.value.size} bytes`;
      const present = `key ${info.keySize} bytes, value ${info.valueSize} bytes`;
      if (wanted !== present) check(-22, `open map ${info.name}`, `it has ${present}; wanted ${wanted}`);
      return new BpfMap(descriptor, codecs, info);
    } catch (error) {
      descriptor[Symbol.dispose]();
      throw error;
    }
  }

  static create<K, V>(spec: MapSpec<K, V>): BpfMap<K, V> {
    const { type, name, key, value, maxEntries, flags = 0, inner } = spec;
    const fd = native().shim_map_create(type, cString(name), key.size, value.size, maxEntries, flags, inner?.fd ?? 0);
    return BpfMap.adopt(check(fd, `create map ${name}`), spec);
  }

  /** Undefined if nothing is pinned there. */
  static openPinned<K, V>(path: string, codecs: ElementCodecs<K, V>): BpfMap<K, V> | undefined {
    const fd = openPinned(path);
    return fd === undefined ? undefined : BpfMap.adopt(fd, codecs);
  }

  /** Undefined if there is none with this id: what a map of maps holds. */
  static openById<K, V>(id: number, codecs: ElementCodecs<K, V>): BpfMap<K, V> | undefined {
    const fd = checkFound(native().shim_map_get_fd_by_id(id), `open map with id ${id}`);
    return fd === undefined ? undefined : BpfMap.adopt(fd, codecs);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  info(): MapInfo {
    return readInfo(this.fd);
  }

  get(key: K): V | undefined {
    this.#requirePerCpu(false);
    return this.#lookup(key) ? this.#codecs.value.decode(this.#value, 0) : undefined;
  }

  /** One value for each possible CPU. */
  getPerCpu(key: K): V[] | undefined {
    this.#requirePerCpu(true);
    if (!this.#lookup(key)) return undefined;
    const { value } = this.#codecs;
    return unpack(value, new Uint8Array(this.#value.buffer), possibleCpus(), perCpuStride(value.size));
  }

  set(key: K, value: V, mode: UpdateMode = "any"): void {
    this.#requirePerCpu(false);
    this.#codecs.value.encode(value, this.#value, 0);
    const flags = UPDATE_FLAGS[mode];
    check(native().shim_map_update(this.fd, this.#encodeKey(key), this.#value, flags), `update map ${this.name}`);
  }

  /** False if it wasn't there. */
  delete(key: K): boolean {
    const result = native().shim_map_delete(this.fd, this.#encodeKey(key));
    return checkFound(result, `delete from map ${this.name}`) !== undefined;
  }

  /** Gets and deletes. */
  take(key: K): V | undefined {
    this.#requirePerCpu(false);
    const result = native().shim_map_take(this.fd, this.#encodeKey(key), this.#value);
    if (checkFound(result, `take from map ${this.name}`) === undefined) return undefined;
    return this.#codecs.value.decode(this.#value, 0);
  }

  keys(): K[] {
    const { keys, count } = this.dump();
    return unpack(this.#codecs.key, keys, count);
  }

  entries(): [K, V][] {
    this.#requirePerCpu(false);
    const { keys, values, count } = this.dump();
    const decoded = unpack(this.#codecs.value, values, count);
    return unpack(this.#codecs.key, keys, count).map((key, i) => [key, decoded[i] as V]);
  }

  /** Every element, packed. Of a map that changes meanwhile each element that stays is seen; one may be seen twice. */
  dump(): Dump {
    const { key } = this.#codecs;
    return dump({
      fd: this.fd,
      name: this.name,
      keySize: key.size,
      stride: this.valueStride,
      maxEntries: this.#maxEntries,
    });
  }

  /** Writes `count` elements in order. On failure the error says how many were written. */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, mode: UpdateMode = "any"): void {
    const keySize = this.#codecs.key.size;
    requireLength(keys, count * keySize);
    requireLength(values, count * this.valueStride);
    if (count === 0) return;
    const done = allocateU32(1);
    const flags = UPDATE_FLAGS[mode];
    const result = native().shim_map_update_batch(this.fd, keys, keySize, values, this.valueStride, count, flags, done);
    check(result, `update map ${this.name}`, `${done[0]} of ${count} elements were written`);
  }

  /** Deletes up to `count` elements; those that aren't there are passed over. How many were deleted. */
  deleteBatch(keys: Uint8Array, count: number): number {
    const keySize = this.#codecs.key.size;
    requireLength(keys, count * keySize);
    if (count === 0) return 0;
    const deleted = allocateU32(1);
    const result = native().shim_map_delete_batch(this.fd, keys, keySize, count, deleted);
    check(result, `delete from map ${this.name}`, `${deleted[0]} of ${count} elements were deleted`);
    return deleted[0] ?? 0;
  }

  pin(path: string): void {
    this.#descriptor.pin(path, `map ${this.name}`);
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }

  #encodeKey(key: K): DataView {
    this.#codecs.key.encode(key, this.#key, 0);
    return this.#key;
  }

  #lookup(key: K): boolean {
    const result = native().shim_map_lookup(this.fd, this.#encodeKey(key), this.#value);
    if (result === -ENOENT) return false;
    check(result, `look up in map ${this.name}`);
    return true;
  }

  #requirePerCpu(wanted: boolean): void {
    if (this.isPerCpu !== wanted)
      throw new TypeError(`map ${this.name} has ${wanted ? "one value" : "a value per CPU"}`);
  }
}

function readInfo(fd: number): MapInfo {
  const out = allocateU32(6);
  const name = allocate(NAME_BYTES);
  check(native().shim_map_info(fd, out, name), "get info of map");
  const [type = 0, id = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0] = out;
  return { type, id, name: fromCString(name), keySize, valueSize, maxEntries, flags };
}

function possibleCpus(): number {
  return check(native().shim_possible_cpus(), "count CPUs");
}

function perCpuStride(valueSize: number): number {
  return (valueSize + 7) & ~7;
}

function requireLength(packed: Uint8Array, length: number): void {
  if (packed.length < length) throw new RangeError(`${packed.length} packed bytes where ${length} are needed`);
}
