// A document read in parts is the document: the same value as when it is parsed whole, or the same error.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../test/unit/hostile-random.ts";
import { ConfigError } from "../errors.ts";
import { cutLists } from "./block-lists.ts";
import { parseDocument } from "./document.ts";
import { isMapping, type Json, parseYaml } from "./yaml.ts";

/** Many inputs: a machine under load needs its time. */
setDefaultTimeout(60_000);

const lists = { parents: ["static_resources", "staticResources"], names: ["listeners", "clusters"] };
const isCut = (text: string): boolean => cutLists(text, lists.parents, lists.names) !== undefined;

/** Frame and items put together again, as JSON; or the reason why not. */
function readInParts(text: string): string {
  return valueOrReason(() => {
    const document = parseDocument(text, "f", lists);
    const { frame } = document;
    if (!isMapping(frame)) return frame;
    const parent = lists.parents.find((name) => name in frame);
    const holder = parent === undefined ? null : (frame[parent] ?? null);
    if (parent === undefined || !isMapping(holder)) return frame;
    const filled = lists.names
      .filter((name) => Array.isArray(holder[name]))
      .map((name) => [name, [...document.items(name)]] as const);
    return { ...frame, [parent]: { ...holder, ...Object.fromEntries(filled) } };
  });
}

function valueOrReason(run: () => Json): string {
  try {
    return JSON.stringify(run());
  } catch (error) {
    if (error instanceof ConfigError) return error.reason;
    throw error;
  }
}

const corpus = join(import.meta.dir, "../../test/corpus/mesh");
const files = ["good", "bad"].flatMap((folder) =>
  readdirSync(join(corpus, folder)).map((name) => readFileSync(join(corpus, folder, name), "utf8")),
);

test("every corpus file, and some of them are cut", () => {
  for (const text of files) expect(readInParts(text)).toBe(valueOrReason(() => parseYaml(text, "f")));
  expect(files.filter(isCut).length).toBeGreaterThan(5);
});

const SNIPPETS = [
  "- ",
  "-",
  "  ",
  "\n",
  ": ",
  "{",
  "}",
  "]",
  '"',
  "'",
  "# ",
  "|\n",
  ">-\n",
  "? ",
  "&a ",
  "*a ",
  "!!str ",
  "---\n",
  "...\n",
  "\t",
  "\r",
  "static_resources:\n",
  "staticResources:\n",
  "  listeners:\n",
  "  clusters: []\n",
  "\u{f8ff}0",
];

describe("damaged corpus files", () => {
  test.each([...files.keys()])("file %d", (index) => {
    const text = files[index] ?? "";
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(seed * 1009 + index);
      const lines = text.split("\n");
      const damage = random.below(4);
      if (damage === 0) lines.splice(random.below(lines.length), 1);
      else if (damage === 1) lines.splice(random.below(lines.length), 0, random.pick(lines));
      else if (damage === 2) lines.splice(random.below(lines.length), 1, random.pick(lines));
      let damaged = lines.join("\n");
      const at = random.below(damaged.length);
      if (damage === 3) damaged = damaged.slice(0, at) + random.pick(SNIPPETS) + damaged.slice(at + random.below(2));
      expect([damaged, readInParts(damaged)]).toEqual([damaged, valueOrReason(() => parseYaml(damaged, "f"))]);
    }
  });
});

const item = "  - name: a\n";

describe("what is cut, and what isn't", () => {
  const cases: readonly [name: string, text: string, isCut: boolean][] = [
    ["lists", `static_resources:\n  listeners:\n${item}${item}  clusters:\n${item}`, true],
    ["a list at its key's own indentation", "static_resources:\n  clusters:\n  - a\n  - b\n  other: 1\n", true],
    [
      "a deeper list",
      "static_resources:\n    clusters:\n        - a\n        - b: 1\n          c: 2\nnode: {}\n",
      true,
    ],
    ["comments and empty lines", `static_resources: # x\n# y\n\n  clusters: # z\n\n${item}# w\n${item}\n\n# end`, true],
    ["the other spelling", `staticResources:\n  clusters:\n${item}`, true],
    ["CRLF", `static_resources:\r\n  clusters:\r\n  - a: 1\r\n  - b\r\n`, true],
    ["items without values", "static_resources:\n  clusters:\n  -\n  -\n    a: 1\n", true],
    ["text in block style", "static_resources:\n  clusters:\n  - a: |\n      - b\n     \n      c\n  - d\n", true],
    [
      "text that looks like lists",
      "node:\n  id: |\n    static_resources:\n    - a\nstatic_resources:\n  clusters:\n  - a\n",
      true,
    ],
    ["a quoted key in between", 'static_resources:\n  clusters:\n  - a\n  "listeners":\n  - b\n', true],
    ["a list over several lines in quotes", 'static_resources:\n  clusters:\n  - "a\n\n    - b"\n  - c\n', true],
    ["nothing in the list", "static_resources:\n  clusters:\nnode: {}\n", false],
    ["flow style", "static_resources: { clusters: [a] }\n", false],
    ["a flow list", "static_resources:\n  clusters: [a, b]\n", false],
    ["an anchor", `static_resources:\n  clusters:\n  - &a x\n  - *a\n`, false],
    ["a tab", `static_resources:\n  clusters:\n${item}\t\n`, false],
    ["document markers", `---\nstatic_resources:\n  clusters:\n${item}`, false],
    ["both spellings", `static_resources:\n  clusters:\n${item}staticResources:\n  clusters:\n${item}`, false],
    ["JSON", '{"static_resources": {"clusters": [1]}}', false],
    ["elsewhere", `other:\n  clusters:\n${item}`, false],
    ["deeper", `static_resources:\n  other:\n    clusters:\n    - a\n`, false],
  ];
  test.each([...cases])("%s", (_, text, expected) => {
    expect(isCut(text)).toBe(expected);
    expect(readInParts(text)).toBe(valueOrReason(() => parseYaml(text, "f")));
  });
});

describe("the parser has the last word", () => {
  const cases: readonly [name: string, text: string][] = [
    ["a list inside a text in quotes", 'a: "\n  x\nstatic_resources:\n  clusters:\n  - a\n"\n'],
    ["an item that doesn't end", "static_resources:\n  clusters:\n  - {a: 1,\n  - b: 2}\n"],
    ["a line between two depths", "static_resources:\n  clusters:\n    - a\n   b: 1\n"],
    ["a list twice", "static_resources:\n  clusters:\n  - a\n  clusters:\n  - b\n"],
    ["a key among the items", "static_resources:\n  clusters:\n  - a\n  b\n  - c\n"],
    ["two documents in an item", "static_resources:\n  clusters:\n  - a\n  - b\n--- c\n"],
    ["an error in a late item", `static_resources:\n  clusters:\n${item.repeat(50)}  - a: b: c\n${item}`],
  ];
  test.each([...cases])("%s", (_, text) => {
    expect(readInParts(text)).toBe(valueOrReason(() => parseYaml(text, "f")));
    expect(readInParts(text)).toStartWith("f");
  });
});
