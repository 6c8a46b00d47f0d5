// A program that a test runs beside itself: output in a log file, killed with the test whatever happens to it. Killing the
// test runner kills the program too (the parent-death signal), so that nothing outlives an interrupted run.
import { mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { GaveUp, waitFor } from "./wait.ts";

export const root = join(import.meta.dir, "../..");
export const binDir = join(root, ".cache/bin");
const logDir = join(root, "build/logs/processes");

/** Turns a command line into one that runs elsewhere: in a network namespace, in a cgroup, or both. */
export type Enter = (argv: readonly string[]) => readonly string[];

export interface StartOptions {
  /** for the log file and for messages */
  readonly name: string;
  readonly enter?: Enter | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class Process implements AsyncDisposable {
  readonly name: string;
  readonly logPath: string;
  private readonly child: Subprocess;

  private constructor(name: string, logPath: string, child: Subprocess) {
    this.name = name;
    this.logPath = logPath;
    this.child = child;
  }

  static start(argv: readonly string[], options: StartOptions): Process {
    mkdirSync(logDir, { recursive: true });
    const logPath = join(logDir, `${options.name}-${process.pid}-${performance.now().toFixed(3)}.log`);
    const log = Bun.file(logPath);
    const child = Bun.spawn([...dieWithParent((options.enter ?? asIs)(argv))], {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    return new Process(options.name, logPath, child);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** The exit status; 128 + N when signal N ended it. */
  get exited(): Promise<number> {
    return this.child.exited;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  log(): string {
    return readFileSync(this.logPath, "utf8");
  }

  /** Waits until `ask` has an answer, and fails at once if the program ends first. */
  waitFor<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
    return waitFor(`${this.name}: ${what}`, () => {
      if (this.hasExited) throw new GaveUp(`${this.name} ended before ${what}; its log ends\n${tail(this.log())}`);
      return ask();
    }).catch((error: unknown) => {
      if (error instanceof GaveUp) throw error;
      throw new Error(`${String(error)}\n${this.name}'s log ends\n${tail(this.log())}`);
    });
  }

  waitForLine(pattern: RegExp): Promise<RegExpExecArray> {
    return this.waitFor(`a line like ${pattern}`, () => pattern.exec(this.log()) ?? undefined);
  }

  async waitForHttp(url: string): Promise<void> {
    await this.waitFor(`an answer of ${url}`, async () => (await fetch(url)).ok);
  }

  async waitForPort(address: string, port: number): Promise<void> {
    await this.waitFor(`${address}:${port} to listen`, () => listens(address, port));
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.child.kill(signal);
    return this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) await this.stop("SIGKILL");
  }
}

export const asIs: Enter = (argv) => argv;

/** Several ways in at once; the first is the outermost. */
export function compose(...enters: readonly Enter[]): Enter {
  return (argv) => enters.reduceRight<readonly string[]>((inner, enter) => enter(inner), argv);
}

export function dieWithParent(argv: readonly string[]): readonly string[] {
  return ["setpriv", "--pdeathsig", "KILL", "--", ...argv];
}

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(
  argv: readonly string[],
  options: { readonly enter?: Enter; readonly env?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Promise<Output> {
  const child = Bun.spawn([...dieWithParent((options.enter ?? asIs)(argv))], {
    cwd: root,
    env: { ...process.env, ...options.env },
    stdin: new TextEncoder().encode(options.stdin ?? ""),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { status, stdout, stderr };
}

/** Runs a program that has to succeed, and returns what it printed. */
export async function runOk(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status !== 0) throw new Error(`${argv.join(" ")}: exit status ${status}: ${stderr}${stdout}`);
  return stdout;
}

/** Ports of 127.0.0.1 that nobody listened on a moment ago; all different. */
export function freePorts(count: number): readonly number[] {
  const servers = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }),
  );
  const ports = servers.map((server) => server.port);
  for (const server of servers) server.stop(true);
  return ports;
}

function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}

function tail(text: string, lines = 20): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
