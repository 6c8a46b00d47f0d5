// Backends for tests: many tiny servers on addresses of 127.0.0.0/8 (or inside a namespace) that say who they are and count
// their connections.
import { Companion } from "./companion.ts";
import { asIs, type Enter } from "./process.ts";

export interface BackendSpec {
  /** what it answers with */
  readonly name: string;
  readonly address: string;
  /** 0: any free one */
  readonly port: number;
  /** `tcp` (default) says its name first and then echoes; `http` answers requests; `silent` only accepts */
  readonly mode?: "tcp" | "http" | "silent";
}

export interface BackendCounts {
  readonly accepted: number;
  readonly open: number;
}

export class Backends implements AsyncDisposable {
  private readonly companion: Companion;

  private constructor(companion: Companion) {
    this.companion = companion;
  }

  static async start(specs: readonly BackendSpec[], enter: Enter = asIs): Promise<Backends> {
    const backends = new Backends(Companion.start("backends.ts", enter));
    try {
      for (const spec of specs) await backends.add(spec);
    } catch (error) {
      await backends[Symbol.asyncDispose]();
      throw error;
    }
    return backends;
  }

  /** Returns the port. */
  add(spec: BackendSpec): Promise<number> {
    return this.companion.ask({ op: "start", mode: "tcp", ...spec });
  }

  /** Stops listening and resets what is open. */
  remove(name: string): Promise<void> {
    return this.companion.ask({ op: "stop", name });
  }

  /** By name, since the start. */
  counts(): Promise<Readonly<Record<string, BackendCounts>>> {
    return this.companion.ask({ op: "counts" });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.companion[Symbol.asyncDispose]();
  }
}
