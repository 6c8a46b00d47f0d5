// `bun run check`: everything that can be said about the sources without running them. The steps run side by side, each
// failing step shows its output, and the last line is `N passed, N failed`.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

interface Step {
  readonly name: string;
  /** what is wrong; empty when nothing is */
  readonly run: () => Promise<string>;
}

/** Runs a program; its output is what is wrong, if it fails. */
async function command(...argv: readonly string[]): Promise<string> {
  const child = Bun.spawn([...argv], { cwd: root, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return status === 0 ? "" : `${out}${err}` || `${argv.join(" ")}: exit status ${status}`;
}

async function glob(...patterns: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const pattern of patterns) {
    for await (const path of new Bun.Glob(pattern).scan({ cwd: root })) found.push(path);
  }
  return found.sort();
}

async function clangFormat(): Promise<string> {
  const tool = Bun.which("clang-format-16") ?? Bun.which("clang-format");
  if (tool === null) return "clang-format-16 is not installed: run scripts/setup --test";
  const files = await glob("{bpf,native,kmod}/*.{c,h}", "test/bpf/*.c");
  return command(tool, "--dry-run", "-Werror", ...files.filter((path) => !path.endsWith("vmlinux.h")));
}

/** A lock file that names a registry's host ties everyone to the mirror of whoever wrote it. */
async function lockFile(): Promise<string> {
  const hosts = (await readFile(join(root, "package-lock.json"), "utf8")).match(/https?:\/\/[^"]*\.tgz|"resolved"/g);
  return hosts === null ? "" : `package-lock.json has ${hosts.length} addresses, the first ${hosts[0]}`;
}

// Where a checkout or a home directory happens to be is nobody else's business.
const MACHINE_PATHS = new RegExp(`${RegExp.escape(root)}\\b|(?<![\\w.])/(?:home|Users)/[\\w.-]+`);

async function machinePaths(): Promise<string> {
  const listed = Bun.spawn(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    stderr: "inherit",
  });
  const paths = (await listed.stdout.text()).split("\0").filter((path) => path !== "");
  if ((await listed.exited) !== 0 || paths.length === 0) return "git can't list the files of this checkout";
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), "utf8").catch(() => "")));
  return paths
    .flatMap((path, i) => {
      const found = MACHINE_PATHS.exec(texts[i] ?? "");
      return found === null ? [] : [`${path}: ${found[0]}`];
    })
    .join("\n");
}

async function testNames(): Promise<string> {
  const dirs = (await readdir(join(root, "test"), { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files = await glob(...dirs.map(({ name }) => `test/${name}/**/*.test.ts`), "src/**/*.test.ts");
  const texts = await Promise.all(files.map((path) => readFile(join(root, path), "utf8")));
  const held = files.filter((_, i) =>
    /\b(?:test|describe|it)\.(?:only|skip|todo|skipIf|todoIf)\b/.test(texts[i] ?? ""),
  );
  return held.map((path) => `${path}: a test is skipped or alone`).join("\n");
}

const bin = (name: string): string => join(root, "node_modules/.bin", name);

const steps: readonly Step[] = [
  { name: "format and lint (biome)", run: () => command(bin("biome"), "ci", "--colors=off", ".") },
  { name: "types (tsc)", run: () => command(bin("tsc"), "-p", ".", "--noEmit", "--pretty", "false") },
  { name: "format of C (clang-format)", run: clangFormat },
  { name: "generated layout is up to date", run: () => command(process.execPath, "scripts/gen-layout.ts", "--check") },
  { name: "import walls", run: () => command(process.execPath, "test", "./test/architecture.test.ts") },
  { name: "lock file without hosts", run: lockFile },
  { name: "no path of one machine", run: machinePaths },
  { name: "no test skipped or alone", run: testNames },
  // Needs Go and minutes: asked for by name.
  ...(process.env.CHECK_PROTO === "1" && Bun.which("go") !== null
    ? [{ name: "generated protobuf is up to date", run: () => command("bash", "proto/generate.sh", "--check") }]
    : []),
];

const results = await Promise.all(
  steps.map(async ({ name, run }) => {
    const wrong = await run().catch(String);
    console.log(`${wrong === "" ? "ok  " : "FAIL"}  ${name}${wrong === "" ? "" : `\n${wrong.trimEnd()}`}`);
    return wrong === "";
  }),
);
const failed = results.filter((ok) => !ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
