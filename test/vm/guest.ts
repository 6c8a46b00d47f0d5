// Runs a script in a throw-away machine under another kernel, and reads what each of its steps printed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, runOk } from "../support/process.ts";

export interface Kernel {
  readonly name: string;
}

export const kernels = JSON.parse(readFileSync(join(root, "test/kernels.json"), "utf8")) as readonly Kernel[];

export interface Step {
  readonly status: number;
  readonly output: string;
}

export interface GuestReport {
  /** 0 when the guest came back and its kernel had nothing to complain about */
  readonly status: number;
  readonly errors: string;
  step(name: string): Step;
}

/** `files`: path on this host to path in the guest. `script` marks its steps with the function `step NAME CMD…`. */
export async function boot(
  kernel: Kernel,
  files: Readonly<Record<string, string>>,
  script: string,
): Promise<GuestReport> {
  const added = Object.entries(files).flatMap(([here, there]) => ["--add", `${here}:${there}`]);
  const argv = [join(root, "scripts/vm.sh"), kernel.name, "--timeout", "900", ...added, "--", PRELUDE + script];
  const { status, stdout, stderr } = await run(argv);
  const steps = parseSteps(stdout);
  return {
    status,
    // The first run of a machine says that it fetches a kernel: news, not a complaint.
    errors: stderr.replace(/^vm: downloading .*\n/m, ""),
    step(name) {
      const found = steps.get(name);
      if (found === undefined) throw new Error(`the ${kernel.name} guest didn't get to ${name}:\n${stdout}\n${stderr}`);
      return found;
    },
  };
}

const PRELUDE = `
step() {
  echo "## $1"
  shift
  "$@"
  echo "## = $?"
}
`;

export function parseSteps(text: string): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>();
  for (const [, name = "", output = "", status = ""] of text.matchAll(/^## ([^=\n].*)\n([\s\S]*?)^## = (\d+)$/gm)) {
    steps.set(name, { status: Number(status), output });
  }
  return steps;
}

/** A program of this host with the shared libraries that it needs beyond the guest's own C library. */
export async function withLibraries(program: string): Promise<Readonly<Record<string, string>>> {
  const path = Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` });
  if (path === null) throw new Error(`${program} is not installed: run scripts/setup --test`);
  const libraries = (await runOk(["ldd", path])).matchAll(/(\S+) => (\/\S+)/g);
  const needed = [...libraries].filter(([, name = ""]) => !/^lib(c|m|dl|rt|pthread)\.so/.test(name));
  return Object.fromEntries([
    [path, `/bin/${program}`],
    ...needed.map(([, name, file]) => [file, `/lib/x86_64-linux-gnu/${name}`] as const),
  ]);
}
