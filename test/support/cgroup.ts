// A cgroup of the test's own, on a unified or a hybrid hierarchy: what an enrolled workload is.
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type Enter, type Output, run } from "./process.ts";

/** Where cgroup v2 is mounted on this host. */
export function cgroupRoot(): string {
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [mount, type] = line.split(" - ");
    if (type?.startsWith("cgroup2 ")) return mount?.split(" ")[4] ?? "";
  }
  throw new Error("cgroup v2 is not mounted on this host");
}

export class Cgroup implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static create(name = "test"): Cgroup {
    return Cgroup.make(join(cgroupRoot(), `kmesh-edge-${name}-${process.pid}-${unique()}`));
  }

  private static make(path: string): Cgroup {
    mkdirSync(path);
    return new Cgroup(path);
  }

  /** A cgroup inside this one; goes away with it. */
  child(name: string): Cgroup {
    return Cgroup.make(join(this.path, name));
  }

  /** Runs a command as a member of this cgroup. */
  readonly enter: Enter = (argv) => ["sh", "-c", `echo 0 > '${this.path}/cgroup.procs' && exec "$@"`, "sh", ...argv];

  run(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Output> {
    return run(argv, { ...options, enter: this.enter });
  }

  [Symbol.dispose](): void {
    remove(this.path);
  }
}

function remove(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) remove(join(path, entry.name));
  }
  // A killed process leaves its cgroup a moment after the signal.
  const deadline = performance.now() + 10_000;
  for (;;) {
    killMembers(path);
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      Bun.sleepSync(5);
    }
  }
}

function killMembers(path: string): void {
  for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
    // It may have ended since it was listed.
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {}
  }
}

function unique(): string {
  return crypto.randomUUID().slice(0, 8);
}
