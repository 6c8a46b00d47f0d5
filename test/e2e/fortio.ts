// fortio as a load generator: it runs while a test does something to the agent, and tells how each request ended.
import { join } from "node:path";
import { binDir, type Enter, Process } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";

export interface LoadResult {
  /** HTTP status (-1: none came) → how often. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Connections that were opened: one for each thread where they are kept alive and none is cut. */
  readonly sockets: number;
}

export class Load implements AsyncDisposable {
  readonly #process: Process;
  readonly #directory: TempDir;

  private constructor(process: Process, directory: TempDir) {
    this.#process = process;
    this.#directory = directory;
  }

  static start(url: string, enter: Enter, options: { readonly keepAlive: boolean; readonly threads: number }): Load {
    const directory = new TempDir();
    const process = Process.start(
      [
        ...[join(binDir, "fortio"), "load", "-t", "60s", "-c", String(options.threads), "-qps", "400", "-quiet"],
        ...[`-keepalive=${options.keepAlive}`, "-allow-initial-errors", "-json", directory.join("result.json"), url],
      ],
      { name: "fortio", enter },
    );
    return new Load(process, directory);
  }

  /** Ends the load as a user would, with Ctrl-C. */
  async finish(): Promise<LoadResult> {
    await this.#process.stop("SIGINT");
    const result = (await Bun.file(this.#directory.join("result.json")).json()) as {
      readonly RetCodes: Readonly<Record<string, number>>;
      readonly SocketCount: number;
    };
    return { statuses: result.RetCodes, sockets: result.SocketCount };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    this.#directory[Symbol.dispose]();
  }
}
