// The compiled executable on a host that has nothing: what `bun run build` made must stand alone.
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const executable = `${root}/dist/kmesh-edge`;
const library = `${root}/build/libmeshbpf.so`;

beforeAll(() => {
  if (existsSync(executable)) return;
  const build = Bun.spawnSync([process.execPath, "scripts/build.ts"], { cwd: root });
  if (!build.success) throw new Error(`${build.stdout}${build.stderr}`);
}, 120_000);

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runBare(mounts: readonly string[], ...args: readonly string[]): Outcome {
  const script = `${import.meta.dir}/bare-root.sh`;
  const { exitCode, stdout, stderr } = Bun.spawnSync([script, executable, mounts.join(",") || "none", "--", ...args]);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const STACK_TRACE = /^\s+at .+:\d+:\d+|panic|Segmentation fault|error: /m;

describe("in a bare root", () => {
  const cases: readonly [string, readonly string[]][] = [
    // Bun's runtime itself needs /proc, which every service manager mounts.
    ["alone", ["proc"]],
    ["with a hostile environment and working directory", ["proc", "hostile"]],
  ];
  test.each(cases)("version, %s", (_, mounts) => {
    const { exitCode, stdout, stderr } = runBare(mounts, "version", "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ version: packageVersion() });
    expect(exitCode).toBe(0);
  });

  const doctorCases: readonly [string, readonly string[], number][] = [
    ["without /sys: this host can't", ["proc"], 3],
    ["with all that a host has", ["proc", "sys", "bpf"], 0],
    ["with all that a host has, and a hostile environment", ["proc", "sys", "bpf", "hostile"], 0],
  ];
  test.each(doctorCases)("doctor, %s", (_, mounts, wanted) => {
    const { exitCode, stdout, stderr } = runBare(mounts, "doctor", "--json");
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(stdout).not.toMatch(STACK_TRACE);
    expect(typeof JSON.parse(stdout)).toBe("object");
    expect(exitCode).toBe(wanted);
  });
});

describe("needs of the host", () => {
  const files = [
    ["executable", executable],
    ["embedded library", library],
  ] as const;

  test.each(files)("%s: nothing but glibc's own libraries", (_, path) => {
    const needed = [...objdump("-p", path).matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1]);
    expect(needed.length).toBeGreaterThan(0);
    for (const name of needed) expect(name).toMatch(/^(libc|libm|libdl|libpthread|ld-linux-[\w-]+)\.so\.\d+$/);
  });

  test.each(files)("%s: no symbol newer than glibc 2.34", (_, path) => {
    const minors = [...objdump("-T", path).matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]));
    expect(minors.length).toBeGreaterThan(0);
    expect(Math.max(...minors)).toBeLessThanOrEqual(34);
  });
});

test("the library and the BPF object inside are those that were checked", () => {
  const whole = readFileSync(executable);
  for (const path of [library, `${root}/build/mesh.bpf.o`]) expect(whole.includes(readFileSync(path))).toBe(true);
});

test("nothing is left in the temporary directory", () => {
  const leftovers = () => readdirSync("/tmp").filter((name) => /^\.?bun-|\.so$/.test(name));
  const before = leftovers();
  Bun.spawnSync([executable, "doctor", "--json"]);
  expect(leftovers()).toEqual(before);
});

function packageVersion(): string {
  return (JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { version: string }).version;
}

function objdump(flag: string, path: string): string {
  const { success, stdout, stderr } = Bun.spawnSync(["objdump", flag, path]);
  if (!success) throw new Error(stderr.toString());
  return stdout.toString();
}
