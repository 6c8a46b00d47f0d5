// A client of raw bytes that runs where a workload would: in a namespace, in a cgroup, or in both. See programs/raw-client.ts.
import { join } from "node:path";
import { splitLines } from "./companion.ts";
import { dieWithParent, type Enter, root } from "./process.ts";

/** Bytes to send, or something to wait for: so many complete answers, or a text in what came. */
export type ClientStep =
  | string
  | { readonly wait: number }
  | { readonly answers: number }
  | { readonly text: string }
  | { readonly do: "fin" | "reset" };

export interface ClientScript {
  readonly address: string;
  readonly port: number;
  readonly steps: readonly ClientStep[];
  /** How many answers to wait for after the last step. */
  readonly answers: number;
  /** Wait for the connection's end, too. */
  readonly awaitClose: boolean;
  /** For what never comes. */
  readonly patienceMs: number;
  /** How long a connection must stay open to count as kept. */
  readonly graceMs: number;
}

export interface Transcript {
  /** One character a byte. */
  readonly received: string;
  /** `open`, `fin`, `reset`, or why it couldn't be opened. */
  readonly closed: string;
}

export class RawClient implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Map<number, (transcript: Transcript) => void>();
  #lastId = 0;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#child = child;
    void this.#read();
  }

  static start(enter: Enter): RawClient {
    const argv = dieWithParent(enter([process.execPath, join(root, "test/support/programs/raw-client.ts")]));
    return new RawClient(Bun.spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
  }

  play(script: ClientScript): Promise<Transcript> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Transcript>();
    this.#waiting.set(id, resolve);
    this.#child.stdin.write(`${JSON.stringify({ id, script })}\n`);
    this.#child.stdin.flush();
    return promise;
  }

  async #read(): Promise<void> {
    for await (const line of splitLines(this.#child.stdout)) {
      const { id, transcript } = JSON.parse(line) as { id: number; transcript: Transcript };
      this.#waiting.get(id)?.(transcript);
      this.#waiting.delete(id);
    }
    // Whoever still waits would do so for ever.
    for (const resolve of this.#waiting.values()) resolve({ received: "", closed: "the client has ended" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
