// The primitives that mesh.gen.ts is made of: values to bytes and back, at an offset of a DataView. Integers are little-endian,
// as on every host we run on, but for __be* ones. A codec writes every byte of its value, so that padding in a key is zero.

export interface Codec<T> {
  readonly size: number;
  encode(value: T, view: DataView, offset: number): void;
  decode(view: DataView, offset: number): T;
}

export interface StructCodec<T> extends Codec<T> {
  /** The C struct's name. */
  readonly name: string;
  /** Where each field is, by its name in C; padding included. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** What the BPF object declares of a map, apart from max_entries, with the codecs for its elements. */
export interface MapDefinition<K, V> {
  readonly name: string;
  /** enum bpf_map_type */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly flags: number;
  readonly key: Codec<K>;
  readonly value: Codec<V>;
}

export const u8: Codec<number> = {
  size: 1,
  encode: (value, view, offset) => view.setUint8(offset, value),
  decode: (view, offset) => view.getUint8(offset),
};

export const u16: Codec<number> = {
  size: 2,
  encode: (value, view, offset) => view.setUint16(offset, value, true),
  decode: (view, offset) => view.getUint16(offset, true),
};

export const u32: Codec<number> = {
  size: 4,
  encode: (value, view, offset) => view.setUint32(offset, value, true),
  decode: (view, offset) => view.getUint32(offset, true),
};

export const u64: Codec<bigint> = {
  size: 8,
  encode: (value, view, offset) => view.setBigUint64(offset, value, true),
  decode: (view, offset) => view.getBigUint64(offset, true),
};

export const s32: Codec<number> = {
  size: 4,
  encode: (value, view, offset) => view.setInt32(offset, value, true),
  decode: (view, offset) => view.getInt32(offset, true),
};

export const s64: Codec<bigint> = {
  size: 8,
  encode: (value, view, offset) => view.setBigInt64(offset, value, true),
  decode: (view, offset) => view.getBigInt64(offset, true),
};

/** A byte array of fixed length: copied in and out. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    size: length,
    encode: (value, view, offset) => putBytes(view, offset, length, value),
    decode: (view, offset) => getBytes(view, offset, length),
  };
}

/** A byte at a time: for the 16 bytes of an address that is quicker than making a view to copy with. */
export function putBytes(view: DataView, offset: number, length: number, value: Uint8Array): void {
  if (value.length !== length) throw new RangeError(`a field of ${length} bytes was given ${value.length}`);
  for (let i = 0; i < length; i++) view.setUint8(offset + i, value[i] ?? 0);
}

export function getBytes(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
}

export function clear(view: DataView, offset: number, length: number): void {
  for (let i = 0; i < length; i++) view.setUint8(offset + i, 0);
}

/** The values one after the other: what a batch update of a map takes. */
export function pack<T>(codec: Codec<T>, values: readonly T[]): Uint8Array {
  const packed = new Uint8Array(new ArrayBuffer(values.length * codec.size));
  const view = new DataView(packed.buffer);
  values.forEach((value, i) => {
    codec.encode(value, view, i * codec.size);
  });
  return packed;
}

/** The inverse of `pack`; `stride` is the distance between values where it isn't their size. */
export function unpack<T>(codec: Codec<T>, packed: Uint8Array, count: number, stride = codec.size): T[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: count }, (_, i) => codec.decode(view, i * stride));
}
