// argv → verb → exit code. The only file that touches the process.
import { parseArgs } from "node:util";
import { NotRunningError } from "./cli/admin-client.ts";
import {
  type Command,
  commandHelp,
  describeError,
  type ExitCode,
  parseOptions,
  programHelp,
  type Terminal,
} from "./cli/command.ts";
import { loadAll, verbs } from "./cli/commands.ts";
import { ConfigError, KernelError, MeshError, UnsupportedError } from "./errors.ts";

async function main(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.out(programHelp(await loadAll()));
    return name === undefined ? 2 : 0;
  }
  const verb = verbs.find((one) => one.name === (name === "--version" ? "version" : name));
  if (verb === undefined) {
    terminal.err(`[usage] ${name}: no such command; kmesh-edge --help lists them\n`);
    return 2;
  }
  return runCommand(await verb.load(), rest, terminal);
}

async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let isVerbose = args.includes("--verbose");
  try {
    const { values, positionals } = parse(command, args);
    isVerbose = values.verbose === true;
    if (values.help === true) {
      terminal.out(commandHelp(command));
      return 0;
    }
    return await command.run({ terminal, options: values as Options, positionals, isJson: values.json === true });
  } catch (thrown) {
    const error = MeshError.from(thrown);
    terminal.err(describeError(error, isVerbose));
    return exitCodeOf(error);
  }
}

type Options = Parameters<Command["run"]>[0]["options"];

function parse(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({
      args: [...args],
      options: parseOptions(command),
      allowPositionals: command.arguments !== "",
      strict: true,
    });
  } catch (error) {
    const [first = "bad arguments"] = (error as Error).message.split(". ");
    throw new MeshError("usage", `kmesh-edge ${command.name}: ${first}; see --help`, { cause: error });
  }
}

function exitCodeOf(error: MeshError): ExitCode {
  if (error instanceof NotRunningError) return 4;
  if (error instanceof UnsupportedError || error instanceof KernelError) return 3;
  if (error instanceof ConfigError || error.code === "usage" || error.code === "config") return 2;
  return 1;
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

// A compiled executable runs as itself; from the sources, Bun runs this file.
const isCompiled = import.meta.path.startsWith("/$bunfs/");
process.exitCode = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  env: process.env,
  self: isCompiled ? [process.execPath] : [process.execPath, import.meta.path],
  pid: process.pid,
  signal: stop.signal,
});
// What a pipe hasn't taken yet would be lost.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.end(done))));
process.exit();
