// Whatever bytes a control plane sends as a resource: the result is a model or rejections, never an exception.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import type { ResourceType } from "../../src/model/snapshot.ts";
import { decodeResource } from "../../src/xds/resource/decode.ts";
import { MAX_PROBLEMS } from "../../src/xds/resource/report.ts";
import { encodeJson } from "../../src/xds/resource/testdata/decode-yaml.ts";
import { createRandom, type Random } from "./hostile-random.ts";
import { httpSeeds } from "./hostile-seeds.ts";

/** Many inputs: a machine under load needs its time. */
setDefaultTimeout(60_000);

const ROUNDS = 1000;
const types: readonly ResourceType[] = ["listener", "route", "cluster", "endpoint"];

const seeds: Readonly<Record<ResourceType, readonly Uint8Array[]>> = {
  listener: samples("listener"),
  route: samples("route"),
  cluster: samples("cluster"),
  endpoint: samples("endpoint"),
};

function samples(type: ResourceType): Uint8Array[] {
  const path = join(import.meta.dir, `../../src/xds/resource/testdata/istio-${type}s.json`);
  const values: JsonValue[] = JSON.parse(readFileSync(path, "utf8"));
  const http = httpSeeds[type];
  return [...values.map((value) => encodeJson(type, value)), ...(http === undefined ? [] : [http])];
}

/** The last, which sets the most, as often as all others together. */
function seedOf(type: ResourceType, random: Random): Uint8Array {
  return random.pick(random.below(2) === 0 ? seeds[type] : seeds[type].slice(-1));
}

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const mutations: Readonly<Record<string, Mutation>> = {
  "random bytes": (_, random) => Uint8Array.from({ length: random.below(200) }, () => random.below(256)),
  "flipped bits": (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    for (let i = random.below(8); i >= 0; i--) {
      const at = random.below(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    }
    return copy;
  },
  "cut off": (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  "a part removed": (bytes, random) => {
    const start = random.below(bytes.length);
    return Uint8Array.from([...bytes.subarray(0, start), ...bytes.subarray(start + random.below(20))]);
  },
  "a part repeated": (bytes, random) => {
    const start = random.below(bytes.length);
    const part = bytes.subarray(start, start + random.below(60));
    return Uint8Array.from([...bytes.subarray(0, start), ...part, ...bytes.subarray(start)]);
  },
  "another kind's bytes": (_, random) => random.pick(random.pick(Object.values(seeds))),
};

describe.each([...types])("%s", (type) => {
  test("unbroken", () => {
    const decoded = seeds[type].map((bytes) => decodeResource(type, bytes));
    expect(decoded.flatMap((it) => ("rejections" in it ? it.rejections : []))).toEqual([]);
  });

  test.each(Object.keys(mutations))("%s", (name) => {
    const mutate = mutations[name];
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = createRandom(seed);
      const bytes = mutate?.(seedOf(type, random), random) ?? new Uint8Array();
      try {
        const decoded = decodeResource(type, bytes);
        if (!("rejections" in decoded)) continue;
        expect(decoded.rejections.length).toBeWithin(1, MAX_PROBLEMS + 1);
      } catch (cause) {
        throw new Error(`seed ${seed} threw`, { cause });
      }
    }
  });

  test("nested without end", () => {
    // Field 1 as a message in a message in a message: deeper than any stack.
    let bytes = new Uint8Array();
    for (let depth = 0; depth < 2000; depth++) bytes = Uint8Array.from([0x12, ...lengthOf(bytes), ...bytes]);
    expect(decodeResource(type, bytes)).toHaveProperty("name");
  });
});

function lengthOf(bytes: Uint8Array): number[] {
  const varint: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 0x80) return [...varint, rest];
    varint.push((rest & 0x7f) | 0x80);
  }
}
