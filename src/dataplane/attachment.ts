// The links that bind the programs to one enrolled cgroup: made, pinned, taken over from an earlier run, moved to new programs
// without a moment without one, and removed.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { programs } from "../layout/mesh.gen.ts";
import { Link } from "../libbpf/link.ts";
import type { Program } from "../libbpf/program.ts";
import { Directory } from "../libbpf/syscalls.ts";
import type { Cgroup } from "../workload/cgroup.ts";
import { linkDirectory } from "./maps.ts";

export type ProgramName = keyof typeof programs;
export type Programs = Readonly<Record<ProgramName, Program>>;

/** Accounting first: a connection that is governed is counted from its beginning. Removed in reverse. */
const attachOrder: readonly ProgramName[] = [
  "account",
  "release",
  "getpeername4",
  "getpeername6",
  "connect4",
  "connect6",
];

/** What `attach` did: both are the same to the traffic. */
export type Attached = "attached" | "adopted";

/** Binds every program to the cgroup; links that an earlier run pinned are taken over and updated atomically. */
export function attach(pinDirectory: string, cgroup: Cgroup, loaded: Programs): Attached {
  const pins = join(linkDirectory(pinDirectory), String(cgroup.id));
  mkdirSync(pins, { recursive: true, mode: 0o700 });
  using directory = Directory.open(cgroup.path);
  let attached: Attached = "adopted";
  for (const name of attachOrder) {
    const pin = join(pins, name);
    using known = openLive(pin, cgroup.id);
    if (known !== undefined) {
      known.update(loaded[name]);
      continue;
    }
    using link = loaded[name].attachCgroup(directory.fd);
    link.pin(pin);
    attached = "attached";
  }
  return attached;
}

/** New connections are native from now on; those that exist are still counted out, and still show the address they asked for. */
export function stopGoverning(pinDirectory: string, cgroupId: bigint): void {
  const pins = join(linkDirectory(pinDirectory), String(cgroupId));
  for (const name of ["connect6", "connect4"]) detachOne(join(pins, name));
}

/** True once the kernel has let go of the cgroup, its last socket included. */
export function isDefunct(pinDirectory: string, cgroupId: bigint): boolean {
  using link = Link.openPinned(join(linkDirectory(pinDirectory), String(cgroupId), "account"));
  return link === undefined || link.info().cgroupId !== cgroupId;
}

/** Nothing is left of the cgroup's links. Connections that exist go on, no longer counted. */
export function detach(pinDirectory: string, cgroupId: bigint): void {
  const pins = join(linkDirectory(pinDirectory), String(cgroupId));
  for (const name of [...attachOrder].reverse()) detachOne(join(pins, name));
  rmSync(pins, { recursive: true, force: true });
}

/** The ids of the cgroups that links are pinned for, live or not. */
export function pinnedCgroups(pinDirectory: string): bigint[] {
  const names = readIfThere(linkDirectory(pinDirectory));
  return names.filter((name) => /^\d+$/.test(name)).map(BigInt);
}

/** True while the links of a cgroup are bound to it: false once the cgroup is gone. */
export function isAttached(pinDirectory: string, cgroupId: bigint): boolean {
  using link = openLive(join(linkDirectory(pinDirectory), String(cgroupId), "connect4"), cgroupId);
  return link !== undefined;
}

/** A pin of a cgroup that is gone, or of another with the same number since, is removed. */
function openLive(pin: string, cgroupId: bigint): Link | undefined {
  const link = Link.openPinned(pin);
  if (link === undefined) return undefined;
  if (link.info().cgroupId === cgroupId) return link;
  link.unpin(pin);
  link[Symbol.dispose]();
  return undefined;
}

function detachOne(pin: string): void {
  using link = Link.openPinned(pin);
  if (link === undefined) return;
  link.detach();
  link.unpin(pin);
}

/** The names in a directory; none where it isn't there. */
export function readIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
