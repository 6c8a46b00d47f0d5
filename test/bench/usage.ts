// What processes use, as the kernel accounts it: CPU by cgroup, memory by process.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup } from "../support/cgroup.ts";

/** Seconds of CPU that the members of a cgroup have used so far, also those that are gone. */
export function cpuSeconds(cgroup: Cgroup): number {
  return field(readFileSync(join(cgroup.path, "cpu.stat"), "utf8"), /^usage_usec (\d+)$/m) / 1e6;
}

/** Moves a process, with all of its threads. */
export function moveTo(cgroup: Cgroup, pid: number): void {
  writeFileSync(join(cgroup.path, "cgroup.procs"), String(pid));
}

export interface Memory {
  readonly rssMb: number;
  /** Memory that nothing but this process has a reason to hold: not backed by a file. */
  readonly anonymousMb: number;
  readonly privateMb: number;
  /** The most that rssMb has been. */
  readonly peakMb: number;
}

/** Of a process and its children. */
export function memoryOf(pid: number): Memory {
  return memoryOfAll(withChildren(pid));
}

/** Of all members of a cgroup. */
export function memoryIn(cgroup: Cgroup): Memory {
  return memoryOfAll(readFileSync(join(cgroup.path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number));
}

function memoryOfAll(pids: readonly number[]): Memory {
  const all = pids.map((one) => {
    const rollup = readFileSync(`/proc/${one}/smaps_rollup`, "utf8");
    const kb = (name: string) => field(rollup, new RegExp(`^${name}: +(\\d+) kB$`, "m"));
    const peak = field(readFileSync(`/proc/${one}/status`, "utf8"), /^VmHWM:\s+(\d+) kB$/m);
    return [kb("Rss"), kb("Anonymous"), kb("Private_Clean") + kb("Private_Dirty"), peak] as const;
  });
  const total = (index: 0 | 1 | 2 | 3) => all.reduce((sum, one) => sum + one[index], 0) / 1024;
  return { rssMb: total(0), anonymousMb: total(1), privateMb: total(2), peakMb: total(3) };
}

function withChildren(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "))
    .filter(Boolean)
    .map(Number);
  return [pid, ...children.flatMap(withChildren)];
}

function field(text: string, pattern: RegExp): number {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`no ${pattern} in ${JSON.stringify(text.slice(0, 200))}`);
  return Number(value);
}
