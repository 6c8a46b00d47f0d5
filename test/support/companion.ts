// A Bun program of ours that a test talks to: one JSON request a line on its standard input, one JSON answer a line on its
// standard output. It runs where the test can't be itself: in a cgroup or in a network namespace.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { asIs, dieWithParent, type Enter, root } from "./process.ts";

type Reply = { readonly ok: unknown } | { readonly error: string };

export class Companion implements AsyncDisposable {
  private queue: Promise<unknown> = Promise.resolve();

  private readonly name: string;
  private readonly child: Bun.Subprocess<"pipe", "pipe", Bun.BunFile>;
  private readonly lines: AsyncIterator<string>;

  private constructor(name: string, child: Bun.Subprocess<"pipe", "pipe", Bun.BunFile>, lines: AsyncIterator<string>) {
    this.name = name;
    this.child = child;
    this.lines = lines;
  }

  static start(program: string, enter: Enter = asIs): Companion {
    const logDir = join(root, "build/logs/processes");
    mkdirSync(logDir, { recursive: true });
    const path = join(import.meta.dir, "programs", program);
    const child = Bun.spawn([...dieWithParent(enter([process.execPath, path]))], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: Bun.file(join(logDir, `${program}-${process.pid}-${performance.now().toFixed(3)}.log`)),
    });
    return new Companion(program, child, splitLines(child.stdout));
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Sends a request and waits for its answer; requests are answered in order. */
  ask<Answer>(request: object): Promise<Answer> {
    const answer = this.queue.then(() => this.exchange<Answer>(request));
    this.queue = answer.catch(() => undefined);
    return answer;
  }

  private async exchange<Answer>(request: object): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    this.child.stdin.flush();
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.name} ended instead of answering ${JSON.stringify(request)}`);
    const reply = JSON.parse(value) as Reply;
    if ("error" in reply) throw new Error(`${this.name}: ${reply.error}`);
    return reply.ok as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

export async function* splitLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** The program's side: answers requests until its input ends. */
export async function serve(answer: (request: Record<string, unknown>) => unknown): Promise<void> {
  for await (const line of splitLines(Bun.stdin.stream())) {
    const reply: Reply = await Promise.resolve()
      .then(() => answer(JSON.parse(line) as Record<string, unknown>))
      .then((ok) => ({ ok: ok ?? null }))
      .catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  process.exit(0);
}
