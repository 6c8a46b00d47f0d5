// A go-control-plane server, fed with Envoy resources that the test writes, or with many generated ones. Its ports stay the same
// over `stop` and `start`, so that a client can find it again.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { binDir, freePorts, Process } from "./process.ts";
import { TempDir } from "./temp.ts";

export interface Scale {
  readonly clusters: number;
  /** of each cluster, at 127.(1 + i / 250).(i % 250).(1 …), port 8080 */
  readonly endpoints: number;
  /** listener i: 127.96.(i / 250).(i % 250 + 1), port 80, to cluster i */
  readonly listeners: number;
}

export interface ControlPlaneStatus {
  /** by type URL; a type without resources is absent */
  readonly versions: Readonly<Record<string, string>>;
  readonly clients: {
    readonly open_streams: number;
    readonly total_streams: number;
    readonly delta_streams: number;
    readonly acks: number;
    readonly nacks: number;
    readonly rejections: readonly { readonly type_url: string; readonly message: string }[];
    readonly node_ids: readonly string[];
    /** Microseconds since 1970, of delta streams: the last response, and the last ACK. */
    readonly last_sent: number;
    readonly last_ack: number;
  };
}

type Resource = Readonly<Record<string, unknown>>;

export class ControlPlane implements AsyncDisposable {
  private process: Process | undefined;
  private readonly directory = new TempDir();
  private readonly ports: readonly [grpc: number, control: number];

  private readonly scale: Scale | undefined;

  private constructor(scale: Scale | undefined) {
    this.scale = scale;

    const [grpc = 0, control = 0] = freePorts(2);
    this.ports = [grpc, control];
    mkdirSync(this.directory.join("resources"));
  }

  /** `resources`: Envoy's, in JSON with "@type". */
  static async start(resources: readonly Resource[]): Promise<ControlPlane> {
    const controlPlane = new ControlPlane(undefined);
    controlPlane.write(resources);
    return controlPlane.started();
  }

  static generate(scale: Scale): Promise<ControlPlane> {
    return new ControlPlane(scale).started();
  }

  private async started(): Promise<ControlPlane> {
    try {
      await this.start();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
    return this;
  }

  /** HOST:PORT of xDS, plaintext. */
  get address(): string {
    return `127.0.0.1:${this.ports[0]}`;
  }

  /** Replaces all resources and publishes them; returns when the server has them. */
  async publish(resources: readonly Resource[]): Promise<ControlPlaneStatus> {
    this.write(resources);
    return this.control("POST", "/reload");
  }

  /** Replaces all resources of a server that isn't running. */
  write(resources: readonly Resource[]): void {
    this.directory.write("resources/all.json", JSON.stringify({ resources }));
  }

  /** Gives a generated cluster other endpoint weights. */
  change(cluster: number): Promise<ControlPlaneStatus> {
    return this.control("POST", `/change?cluster=${cluster}`);
  }

  status(): Promise<ControlPlaneStatus> {
    return this.control("GET", "/status");
  }

  private async control(method: string, path: string): Promise<ControlPlaneStatus> {
    const response = await fetch(`http://127.0.0.1:${this.ports[1]}${path}`, { method });
    if (!response.ok) throw new Error(`go-control-plane ${path}: ${await response.text()}`);
    return (await response.json()) as ControlPlaneStatus;
  }

  async start(): Promise<void> {
    const [grpc, control] = this.ports;
    const source = this.scale
      ? Object.entries(this.scale).map(([name, count]) => `--${name}=${count}`)
      : [`--dir=${this.directory.join("resources")}`];
    this.process = Process.start(
      [join(binDir, "go-control-plane"), `--grpc=127.0.0.1:${grpc}`, `--control=127.0.0.1:${control}`, ...source],
      { name: "go-control-plane" },
    );
    await this.process.waitForHttp(`http://127.0.0.1:${control}/status`);
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
