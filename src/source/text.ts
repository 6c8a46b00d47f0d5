// A file's text, read without ever blocking or growing: a FIFO, a device, a directory, an endless or binary file is one clear
// error.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { ConfigError, MeshError } from "../errors.ts";

/** Equal for equal texts. */
export function hashText(text: string): string {
  return `text ${text.length} ${Bun.hash(text)}`;
}

export const MAX_BYTES = 64 * 1024 * 1024;

/** UTF-8, without a byte order mark. Throws ConfigError. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  const nul = bytes.indexOf(0);
  if (nul !== -1) throw new ConfigError(path, `isn't text: byte ${nul} is NUL`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(path, "isn't text: it is not UTF-8", { cause });
  }
}

function readBytes(path: string): Uint8Array {
  let fd: number;
  try {
    // O_NONBLOCK: opening a FIFO without a writer would wait for one.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new ConfigError(path, openReason(cause), { cause });
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new ConfigError(path, "is a directory");
    if (!stat.isFile()) throw new ConfigError(path, "isn't a regular file");
    if (stat.size > MAX_BYTES) throw new ConfigError(path, `has ${stat.size} bytes, more than ${MAX_BYTES}`);
    return readAll(fd, stat.size);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(path, MeshError.from(cause).reason, { cause });
  } finally {
    closeSync(fd);
  }
}

/** What the file held when it was opened: one that grows meanwhile is read again when its watcher says so. */
function readAll(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

function openReason(cause: unknown): string {
  const code = (cause as { readonly code?: unknown }).code;
  switch (code) {
    case "ENOENT":
      return "doesn't exist";
    case "EACCES":
    case "EPERM":
      return "can't be read: permission denied";
    case "ENXIO":
      return "isn't a regular file";
    case "ELOOP":
      return "is a loop of symbolic links";
    default:
      return `can't be read: ${MeshError.from(cause).reason}`;
  }
}
