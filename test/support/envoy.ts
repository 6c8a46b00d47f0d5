// Real Envoy on a bootstrap: the oracle for what a mesh file means, and a peer in benchmarks. Its admin port is ours to choose,
// so that the bootstrap stays the same file that kmesh-edge reads.
import { join } from "node:path";
import { asIs, binDir, type Enter, freePorts, Process, runOk } from "./process.ts";
import { TempDir } from "./temp.ts";

export interface EnvoyOptions {
  readonly enter?: Enter;
  /** worker threads; one by default, so that round robin is one sequence */
  readonly concurrency?: number;
  /** don't wait until it is ready: for bootstraps whose control plane is missing */
  readonly unready?: boolean;
}

export class Envoy implements AsyncDisposable {
  readonly process: Process;
  readonly adminPort: number;
  private readonly enter: Enter;
  private readonly directory: TempDir;

  private constructor(process: Process, adminPort: number, enter: Enter, directory: TempDir) {
    this.process = process;
    this.adminPort = adminPort;
    this.enter = enter;
    this.directory = directory;
  }

  /** `bootstrap` is YAML or JSON. */
  static async start(bootstrap: string, options: EnvoyOptions = {}): Promise<Envoy> {
    const directory = new TempDir();
    const enter = options.enter ?? asIs;
    const [adminPort = 0] = freePorts(1);
    const socketAddress = { address: "127.0.0.1", port_value: adminPort };
    const process = Process.start(
      [
        ...[join(binDir, "envoy"), "--config-path", directory.write("bootstrap.yaml", bootstrap)],
        ...["--config-yaml", JSON.stringify({ admin: { address: { socket_address: socketAddress } } })],
        ...["--concurrency", String(options.concurrency ?? 1), "--disable-hot-restart", "--log-level", "warning"],
      ],
      { name: "envoy", enter },
    );
    const envoy = new Envoy(process, adminPort, enter, directory);
    try {
      const path = options.unready ? "/server_info" : "/ready";
      await process.waitFor(`an answer of ${path}`, async () => (await envoy.admin(path)) !== "");
    } catch (error) {
      await envoy[Symbol.asyncDispose]();
      throw error;
    }
    return envoy;
  }

  /** Asks the admin port, from inside Envoy's own namespace. */
  admin(path: string, method = "GET"): Promise<string> {
    const url = `http://127.0.0.1:${this.adminPort}${path}`;
    return runOk(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--request", method, url], {
      enter: this.enter,
    });
  }

  /** Counters and gauges whose name matches. */
  async stats(filter: string): Promise<Readonly<Record<string, number>>> {
    const lines = (await this.admin(`/stats?filter=${encodeURIComponent(filter)}`)).split("\n");
    const pairs = lines.flatMap((line) => {
      const [name, value] = line.split(": ");
      return name === undefined || !/^\d+$/.test(value ?? "") ? [] : [[name, Number(value)] as const];
    });
    return Object.fromEntries(pairs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    this.directory[Symbol.dispose]();
  }
}
