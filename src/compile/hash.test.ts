import { expect, test } from "bun:test";
import { murmurHash2, xxHash64 } from "./hash.ts";

// envoy/test/common/common/hash_test.cc: xxHash, murmurHash2
const ENVOY = [
  ["foo", 3728699739546630719n, 9631199822919835226n],
  ["bar", 5234164152756840025n, 11474628671133349555n],
  ["foo\nbar", 8917841378505826757n, 16306510975912980159n],
  ["lyft", 4400747396090729504n, 12847078931730529320n],
  ["", 17241709254077376921n, 6142509188972423790n],
] as const;

test.each(ENVOY)("%j hashes as in Envoy", (text, xx, murmur) => {
  expect(xxHash64(text)).toBe(xx);
  expect(murmurHash2(text)).toBe(murmur);
});

// xxHash's reference implementation (python-xxhash 3): every path of the algorithm, with the seed that Maglev uses
const REFERENCE = [
  [1, 7148434200721666028n, 4659624100741869109n],
  [7, 10947775587556478458n, 14599845374856646144n],
  [8, 16481523876683619647n, 4674757483221969457n],
  [31, 10052274141376133001n, 637882727740995964n],
  [32, 16558785031970033850n, 5229687927431125521n],
  [33, 1496607708331241661n, 2975126335772007758n],
  [63, 10640233735091871029n, 219158971366899474n],
  [64, 15349095279375561172n, 2301495969444035332n],
  [100, 17874359856083435514n, 11892463938404468143n],
] as const;

test.each(REFERENCE)("xxHash64 of %d digits", (length, unseeded, seeded) => {
  const text = "0123456789".repeat(10).slice(0, length);
  expect(xxHash64(text)).toBe(unseeded);
  expect(xxHash64(text, 1n)).toBe(seeded);
});
