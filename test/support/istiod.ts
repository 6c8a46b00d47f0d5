// Real Istiod without Kubernetes, on a directory of Istio resources that the test edits. All its ports are free ones of loopback
// and stay the same over `stop` and `start`, so that a client can find it again.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { asIs, binDir, type Enter, freePorts, Process, run } from "./process.ts";
import { TempDir } from "./temp.ts";

/** Plain TCP between workloads: without it Istio expects mTLS between endpoints that carry its label. */
const MESH_CONFIG = "enableAutoMtls: false\ntrustDomain: cluster.local\n";

const ENVIRONMENT = {
  POD_NAMESPACE: "istio-system",
  POD_NAME: "istiod",
  KUBECONFIG: "",
  ENABLE_CA_SERVER: "false",
  PILOT_ENABLE_ANALYSIS: "false",
  PILOT_ENABLE_IP_AUTOALLOCATE: "false",
  // How long Istiod waits for more changes before it pushes.
  PILOT_DEBOUNCE_AFTER: "50ms",
  VALIDATION_WEBHOOK_CONFIG_NAME: "",
  INJECTION_WEBHOOK_CONFIG_NAME: "",
  GOMAXPROCS: "2",
};

export interface IstiodOptions {
  readonly enter?: Enter;
  /** More of its environment: its feature flags. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Istiod implements AsyncDisposable {
  private process: Process | undefined;
  private readonly directory = new TempDir();
  private readonly ports: readonly [grpc: number, http: number, monitoring: number];

  private readonly options: IstiodOptions;

  private constructor(options: IstiodOptions) {
    this.options = options;
    const [grpc = 0, http = 0, monitoring = 0] = freePorts(3);
    this.ports = [grpc, http, monitoring];
    mkdirSync(this.directory.join("config"));
  }

  /** `resources`: file name (without extension) to YAML documents. */
  static async start(
    resources: Readonly<Record<string, string>> = {},
    meshConfig = MESH_CONFIG,
    options: IstiodOptions = {},
  ): Promise<Istiod> {
    const istiod = new Istiod(options);
    istiod.directory.write("mesh.yaml", meshConfig);
    for (const [name, yaml] of Object.entries(resources)) istiod.apply(name, yaml);
    try {
      await istiod.start();
    } catch (error) {
      await istiod[Symbol.asyncDispose]();
      throw error;
    }
    return istiod;
  }

  /** HOST:PORT of xDS, plaintext. */
  get address(): string {
    return `127.0.0.1:${this.ports[0]}`;
  }

  /** Creates or replaces a file of resources; Istiod sees it by itself. */
  apply(name: string, yaml: string): void {
    this.directory.write(`config/${name}.yaml`, yaml);
  }

  delete(name: string): void {
    this.directory.remove(`config/${name}.yaml`);
  }

  async start(): Promise<void> {
    const { enter = asIs, env = {} } = this.options;
    const [grpc, http, monitoring] = this.ports.map((port) => `127.0.0.1:${port}`);
    this.process = Process.start(
      [
        ...[join(binDir, "istiod"), `--config-dir=${this.directory.join("config")}`],
        ...[`--mesh-config=${this.directory.join("mesh.yaml")}`, `--grpc=${grpc}`, `--http=${http}`],
        `--monitoring=${monitoring}`,
      ],
      { name: "istiod", env: { ...ENVIRONMENT, ...env }, cwd: this.directory.path, enter },
    );
    await this.process.waitFor("being ready", async () => {
      const { status } = await run(["curl", "-sf", "--noproxy", "*", `http://${http}/ready`], { enter });
      return status === 0;
    });
  }

  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.process?.stop(signal);
    this.process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
    this.directory[Symbol.dispose]();
  }
}
