// The pin directory: in a bpf file system, and of one agent at a time. Two would undo each other's commits.
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { KernelError, MeshError, UnsupportedError } from "../errors.ts";
import { isBpffs, lockDirectory, mountBpffs } from "../libbpf/syscalls.ts";
import { detach, pinnedCgroups, readIfThere } from "./attachment.ts";
import { linkDirectory } from "./maps.ts";

/** Until it is disposed, or the process is gone. Throws MeshError "config" where another agent has it. */
export function claimPins(pinDirectory: string): Disposable {
  preparePins(pinDirectory);
  try {
    const lock = lockDirectory(pinDirectory);
    return {
      [Symbol.dispose]() {
        removeIfEmpty(linkDirectory(pinDirectory));
        removeIfEmpty(pinDirectory);
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    if (!(error instanceof KernelError) || error.errnoName !== "EAGAIN") throw error;
    const reason = `use pin directory ${pinDirectory}: another agent governs by it; stop that one, or give this one --pin-dir`;
    throw new MeshError("config", reason, { cause: error });
  }
}

/** An agent that never governed leaves no trace. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // it holds pins, or is gone: both are right
  }
}

/** The pin directory, in a bpf file system that is mounted where it isn't one. */
export function preparePins(pinDirectory: string): void {
  const parent = dirname(pinDirectory);
  try {
    mkdirSync(parent, { recursive: true });
    if (!isBpffs(parent)) mountBpffs(parent);
    mkdirSync(linkDirectory(pinDirectory), { recursive: true, mode: 0o700 });
  } catch (error) {
    const { reason } = MeshError.from(error, `prepare pins in ${pinDirectory}`);
    throw new UnsupportedError("pins", reason, "run as root with CAP_SYS_ADMIN, or mount a bpf file system there");
  }
}

/** Removes every link and pin, whoever made them: governed traffic is native from now on. */
export function removeAll(pinDirectory: string): void {
  for (const id of pinnedCgroups(pinDirectory)) detach(pinDirectory, id);
  for (const name of readIfThere(pinDirectory)) rmSync(join(pinDirectory, name), { recursive: true, force: true });
  rmSync(pinDirectory, { recursive: true, force: true });
}
