// Reads a whole map, a chunk at a time, into packed arrays.
import { check, errnoName } from "./errno.ts";
import { allocate, allocateU32, native } from "./ffi.ts";

export interface Dump {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

interface Source {
  readonly fd: number;
  readonly name: string;
  readonly keySize: number;
  /** Bytes of one element's value, or values. */
  readonly stride: number;
  readonly maxEntries: number;
}

const CHUNK_ELEMENTS = 4096;
/** The state of native/map.c's cursor, before the kernel's token, which is at most a key or 4 bytes. */
const CURSOR_BYTES = 8;

export function dump(source: Source): Dump {
  const chunks: Dump[] = [];
  const cursor = allocate(CURSOR_BYTES + Math.max(source.keySize, 8));
  let room = Math.min(Math.max(source.maxEntries, 1), CHUNK_ELEMENTS);
  for (let isLast = false; !isLast; ) {
    const chunk = readChunk(source, cursor, room);
    if (chunk === undefined) {
      room *= 2;
      continue;
    }
    chunks.push(chunk);
    isLast = chunk.isLast;
  }
  return concatenate(chunks);
}

/** Undefined: the kernel hands over whole hash buckets, and the next one doesn't fit. */
function readChunk(source: Source, cursor: Uint8Array, room: number): (Dump & { isLast: boolean }) | undefined {
  const { fd, name, keySize, stride } = source;
  const keys = allocate(room * keySize);
  const values = allocate(room * stride);
  const count = allocateU32(1);
  count[0] = room;
  const result = native().shim_map_read(fd, keySize, stride, cursor, keys, values, count);
  if (result < 0 && errnoName(-result) === "ENOSPC") return undefined;
  const isLast = check(result, `read map ${name}`) === 1;
  const read = count[0] ?? 0;
  return { keys: keys.subarray(0, read * keySize), values: values.subarray(0, read * stride), count: read, isLast };
}

function concatenate(chunks: readonly Dump[]): Dump {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const join = (parts: readonly Uint8Array[]): Uint8Array => {
    const joined = allocate(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      joined.set(part, offset);
      offset += part.length;
    }
    return joined;
  };
  return {
    keys: join(chunks.map((chunk) => chunk.keys)),
    values: join(chunks.map((chunk) => chunk.values)),
    count: chunks.reduce((sum, chunk) => sum + chunk.count, 0),
  };
}
