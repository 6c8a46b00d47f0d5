// Whatever text a mesh file holds: the result is a mesh file or one ConfigError, never another exception.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../src/errors.ts";
import { parseMeshFile } from "../../src/source/mesh-file.ts";
import { createRandom, type Random } from "./hostile-random.ts";

/** Many inputs: a machine under load needs its time. */
setDefaultTimeout(60_000);

const ROUNDS = 200;
const corpus = join(import.meta.dir, "../corpus/mesh/good");
const texts = readdirSync(corpus)
  .toSorted()
  .map((name) => readFileSync(join(corpus, name), "utf8"));

const TOKENS = [
  "- ",
  ": ",
  "{",
  "}",
  "[",
  "]",
  "&a ",
  "*a ",
  "|\n",
  ">\n",
  '"',
  "'",
  "#",
  "\t",
  "\n",
  "~",
  "!!binary ",
  "<<: ",
  "? ",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "\u0000",
  "\uFFFF",
  "\uD800",
  "__proto__: ",
  "constructor: ",
  "toString: ",
  "1e999",
  "-1",
  "0x7fffffffffffffff",
  ".nan",
  "@type: x",
  "null",
];

type Mutation = (text: string, random: Random) => string;

const splice = (text: string, start: number, count: number, insert: string): string =>
  text.slice(0, start) + insert + text.slice(start + count);

const mutations: Readonly<Record<string, Mutation>> = {
  "random characters": (_, random) =>
    Array.from({ length: random.below(300) }, () => String.fromCharCode(random.below(0x250))).join(""),
  "random tokens": (_, random) => Array.from({ length: random.below(60) }, () => random.pick(TOKENS)).join(""),
  "a token put in": (text, random) => splice(text, random.below(text.length), 0, random.pick(TOKENS)),
  "a token in place of a word": (text, random) => {
    const words = [...text.matchAll(/[\w.@/-]+/g)];
    const word = random.pick(words);
    return splice(text, word.index, word[0].length, random.pick(TOKENS));
  },
  "a part removed": (text, random) => splice(text, random.below(text.length), random.below(30), ""),
  "a line repeated": (text, random) => {
    const lines = text.split("\n");
    const at = random.below(lines.length);
    lines.splice(at, 0, lines[at] ?? "");
    return lines.join("\n");
  },
  "lines swapped": (text, random) => {
    const lines = text.split("\n");
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    [lines[a], lines[b]] = [lines[b] ?? "", lines[a] ?? ""];
    return lines.join("\n");
  },
  "a line moved in": (text, random) => text.replace(/^ +/m, (space) => space.repeat(random.below(4))),
};

describe.each(Object.keys(mutations))("%s", (name) => {
  test.each([...texts.keys()])("of corpus file %d", (index) => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = createRandom(seed * 31 + index);
      attempt(mutations[name]?.(texts[index] ?? "", random) ?? "", `seed ${seed}`);
    }
  });
});

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

const traps: readonly [name: string, text: string][] = [
  ["deep flow lists", nested("[", "]", 100_000)],
  ["deep flow mappings", `${"{a: ".repeat(50_000)}${"}".repeat(50_000)}`],
  ["deep block lists", Array.from({ length: 5000 }, (_, i) => `${" ".repeat(i)}-`).join("\n")],
  ["a deep Struct", `node: { metadata: { a: ${nested("[", "]", 90)} } }`],
  ["a cyclic alias", "node: &a { metadata: *a }"],
  ["a cyclic list", "node_context_params: &a [*a]"],
  ["many aliases", `node: { id: &a x, metadata: { b: [${"*a, ".repeat(20_000)}] } }`],
  ["a long line", `node: { id: ${"x".repeat(5_000_000)} }`],
  ["a long key", `${"x".repeat(5_000_000)}: 1`],
  ["many unknown fields", Array.from({ length: 20_000 }, (_, i) => `field${i}: ${i}`).join("\n")],
  ["many listeners that are none", `static_resources:\n  listeners:\n${"  - 1\n".repeat(50_000)}`],
  [
    "prototype keys",
    '{"__proto__": {"static_resources": {}}, "constructor": 1, "static_resources": {"__proto__": {"clusters": []}}}',
  ],
  [
    "prototype keys in an Any",
    '{"static_resources": {"clusters": [{"name": "a", "filters": [{"typed_config": {"@type": "x/y", "__proto__": 1}}]}]}}',
  ],
  ["lists that aren't lists", "static_resources: { listeners: {}, clusters: 1 }"],
  ["static_resources twice in two spellings", "static_resources: {}\nstaticResources: {}"],
  ["not a mapping", "static_resources: []"],
];

test.each([...traps])("%s", (_, text) => {
  expect(["file", "refused", "error"]).toContain(attempt(text, "trap"));
});

test("a prototype isn't polluted", () => {
  for (const [, text] of traps.filter(([name]) => name.startsWith("prototype"))) attempt(text, "trap");
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("static_resources");
  expect(({} as Record<string, unknown>)["clusters"]).toBeUndefined();
});

function attempt(text: string, label: string): "file" | "refused" | "error" {
  try {
    return parseMeshFile(text, "mesh.yaml").rejections.length === 0 ? "file" : "refused";
  } catch (cause) {
    if (!(cause instanceof ConfigError))
      throw new Error(`${label} threw: ${JSON.stringify(text.slice(0, 500))}`, { cause });
    expect(cause.reason.startsWith("mesh.yaml")).toBe(true);
    return "error";
  }
}
