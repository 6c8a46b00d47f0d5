// Map elements collected per map and packed as they come: a whole configuration is hundreds of thousands of them.
import type { MapDefinition } from "../layout/codec.ts";
import { maps } from "../layout/mesh.gen.ts";

export type ImageMap =
  | "ids"
  | "listener_states"
  | "cluster_states"
  | "endpoint_states"
  | "slots"
  | "endpoints"
  | "clusters"
  | "listeners"
  | "listener_prefixes";

/** Elements for one map, packed. */
export interface Batch {
  readonly map: ImageMap;
  readonly count: number;
  /** Of `count`, the entries that the map did not have. */
  readonly created: number;
  readonly keys: Uint8Array;
  /** Empty in a batch of deletes. */
  readonly values: Uint8Array;
}

export class Batches {
  readonly #elements = new Map<ImageMap, Elements>();

  add(map: ImageMap, key: Uint8Array, value: Uint8Array = nothing, isNew = false): void {
    const elements = this.#of(map);
    elements.keys.append(key);
    elements.values.append(value);
    elements.count++;
    if (isNew) elements.created++;
  }

  /** The same with a 32-bit key. Without a value: zero, or a delete. */
  addById(map: ImageMap, id: number, value: Uint8Array = nothing, isNew = false): void {
    const elements = this.#of(map);
    elements.keys.appendU32(id);
    elements.values.append(value);
    elements.count++;
    if (isNew) elements.created++;
  }

  /** The same, the value being `size` bytes of `rows` from `offset` on. */
  addRow(map: ImageMap, id: number, rows: Uint8Array, offset: number, size: number, isNew = false): void {
    const elements = this.#of(map);
    elements.keys.appendU32(id);
    elements.values.append(rows, offset, size);
    elements.count++;
    if (isNew) elements.created++;
  }

  /** A destination that moved from one listener to another was put: it must not be deleted for the one that lost it. */
  withoutKeysOf(other: Batches): Batches {
    const rest = new Batches();
    for (const [map, { keys, count }] of this.#elements) {
      const size = (maps[map] as MapDefinition<unknown, unknown>).keySize;
      const taken = other.#elements.get(map)?.keySet(size);
      const packed = keys.bytes();
      for (let i = 0; i < count; i++) {
        const key = packed.subarray(i * size, (i + 1) * size);
        if (taken === undefined || !taken.has(text(key))) rest.add(map, key);
      }
    }
    return rest;
  }

  inOrder(order: readonly ImageMap[]): Batch[] {
    return order.flatMap((map) => {
      const elements = this.#elements.get(map);
      if (elements === undefined) return [];
      const { count, created, keys, values } = elements;
      return [{ map, count, created, keys: keys.bytes(), values: values.bytes() }];
    });
  }

  #of(map: ImageMap): Elements {
    const known = this.#elements.get(map);
    if (known !== undefined) return known;
    const fresh = new Elements();
    this.#elements.set(map, fresh);
    return fresh;
  }
}

const nothing = new Uint8Array(0);

class Elements {
  readonly keys = new Bytes();
  readonly values = new Bytes();
  count = 0;
  created = 0;

  keySet(size: number): Set<string> {
    const packed = this.keys.bytes();
    return new Set(Array.from({ length: this.count }, (_, i) => text(packed.subarray(i * size, (i + 1) * size))));
  }
}

function text(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** Bytes that grow by doubling. */
class Bytes {
  #buffer = new Uint8Array(new ArrayBuffer(256));
  #length = 0;

  /** Elements are tens of bytes: copying them one by one costs less than a view each. */
  append(bytes: Uint8Array, offset = 0, length = bytes.length): void {
    this.#reserve(length);
    for (let i = 0; i < length; i++) this.#buffer[this.#length + i] = bytes[offset + i] ?? 0;
    this.#length += length;
  }

  /** Little-endian, as every host is that we run on. */
  appendU32(value: number): void {
    this.#reserve(4);
    for (let i = 0; i < 4; i++) this.#buffer[this.#length + i] = (value >>> (8 * i)) & 0xff;
    this.#length += 4;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = new Uint8Array(new ArrayBuffer(Math.max(2 * this.#buffer.length, this.#length + count)));
    larger.set(this.bytes());
    this.#buffer = larger;
  }
}
