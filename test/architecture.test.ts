// The walls of the house: who may import what. Each rule is one sentence; a violation names the file and the import.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findCycle, parseSource, readSources, type SourceFile } from "./support/imports.ts";

interface Wall {
  readonly rule: string;
  /** what stands behind the wall: an import … */
  readonly imports?: (specifier: string) => boolean;
  /** … or a word in the code */
  readonly mentions?: RegExp;
  /** the files inside the wall */
  readonly inside: (path: string, specifier: string) => boolean;
}

const under =
  (...folders: readonly string[]) =>
  (path: string): boolean =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

const notPure = (specifier: string): boolean => /^(node:|bun)/.test(specifier);
const isPure = under("src/compile", "src/model");

const WALLS: readonly Wall[] = [
  {
    rule: "protobuf types stay in src/xds and src/source",
    imports: (specifier) => specifier.startsWith("@bufbuild/") || under("src/xds/gen")(specifier),
    inside: under("src/xds", "src/source"),
  },
  { rule: "bun:ffi stays in src/libbpf", imports: (specifier) => specifier === "bun:ffi", inside: under("src/libbpf") },
  {
    rule: "byte offsets stay in src/layout and src/libbpf",
    mentions: /\bDataView\b/,
    inside: under("src/layout", "src/libbpf"),
  },
  {
    rule: "only src/dataplane talks to the kernel; doctor may probe it, and the relay has sockets and memory of its own",
    imports: under("src/libbpf"),
    inside: (path, specifier) =>
      under("src/libbpf", "src/dataplane")(path) ||
      (under("src/relay")(path) && /^src\/libbpf\/(socket|shared-memory)\.ts$/.test(specifier)) ||
      (/^src\/cli\/doctor\b/.test(path) && /^src\/libbpf\/(probe|syscalls)\.ts$/.test(specifier)),
  },
  {
    rule: "process is for src/main.ts and src/cli: others are given what they need",
    mentions: /\bprocess\./,
    inside: (path) => path === "src/main.ts" || under("src/cli")(path),
  },
  { rule: "src/compile and src/model do no I/O", imports: notPure, inside: (path) => !isPure(path) },
  {
    rule: "src/compile and src/model know no clock, no randomness, no runtime (Bun.hash is a pure function)",
    mentions:
      /\bBun\.(?!hash\b)|\b(performance|crypto)\.|\bDate\.now\b|\bnew Date\(|\bMath\.random\b|\b(setTimeout|setInterval|fetch)\(/,
    inside: (path) => !isPure(path),
  },
];

function violations(wall: Wall, file: SourceFile): string[] {
  const imports = file.imports.filter((specifier) => wall.imports?.(specifier) && !wall.inside(file.path, specifier));
  const mention = wall.mentions?.exec(file.code);
  const mentioned = mention && !wall.inside(file.path, "") ? [mention[0]] : [];
  return [...imports, ...mentioned].map((what) => `${file.path}: ${what}`);
}

const root = join(import.meta.dir, "..");
const files = await readSources(root, "src");

test("there is something to check", () => {
  expect(files.length).toBeGreaterThan(5);
});

describe("walls", () => {
  test.each(WALLS.map((wall) => [wall.rule, wall] as const))("%s", (_rule, wall) => {
    expect(files.flatMap((file) => violations(wall, file))).toEqual([]);
  });

  test("only src/agent.ts knows both src/xds and src/dataplane", () => {
    const knowsBoth = files
      .filter((file) => !under("src/xds", "src/dataplane")(file.path))
      .filter((file) => file.imports.some(under("src/xds")) && file.imports.some(under("src/dataplane")))
      .map((file) => file.path);
    expect(knowsBoth.filter((path) => path !== "src/agent.ts")).toEqual([]);
  });

  test("src/xds and src/dataplane don't know each other", () => {
    const crossing = files
      .filter((file) => under("src/xds", "src/dataplane")(file.path))
      .flatMap((file) => file.imports.map((specifier) => [file.path, specifier] as const))
      .filter(([path, specifier]) => under("src/xds")(path) !== under("src/xds")(specifier))
      .filter(([, specifier]) => under("src/xds", "src/dataplane")(specifier));
    expect(crossing).toEqual([]);
  });

  test("there is no import cycle", () => {
    expect(findCycle(files)).toBeUndefined();
  });
});

describe("the reader of imports", () => {
  const text = `
    // import "commented.ts";
    import type { A } from "../model/a.ts";
    export { b } from './b.ts';
    const text = "import 'quoted'; process.exit()";
    const late = await import("node:fs");
    process.exit();
  `;

  test("resolves relative imports and skips comments and strings", () => {
    const file = parseSource("src/compile/c.ts", text);
    expect(file.imports).toEqual(["src/model/a.ts", "src/compile/b.ts", "node:fs"]);
    expect(file.code.match(/process/g)).toHaveLength(1);
  });

  test.each(WALLS.map((wall) => [wall.rule, wall] as const))("would notice a breach: %s", (_rule, wall) => {
    const outside = wall.inside("src/compile/x.ts", "") ? "src/admin/x.ts" : "src/compile/x.ts";
    const breaches = [
      ...["@bufbuild/protobuf", "bun:ffi", "node:fs"].map((specifier) => `import "${specifier}";`),
      'import "../libbpf/map.ts";',
      "new DataView(b); process.exit(); Date.now();",
    ];
    expect(violations(wall, parseSource(outside, breaches.join("\n")))).not.toEqual([]);
  });

  test("finds a cycle", () => {
    const cycle = findCycle([
      parseSource("src/a.ts", 'import "./b.ts";'),
      parseSource("src/b.ts", 'import "./c.ts";'),
      parseSource("src/c.ts", 'import "./b.ts";'),
    ]);
    expect(cycle).toEqual(["src/b.ts", "src/c.ts", "src/b.ts"]);
  });
});
