// Bytes that every program of these tests can make, as a stream: nobody keeps a large body.

/** A prime, so that no buffer size of a program in between is a multiple of it: swapped or repeated pieces change the digest. */
const blockSize = 65521;
const block = Buffer.from(Uint8Array.from({ length: blockSize }, (_, i) => i * 167 + (i >> 8) * 13));

export function* pattern(length) {
  for (let left = length; left > 0; left -= blockSize) yield block.subarray(0, Math.min(left, blockSize));
}
