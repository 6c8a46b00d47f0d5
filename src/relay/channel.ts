// The pipe between the agent and a relay worker: frames of a length (32 bits, little-endian) and a structured clone, so that Maps,
// byte arrays and bigints arrive as they are. Both ends are this executable; still, a frame that is too long ends the stream.
import { deserialize, serialize } from "bun:jsc";

/** The largest configuration that was measured (5,000 clusters of 10 endpoints) is 8 MiB. */
const maxFrameBytes = 256 * 1024 * 1024;
const lengthBytes = 4;

export function encodeFrame(message: unknown): Uint8Array {
  const body = serialize(message, { binaryType: "nodebuffer" });
  const frame = new Uint8Array(lengthBytes + body.length);
  for (let i = 0; i < lengthBytes; i++) frame[i] = body.length >>> (8 * i);
  frame.set(body, lengthBytes);
  return frame;
}

/** The messages of a stream until it ends. Throws RangeError where a frame is longer than any that we send. */
export async function* readFrames<T>(stream: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let wanted: number | undefined;
  for await (const bytes of stream) {
    pending.push(bytes);
    size += bytes.length;
    for (;;) {
      if (wanted === undefined) {
        if (size < lengthBytes) break;
        const whole = join(pending, size);
        wanted = readLength(whole);
        if (wanted > maxFrameBytes) throw new RangeError(`a frame of ${wanted} bytes`);
        pending = [whole.subarray(lengthBytes)];
        size -= lengthBytes;
      }
      if (size < wanted) break;
      const whole = join(pending, size);
      // A copy: a Buffer may be a part of a larger allocation.
      yield deserialize(new Uint8Array(whole.subarray(0, wanted)).buffer) as T;
      pending = [whole.subarray(wanted)];
      size -= wanted;
      wanted = undefined;
    }
  }
}

function readLength([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
