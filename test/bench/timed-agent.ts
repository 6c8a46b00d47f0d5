// The compiled agent with the moment of each of its log lines: what happened when is seen as it is written, without polling.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { AgentStatus } from "../../src/admin/view.ts";
import { binary } from "../support/agent.ts";
import { TempDir } from "../support/temp.ts";

export interface Line {
  /** As performance.now(). */
  readonly at: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TimedAgentOptions {
  readonly mesh?: string;
  readonly controller?: string;
  readonly cgroup?: string;
}

type Waiter = (line: Line | undefined) => void;

/** An agent that hasn't said what is waited for by then never will: the measurement fails instead of hanging. */
const patienceMs = 60_000;

export class TimedAgent implements AsyncDisposable {
  readonly startedAt: number;
  readonly #child: Subprocess<"ignore", "pipe", "inherit">;
  readonly #directory: TempDir;
  readonly #pins: string;
  readonly #socket: string;
  readonly #lines: Line[] = [];
  #waiters: Waiter[] = [];
  #isOver = false;

  private constructor(
    child: Subprocess<"ignore", "pipe", "inherit">,
    startedAt: number,
    directory: TempDir,
    pins: string,
  ) {
    this.#child = child;
    this.startedAt = startedAt;
    this.#directory = directory;
    this.#pins = pins;
    this.#socket = directory.join("admin.sock");
    void this.#read();
  }

  static start({ mesh, controller, cgroup }: TimedAgentOptions): TimedAgent {
    const directory = new TempDir();
    const pins = join("/sys/fs/bpf", `kmesh-edge-bench-${process.pid}-${crypto.randomUUID().slice(0, 8)}`);
    const argv = [
      ...[binary, "run", "--config", directory.write("config.yaml", "{}\n"), "--state-dir", directory.join("state")],
      ...["--pin-dir", pins, "--admin", directory.join("admin.sock"), "--admin", "off", "--detach-on-exit"],
      ...(mesh === undefined ? [] : ["--mesh", directory.write("mesh.yaml", mesh)]),
      ...(controller === undefined ? [] : ["--controller", controller]),
      ...(cgroup === undefined ? [] : ["--cgroup", cgroup]),
    ];
    const startedAt = performance.now();
    const child = Bun.spawn(argv, { cwd: directory.path, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    return new TimedAgent(child, startedAt, directory, pins);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** How many lines there are so far. */
  get mark(): number {
    return this.#lines.length;
  }

  /** The first line from `mark` on of this message that `accept` takes. */
  async line(message: string, accept: (line: Line) => boolean = () => true, mark = 0): Promise<Line> {
    const deadline = performance.now() + patienceMs;
    for (let next = mark; ; next++) {
      const line = this.#lines[next] ?? (await this.#next(deadline));
      if (line === undefined) throw new Error(`the agent didn't say ${JSON.stringify(message)}${this.#lastWords()}`);
      if (line.message === message && accept(line)) return line;
    }
  }

  /** Undefined: it has ended, or time is up. */
  async #next(deadline: number): Promise<Line | undefined> {
    if (this.#isOver) return undefined;
    const { promise, resolve } = Promise.withResolvers<Line | undefined>();
    this.#waiters.push(resolve);
    const timer = setTimeout(() => resolve(undefined), deadline - performance.now());
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #lastWords(): string {
    const last = this.#lines.at(-1);
    return last === undefined ? "" : `; it last said ${JSON.stringify(last.message)} ${JSON.stringify(last.fields)}`;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const at = performance.now();
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const { message, ...fields } = JSON.parse(part) as { message: string };
        this.#tell({ at, message, fields });
      }
    }
    this.#isOver = true;
    this.#tell(undefined);
  }

  #tell(line: Line | undefined): void {
    if (line !== undefined) this.#lines.push(line);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake(line);
  }

  async status(): Promise<AgentStatus> {
    const response = await fetch("http://localhost/status", { unix: this.#socket });
    return (await response.json()) as AgentStatus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
    rmSync(this.#pins, { recursive: true, force: true });
    this.#directory[Symbol.dispose]();
  }
}
