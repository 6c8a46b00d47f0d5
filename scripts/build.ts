// `bun run build`: dist/kmesh-edge, one executable with the BPF object and libbpf inside. Everything under it is brought up to
// date first, by make, so that nothing stale gets in; a stale layout stops the build.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildInfo } from "../src/build-info.ts";

const root = resolve(import.meta.dir, "..");
const output = `${root}/dist/kmesh-edge`;

/** What decides what the executable does; tests don't. */
const SOURCES = [
  "src/**/*.ts",
  "bpf/*.{c,h}",
  "bpf/Makefile",
  "native/*.{c,h}",
  "native/Makefile",
  "kmod/**/*",
  "package.json",
  "package-lock.json",
];

function main(): void {
  run("make", "-s", "-C", "native");
  run("make", "-s", "-C", "bpf");
  run(process.execPath, "scripts/gen-layout.ts", "--check");
  const info = describeBuild();
  compile(info);
  console.log(
    `dist/kmesh-edge ${info.version}, sources ${info.sources}${info.commit === "" ? "" : `, commit ${info.commit}`}`,
  );
}

function compile(info: BuildInfo): void {
  mkdirSync(`${root}/dist`, { recursive: true });
  run(
    process.execPath,
    "build",
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    // A verb loads the code that it uses, when it uses it: without, all of it is read at every start.
    "--splitting",
    // What runs once at start isn't worth compiling: code has to run ten times as often as usual before it is.
    "--compile-jit-policy=10",
    // As root, a bunfig.toml or .env of whatever directory it is started in must not be obeyed.
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-dotenv",
    `--define=BUILD_INFO=${JSON.stringify(info)}`,
    `--outfile=${output}.new`,
    "src/main.ts",
  );
  disarm(`${output}.new`);
  // A running agent keeps its old file; nobody sees half a new one.
  renameSync(`${output}.new`, output);
}

/**
 * Takes the names of two environment variables out of Bun's runtime, which has no option for it: with BUN_BE_BUN the executable
 * would be a general interpreter, with BUN_OPTIONS it would run any --preload first, and it is run by root. A name that
 * starts with NUL is the empty name, which no variable has.
 */
function disarm(path: string): void {
  const bytes = readFileSync(path);
  for (const name of ["BUN_BE_BUN", "BUN_OPTIONS"]) {
    let count = 0;
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1), count++) bytes[at] = 0;
    if (count === 0) fail(`this Bun has no ${name}: see what its runtime obeys now`);
  }
  writeFileSync(path, bytes);
}

function describeBuild(): BuildInfo {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { version: string };
  return { version, sources: hashSources(), commit: readCommit() };
}

function hashSources(): string {
  const paths = SOURCES.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })])
    .filter((path) => !path.endsWith(".test.ts"))
    .sort();
  const hash = createHash("sha256");
  for (const path of paths) {
    const bytes = readFileSync(`${root}/${path}`);
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex").slice(0, 16);
}

function readCommit(): string {
  const git = (...args: readonly string[]): string | undefined => {
    if (Bun.which("git") === null) return undefined;
    // Without optional locks, `status` doesn't write to the repository.
    const { success, stdout } = Bun.spawnSync(["git", "--no-optional-locks", "-C", root, ...args], {
      stderr: "ignore",
    });
    return success ? stdout.toString().trim() : undefined;
  };
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) return "";
  return git("status", "--porcelain") === "" ? commit : `${commit}-dirty`;
}

function run(...command: readonly string[]): void {
  const { success, exitCode } = Bun.spawnSync([...command], { cwd: root, stdout: "inherit", stderr: "inherit" });
  if (!success) fail(`${command.slice(0, 3).join(" ")} failed with exit code ${exitCode}`);
}

function fail(reason: string): never {
  console.error(`build: ${reason}`);
  process.exit(1);
}

main();
