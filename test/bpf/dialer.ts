// The application's side of a test: drives dialer.py, a process of its own that is born in a cgroup or a network namespace.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { asIs, dieWithParent, type Enter, root } from "../support/process.ts";

/** A call and its arguments, as dialer.py's `step` takes them. */
export type Step = readonly [call: string, ...args: readonly (string | number)[]];

export interface DialOptions {
  /** Of the socket: 4 (default) or 6. */
  readonly family?: 4 | 6;
  /** Source addresses, in turn. */
  readonly binds?: readonly string[];
  /** Keep the connections open until `release`. */
  readonly hold?: boolean;
}

export class Dialer implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", Bun.BunFile>;
  readonly #lines: AsyncIterator<string>;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(child: Bun.Subprocess<"pipe", "pipe", Bun.BunFile>) {
    this.#child = child;
    this.#lines = splitLines(child.stdout);
  }

  static start(enter: Enter = asIs): Dialer {
    const logs = join(root, "build/logs/processes");
    mkdirSync(logs, { recursive: true });
    const argv = dieWithParent(enter(["python3", join(import.meta.dir, "dialer.py")]));
    const stderr = Bun.file(join(logs, `dialer-${process.pid}-${crypto.randomUUID().slice(0, 8)}.log`));
    return new Dialer(Bun.spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr }));
  }

  /** Steps on the socket `name`, which is made where it isn't there; what each returned. */
  run(name: string, steps: readonly Step[], family: 4 | 6 = 4): Promise<readonly string[]> {
    return this.#ask({ op: "run", name, steps, number: family });
  }

  /** Who answered `count` connections one after the other, in order; `!ERRNO` where one failed. */
  dial(target: string, count = 1, { family = 4, binds, hold = false }: DialOptions = {}): Promise<readonly string[]> {
    return this.#ask({ op: "dial", ...split(target), count, number: family, binds: binds ?? null, hold });
  }

  release(): Promise<null> {
    return this.#ask({ op: "release" });
  }

  /** Connects without end from `threads` threads, which share the targets among them. */
  flood(targets: readonly string[], threads: number, family: 4 | 6 = 4): Promise<null> {
    const pairs = targets.map((target) => Object.values(split(target)));
    return this.#ask({ op: "flood", targets: pairs, threads, number: family });
  }

  /** Connections of the flood so far. */
  flooded(): Promise<number> {
    return this.#ask({ op: "flooded" });
  }

  /** Connects that begin from now on are counted apart. */
  nextEpoch(): Promise<null> {
    return this.#ask({ op: "epoch" });
  }

  /** Ends the flood: by epoch, how often who answered which target (`127.96.0.1 one`). */
  stopFlood(): Promise<readonly Readonly<Record<string, number>>[]> {
    return this.#ask({ op: "stop" });
  }

  get pid(): number {
    return this.#child.pid;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  /** Requests are answered in order. */
  #ask<Answer>(request: object): Promise<Answer> {
    const answer = this.#queue.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      this.#child.stdin.flush();
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`dialer ended instead of answering ${JSON.stringify(request)}`);
      const reply = JSON.parse(value) as { readonly ok: Answer } | { readonly error: string };
      if ("error" in reply) throw new Error(`dialer: ${reply.error}`);
      return reply.ok;
    });
    this.#queue = answer.catch(() => undefined);
    return answer;
  }
}

/** How often each. */
export function tally(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

function split(target: string): { readonly to: string; readonly port: number } {
  const at = target.lastIndexOf(":");
  return { to: target.slice(0, at).replace(/[[\]]/g, ""), port: Number(target.slice(at + 1)) };
}

async function* splitLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
