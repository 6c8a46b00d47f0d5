// The compiled agent, as a user runs it, with everything that it keeps in places of the test's own: state, pins, admin socket.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { asIs, type Enter, type Output, Process, root, run, runOk } from "./process.ts";
import { TempDir } from "./temp.ts";

export const binary = join(root, "dist/kmesh-edge");
const BPFFS = "/sys/fs/bpf";

export interface AgentOptions {
  /** the mesh file's text; YAML or JSON */
  readonly mesh?: string;
  /** HOST:PORT of a control plane */
  readonly controller?: string;
  /** paths of the cgroups to enroll */
  readonly cgroups?: readonly string[];
  /** the agent's own configuration, as YAML */
  readonly config?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly enter?: Enter;
  /** what `start` waits for: `ready` (default), the admin `socket`, or `nothing` */
  readonly until?: "ready" | "socket" | "nothing";
}

export class Agent implements AsyncDisposable {
  private process: Process | undefined;
  private readonly directory = new TempDir();
  readonly pinDirectory = join(BPFFS, `kmesh-edge-test-${process.pid}-${crypto.randomUUID().slice(0, 8)}`);
  readonly stateDirectory = this.directory.join("state");
  readonly adminSocket = this.directory.join("admin.sock");
  readonly meshFile = this.directory.join("mesh.yaml");

  private readonly options: AgentOptions;

  private constructor(options: AgentOptions) {
    this.options = options;
  }

  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options);
    try {
      await mountBpffs();
      agent.writeMesh(options.mesh);
      agent.directory.write("config.yaml", options.config ?? "{}\n");
      await agent.start();
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    }
    return agent;
  }

  /** Edits the mesh file, whole. */
  writeMesh(text: string | undefined): void {
    if (text !== undefined) this.directory.write("mesh.yaml", text);
  }

  /** Starts it (again) on what it left behind. */
  async start(): Promise<void> {
    rmSync(this.adminSocket, { force: true });
    const { controller, cgroups = [], flags = [], env = {}, enter = asIs, until = "ready" } = this.options;
    this.process = Process.start(
      [
        ...[binary, "run", "--config", this.directory.join("config.yaml"), ...this.places()],
        ...(existsSync(this.meshFile) ? ["--mesh", this.meshFile] : []),
        ...(controller === undefined ? [] : ["--controller", controller]),
        ...cgroups.flatMap((path) => ["--cgroup", path]),
        ...flags,
      ],
      { name: "kmesh-edge", enter, env, cwd: this.directory.path },
    );
    if (until === "socket") await this.process.waitFor("its admin socket", () => existsSync(this.adminSocket));
    if (until === "ready") await this.waitUntilReady();
    // What it logged on the way may reach us later than its answer.
    if (until === "ready") await this.waitFor("its log", () => this.log().includes('"message":"ready"'));
  }

  private places(): readonly string[] {
    return [
      ...["--state-dir", this.stateDirectory, "--pin-dir", this.pinDirectory],
      ...["--admin", this.adminSocket, "--admin", "off"],
    ];
  }

  async waitUntilReady(): Promise<void> {
    await this.waitFor("being ready", async () => (await this.request("/ready")).ok);
  }

  /** Waits for something about the agent; fails at once when the agent ends. */
  waitFor<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
    return this.running.waitFor(what, ask);
  }

  get pid(): number {
    return this.running.pid;
  }

  get exited(): Promise<number> {
    return this.running.exited;
  }

  log(): string {
    return this.process === undefined ? "" : readFileSync(this.process.logPath, "utf8");
  }

  private get running(): Process {
    if (this.process === undefined) throw new Error("the agent isn't running");
    return this.process;
  }

  /** Ends it; returns the exit status. SIGKILL for a crash. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    return this.running.stop(signal);
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://localhost${path}`, { ...init, unix: this.adminSocket });
  }

  async json<T>(path: string): Promise<T> {
    const response = await this.request(path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** A verb that asks the agent (status, explain, enroll …), asking this one. */
  cli(...argv: readonly string[]): Promise<Output> {
    return run([binary, ...argv, "--socket", this.adminSocket], { enter: this.options.enter ?? asIs });
  }

  /** Whether it left programs and maps in the kernel. */
  get hasPins(): boolean {
    return existsSync(this.pinDirectory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
    // A pinned link without its pin is detached.
    rmSync(this.pinDirectory, { recursive: true, force: true });
    this.directory[Symbol.dispose]();
  }
}

async function mountBpffs(): Promise<void> {
  const mounted = readFileSync("/proc/mounts", "utf8").includes(` ${BPFFS} bpf `);
  if (mounted) return;
  mkdirSync(BPFFS, { recursive: true });
  await runOk(["mount", "-t", "bpf", "bpf", BPFFS]);
}
