// The few questions and requests to the kernel that are not about BPF objects: file systems, cgroups, rights.
import { closeSync, constants, openSync, readFileSync, statfsSync, statSync } from "node:fs";
import { check } from "./errno.ts";
import { allocateU64, cString, native } from "./ffi.ts";
import { FileSystemMagic } from "./uapi.ts";

/** Mounts a bpf file system at an existing directory, for root only. */
export function mountBpffs(path: string): void {
  check(native().shim_mount_bpffs(cString(path)), `mount bpf file system on ${path}`);
}

export function unmount(path: string): void {
  check(native().shim_unmount(cString(path)), `unmount ${path}`);
}

/**
 * Waits until no BPF program can still use what was removed from a map before the call. Where the kernel refuses (full dynticks)
 * the caller waits by time instead: false.
 */
export function synchronizeRcu(): boolean {
  return native().shim_synchronize_rcu() === 0;
}

/** The clock of bpf_ktime_get_ns: CLOCK_MONOTONIC. */
export function monotonicNs(): bigint {
  const out = allocateU64(1);
  check(native().shim_monotonic(out), "read CLOCK_MONOTONIC");
  return out[0] ?? 0n;
}

export function isBpffs(path: string): boolean {
  return statfsSync(path).type === FileSystemMagic.BPF;
}

export function isCgroup2(path: string): boolean {
  return statfsSync(path).type === FileSystemMagic.CGROUP2;
}

/** Locks a directory for this process. Throws KernelError EAGAIN where another has it. */
export function lockDirectory(path: string): Disposable {
  const fd = check(native().shim_lock_directory(cString(path)), `lock ${path}`);
  return { [Symbol.dispose]: () => void native().shim_close(fd) };
}

/** A directory, such as a cgroup to attach to, that is closed when the holder goes. */
export class Directory {
  readonly fd: number;
  #isOpen = true;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static open(path: string): Directory {
    return new Directory(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.fd);
    this.#isOpen = false;
  }
}

/** On cgroup v2 a cgroup's id is the inode number of its directory: what bpf_get_current_cgroup_id and link info give. */
export function cgroupId(path: string): bigint {
  return statSync(path, { bigint: true }).ino;
}

/** From the text of /proc/self/status. */
export function effectiveUserId(status = readStatus()): number {
  return Number(/^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** Bits of <linux/capability.h> that matter to loading and attaching. */
const CAPABILITIES = {
  CAP_DAC_OVERRIDE: 1,
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** The effective ones of this process, from the text of /proc/self/status. */
export function capabilities(status = readStatus()): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const names = Object.keys(CAPABILITIES) as Capability[];
  return new Set(names.filter((name) => (mask >> BigInt(CAPABILITIES[name])) & 1n));
}

function readStatus(): string {
  return readFileSync("/proc/self/status", "utf8");
}
