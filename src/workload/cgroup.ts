// Where cgroup v2 is, and which cgroup a path names. Hybrid hosts mount it beside v1 (usually at /sys/fs/cgroup/unified).
import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { ConfigError, UnsupportedError } from "../errors.ts";

export interface Cgroup {
  /** Absolute path in the cgroup v2 file system. */
  readonly path: string;
  /** The kernel's cgroup id: the inode number of its directory. */
  readonly id: bigint;
}

/** The mount point of cgroup v2; undefined where none is mounted. `mountInfo` is /proc/self/mountinfo's text (proc(5)). */
export function cgroupRoot(mountInfo: string): string | undefined {
  const points = mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, mountPoint] = before.split(" ");
    return after.startsWith("cgroup2 ") && root === "/" && mountPoint !== undefined ? [unescapeMount(mountPoint)] : [];
  });
  return points[0];
}

/** Throws UnsupportedError where this host has no cgroup v2. */
export function requireCgroupRoot(): string {
  const root = cgroupRoot(readFileSync("/proc/self/mountinfo", "utf8"));
  if (root !== undefined) return root;
  throw new UnsupportedError("cgroup v2", "not mounted", "mount it: mount -t cgroup2 none /sys/fs/cgroup/unified");
}

/**
 * A cgroup by absolute path (`/sys/fs/cgroup/shop.slice`) or by its path below the root (`shop.slice/cart.service`,
 * `/shop.slice`). Throws ConfigError where there is none.
 */
export function findCgroup(root: string, target: string): Cgroup {
  if (target === "" || /\p{Cc}/u.test(target))
    throw new ConfigError(`workload ${JSON.stringify(target)}`, "is not a cgroup path");
  const candidates = isAbsolute(target) ? [target, join(root, target)] : [join(root, target)];
  for (const candidate of candidates) {
    const path = resolve(candidate);
    if (path !== undefined && isInside(root, path)) return { path, id: statSync(path, { bigint: true }).ino };
  }
  throw new ConfigError(`workload ${target}`, `no such cgroup under ${root}`);
}

function resolve(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isDirectory() ? real : undefined;
  } catch {
    return undefined; // not there: the caller names the target
  }
}

function isInside(root: string, path: string): boolean {
  const below = relative(realpathSync(root), path);
  return below === "" || (!below.startsWith("..") && !isAbsolute(below));
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
