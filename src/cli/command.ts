// What a verb is, and what it is given: nothing here or in the verbs touches the process.
import type { ParseArgsConfig } from "node:util";
import type { MeshError } from "../errors.ts";

/** 0 done, 1 the answer is no, 2 bad usage or configuration, 3 this host can't, 4 the agent isn't running. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Progress is shown on a terminal only. */
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This executable, to be run again; with the leading arguments that make it kmesh-edge. */
  readonly self: readonly string[];
  /** The process id. */
  readonly pid: number;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Invocation {
  readonly terminal: Terminal;
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
  readonly isJson: boolean;
}

export interface Option {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  /** How the value is written in the help. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** The positional arguments in the help: "FILE", "TARGET", "". */
  readonly arguments: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly example: string;
  /** Not in the list of commands. */
  readonly isHidden?: boolean;
  readonly run: (invocation: Invocation) => Promise<ExitCode>;
}

export const commonOptions = {
  json: { type: "boolean", help: "answer in JSON" },
  verbose: { type: "boolean", help: "show the causes of an error" },
  help: { type: "boolean", short: "h", help: "show this help" },
} as const satisfies Record<string, Option>;

export const adminOption = {
  socket: { type: "string", value: "PATH", help: "the agent's admin socket [/run/kmesh-edge/admin.sock]" },
  admin: { type: "string", value: "PATH", help: "the same: as `run --admin PATH` was told" },
} as const satisfies Record<string, Option>;

export function parseOptions(command: Command): NonNullable<ParseArgsConfig["options"]> {
  const options = { ...command.options, ...commonOptions };
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false, short }]: [string, Option]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
}

export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...commonOptions }).map(([name, option]: [string, Option]) => {
    const flag = `${option.short === undefined ? "" : `-${option.short}, `}--${name}${option.value === undefined ? "" : ` ${option.value}`}`;
    return `  ${flag.padEnd(28)} ${option.help}${option.multiple === true ? " (may be repeated)" : ""}`;
  });
  const usage = ["kmesh-edge", command.name, command.arguments].filter((word) => word !== "").join(" ");
  return `${command.summary}\n\nUsage: ${usage} [OPTIONS]\n\nOptions:\n${options.join("\n")}\n\nExample:\n  ${command.example}\n`;
}

export function programHelp(commands: readonly Command[]): string {
  const lines = commands
    .filter(({ isHidden }) => isHidden !== true)
    .map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`);
  return `kmesh-edge: a kernel-level service mesh for hosts without Kubernetes\n\nUsage: kmesh-edge COMMAND [OPTIONS]\n\nCommands:\n${lines.join("\n")}\n\nkmesh-edge COMMAND --help shows a command's options and an example.\n`;
}

/** One line per cause, the outermost first. */
export function describeError(error: MeshError, isVerbose: boolean): string {
  if (!isVerbose) return `${error.message}\n`;
  const lines: string[] = [];
  let cause: unknown = error;
  while (cause !== undefined && lines.length < 20) {
    lines.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return `${lines.join("\n  caused by: ")}\n`;
}
