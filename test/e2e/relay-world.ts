// A world whose HTTP goes through the agent's relay: the agent inside the workload's network namespace, and a look at its workers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, type AgentOptions } from "../support/agent.ts";
import { HttpSessions } from "../support/http-session.ts";
import { binDir, Process, run } from "../support/process.ts";
import { httpBackend, tcpBackend, World } from "./world.ts";

export const workers = 2;
/** A Go server in the world, for large and slow answers. */
export const goAddress = "127.0.1.30:8080";

export class RelayWorld implements AsyncDisposable {
  readonly world: World;
  readonly sessions: HttpSessions;
  readonly #stack: AsyncDisposableStack;

  private constructor(world: World, sessions: HttpSessions, stack: AsyncDisposableStack) {
    this.world = world;
    this.sessions = sessions;
    this.#stack = stack;
  }

  /** HTTP backends `a` and `b` at 127.0.1.1 and .2, a TCP backend `t` at .3, and the Go server. */
  static async create(): Promise<RelayWorld> {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await World.create([httpBackend("a", 1), httpBackend("b", 2), tcpBackend("t", 3)]));
    const { namespace } = world;
    const go = Process.start([join(binDir, "go-http"), "serve", "go", goAddress], {
      name: "go",
      enter: namespace.enter,
    });
    stack.use(go);
    await go.waitFor("it to answer", async () => {
      const { status } = await namespace.run(["curl", "-sf", "--noproxy", "*", `http://${goAddress}/`]);
      return status === 0;
    });
    const sessions = stack.use(HttpSessions.start(world.enter));
    return new RelayWorld(world, sessions, stack.move());
  }

  startAgent(mesh: string, { config = "", ...more }: AgentOptions = {}): Promise<Agent> {
    const { cgroup, namespace } = this.world;
    const text = `relay: {workers: ${workers}}\n${config}`;
    return Agent.start({ mesh, cgroups: [cgroup.path], config: text, enter: namespace.enter, ...more });
  }

  /** Process ids of the relay's workers, whoever started them. */
  async workers(): Promise<readonly number[]> {
    const { stdout } = await run(["ip", "netns", "pids", this.world.namespace.name]);
    return stdout.split("\n").filter(Boolean).map(Number).filter(isWorker).sort();
  }

  /** The port of loopback where the workers listen. */
  async relayPort(): Promise<number> {
    const pids = await this.workers();
    const { stdout } = await this.world.namespace.run(["ss", "-Hltnp4"]);
    const lines = stdout.split("\n").filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
    const ports = new Set(lines.map((line) => Number(/:(\d+)\s/.exec(line)?.[1])));
    const [port] = ports;
    if (port === undefined || ports.size !== 1) throw new Error(`not one port: ${stdout}`);
    return port;
  }

  /** Waits until nothing moves on the namespace's loopback any more. */
  async untilStalled(): Promise<void> {
    for (let before = -1, quiet = 0; quiet < 10; ) {
      const now = this.#packets();
      quiet = now === before ? quiet + 1 : 0;
      before = now;
      await Bun.sleep(50);
    }
  }

  #packets(): number {
    const [pid] = [this.world.inside.pid];
    const line = readFileSync(`/proc/${pid}/net/dev`, "utf8")
      .split("\n")
      .find((one) => /^\s*lo:/.test(one));
    return Number(line?.trim().split(/\s+/)[2]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function isWorker(pid: number): boolean {
  // It may have ended since it was listed.
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("relay-worker");
  } catch {
    return false;
  }
}

/** The most memory that a process had at once. */
export function peakMemory(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
