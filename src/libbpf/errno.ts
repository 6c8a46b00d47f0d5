// Results of the library: 0 or more is good, -errno is a KernelError that carries its name.
import { constants } from "node:os";
import { KernelError } from "../errors.ts";

/** The kernel's own, which no C library names. */
const ENOTSUPP = 524;

/** Aliases of the same number (EWOULDBLOCK, EOPNOTSUPP): the first listed name of each is the one that manuals use. */
const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno)
    .filter(([name]) => name !== "EWOULDBLOCK" && name !== "ENOTSUP")
    .map(([name, errno]): [number, string] => [errno, name]),
  [ENOTSUPP, "ENOTSUPP"],
]);

export const ENOENT = constants.errno.ENOENT;

export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** `operation` is a verb and its object: `pin map listeners to /sys/fs/bpf/x`. */
export function check(result: number, operation: string, detail = ""): number {
  if (result < 0) throw new KernelError(operation, -result, errnoName(-result), detail);
  return result;
}

/** Like check, but "there is no such thing" is an answer. */
export function checkFound(result: number, operation: string): number | undefined {
  return result === -ENOENT ? undefined : check(result, operation);
}
