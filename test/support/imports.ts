// Reads which modules a TypeScript file imports and what its code mentions, without running it: the raw material of the
// architecture tests. Works on text; good for files that biome formats.
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";

export interface SourceFile {
  /** relative to the root of the checkout */
  readonly path: string;
  /** the code without comments and with empty string literals */
  readonly code: string;
  /** what it imports: a path relative to the root for our own modules, otherwise the bare specifier */
  readonly imports: readonly string[];
}

// At the start of a line: `import "x"`, `import … from "x"`, `export … from "x"`; anywhere: `import("x")`.
const SPECIFIER =
  /(?:^\s*import\s*|^\s*(?:import|export)\b[^;"'=]*\bfrom\s*|\bimport\(\s*)(?:"([^"\n]+)"|'([^'\n]+)')/gm;
// Order matters: a comment mark inside a string isn't a comment. Regular expression literals are kept: none of ours holds a quote
// that would matter to a rule.
const NOT_CODE = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

export function parseSource(path: string, text: string): SourceFile {
  const uncommented = text.replace(NOT_CODE, (found) => (found.startsWith("/") ? "" : found));
  const imports = [...uncommented.matchAll(SPECIFIER)].map((found) => resolveImport(path, found[1] ?? found[2] ?? ""));
  return { path, code: uncommented.replace(NOT_CODE, '""'), imports: [...new Set(imports)] };
}

function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith(".") ? normalize(join(dirname(from), specifier)) : specifier;
}

/** Every hand-written TypeScript file under `folder` of `root`; tests and generated code are not in it. */
export async function readSources(root: string, folder: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const path of new Bun.Glob(`${folder}/**/*.ts`).scan({ cwd: root })) {
    if (path.endsWith(".test.ts") || path.endsWith(".gen.ts") || path.includes("/gen/")) continue;
    files.push(parseSource(path, await readFile(join(root, path), "utf8")));
  }
  return files.sort((a, b) => a.path.localeCompare(b.path));
}

/** The first import cycle that there is, as the paths along it; undefined when there is none. */
export function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    const at = trail.indexOf(path);
    if (at >= 0) return [...trail.slice(at), path];
    if (done.has(path)) return undefined;
    for (const next of byPath.get(path)?.imports ?? []) {
      if (!byPath.has(next)) continue;
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
