// The enrolled workloads that outlive the agent: one JSON file in the state directory, replaced atomically.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.ts";

const fileName = "workloads.json";
const maxBytes = 1 << 20;

/** The targets that `enroll` added, in the order they came; none where the file isn't there. Throws ConfigError where it is corrupt. */
export function readEnrolled(stateDirectory: string): string[] {
  const path = join(stateDirectory, fileName);
  const text = readIfThere(path);
  if (text === undefined) return [];
  if (text.length > maxBytes) throw new ConfigError(path, `longer than ${maxBytes} bytes`);
  const value = parse(path, text);
  if (typeof value !== "object" || value === null || !("workloads" in value) || !isTextList(value.workloads)) {
    throw new ConfigError(path, 'expected {"workloads": ["PATH", …]}');
  }
  return value.workloads;
}

export function writeEnrolled(stateDirectory: string, targets: readonly string[]): void {
  writeAtomically(join(stateDirectory, fileName), `${JSON.stringify({ workloads: targets }, null, 2)}\n`);
}

/** Either the whole new content or the old one is there after a crash: written beside, synced, renamed, directory synced. */
export function writeAtomically(path: string, content: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(path, `can't be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(path, "is not JSON; remove it to start with no enrolled workloads", { cause: error });
  }
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
