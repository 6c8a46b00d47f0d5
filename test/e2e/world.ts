// What the agent governs in these tests: a cgroup to enrol, clients inside and outside of it, and backends that say who they are.
// All of them live in a network namespace of their own, so that addresses and ports may be fixed.
import type { AgentStatus } from "../../src/admin/view.ts";
import type { Explanation } from "../../src/explain.ts";
import type { Agent } from "../support/agent.ts";
import { type BackendSpec, Backends } from "../support/backend.ts";
import { Cgroup } from "../support/cgroup.ts";
import { Dialer } from "../support/dialer.ts";
import { Netns } from "../support/netns.ts";
import { compose, type Enter, type Output } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

/** For hanging, not for speed. */
export const testTimeoutMs = 90_000;

export const backendPort = 8080;

export class World implements AsyncDisposable {
  readonly cgroup: Cgroup;
  readonly namespace: Netns;
  readonly backends: Backends;
  /** A client in the cgroup, and one that isn't. */
  readonly inside: Dialer;
  readonly outside: Dialer;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    cgroup: Cgroup,
    namespace: Netns,
    backends: Backends,
    clients: readonly [inside: Dialer, outside: Dialer],
    stack: AsyncDisposableStack,
  ) {
    this.cgroup = cgroup;
    this.namespace = namespace;
    this.backends = backends;
    [this.inside, this.outside] = clients;
    this.#stack = stack;
  }

  static async create(backends: readonly BackendSpec[]): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const namespace = stack.use(await Netns.create("e2e"));
    const cgroup = stack.use(Cgroup.create("e2e"));
    const servers = stack.use(await Backends.start(backends, namespace.enter));
    const inside = stack.use(Dialer.start(compose(cgroup.enter, namespace.enter)));
    const outside = stack.use(Dialer.start(namespace.enter));
    return new World(cgroup, namespace, servers, [inside, outside], stack.move());
  }

  /** Runs a command as an enrolled workload. */
  get enter(): Enter {
    return compose(this.cgroup.enter, this.namespace.enter);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Says `name` first and then echoes, at 127.0.1.`host`:8080. */
export function tcpBackend(name: string, host: number): BackendSpec {
  return { name, address: `127.0.1.${host}`, port: backendPort };
}

/** Answers each HTTP request with `name`, at 127.0.1.`host`:8080. */
export function httpBackend(name: string, host: number): BackendSpec {
  return { ...tcpBackend(name, host), mode: "http" };
}

/** What /status says; dates are texts in it. */
export function statusOf(agent: Agent): Promise<AgentStatus> {
  return agent.json<AgentStatus>("/status");
}

export async function explanationOf(agent: Agent, destination: string): Promise<Explanation> {
  return JSON.parse((await agent.cli("explain", destination, "--json")).stdout) as Explanation;
}

interface ListenerReport {
  readonly name: string;
  readonly kmesh_edge: readonly { readonly destination: string; readonly engine: string; readonly reason: string }[];
}

/** The engine of each destination of a listener, and why. */
export async function enginesOf(agent: Agent, listener: string): Promise<ListenerReport["kmesh_edge"]> {
  const { listener_statuses } = await agent.json<{ listener_statuses: readonly ListenerReport[] }>(
    "/listeners?format=json",
  );
  return listener_statuses.find(({ name }) => name === listener)?.kmesh_edge ?? [];
}

const traceLine = /^\s+at .+:\d+/m;

/** One line that begins with a code, and no trace of where in the code it came from. */
export function isOneClearError({ stderr }: Output): boolean {
  return /^\[[a-z]+\] [^\n]+\n$/.test(stderr) && !traceLine.test(stderr);
}

/** Log lines with this message, decoded. */
export function logged(agent: Agent, message: string): readonly Readonly<Record<string, unknown>>[] {
  return agent
    .log()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter((line) => line.message === message);
}

/** Packets that went through the namespace's loopback so far: the sign that a load goes on. */
async function packets(world: World): Promise<number> {
  const line = (await world.namespace.run(["cat", "/proc/net/dev"])).stdout
    .split("\n")
    .find((one) => /^\s*lo:/.test(one));
  return Number(line?.trim().split(/\s+/)[2]);
}

/** Waits until a load that runs in the world has done some hundred packets more. */
export async function loadGoesOn(world: World): Promise<void> {
  const before = await packets(world);
  await waitFor("the load to go on", async () => (await packets(world)) > before + 300);
}
