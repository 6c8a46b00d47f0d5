// The two hash functions that Envoy offers for consistent hashing (envoy/source/common/common/hash.h), on Bun's native code.

/** MurmurHash::STD_HASH_SEED: what libstdc++'s std::hash uses. */
const MURMUR_SEED = 0xc70f6907n;

/** xxHash64 of the text's UTF-8 bytes. */
export function xxHash64(text: string, seed = 0n): bigint {
  return Bun.hash.xxHash64(text, seed);
}

/** MurmurHash2 64A of the text's UTF-8 bytes, with Envoy's seed. */
export function murmurHash2(text: string): bigint {
  return Bun.hash.murmur64v2(text, MURMUR_SEED);
}
