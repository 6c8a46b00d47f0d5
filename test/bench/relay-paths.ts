// HTTP by a rule that decides per request, every way to go: directly to the version that the rule means, through kmesh-edge's
// relay, and through HTTP proxies with the same rule. Each has its own address and cgroup; the client and the versions are the
// same for all.
import { Agent } from "../support/agent.ts";
import { Cgroup } from "../support/cgroup.ts";
import { Dialer } from "../support/dialer.ts";
import { Netns } from "../support/netns.ts";
import { compose, type Enter } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";
import { workers } from "./peers.ts";
import * as peers from "./relay-peers.ts";

export interface RelayPath {
  readonly name: string;
  readonly address: string;
  /** Runs a command as this path's client. */
  readonly enter: Enter;
  /** Where its client lives. */
  readonly client: Cgroup;
  /** Where what is between lives. */
  readonly mesh?: Cgroup;
}

/** In the order of a round's turns. */
export const pathNames = ["direct", "kmesh-edge", "Envoy", "nginx", "kmesh-edge, 1 worker", "haproxy"] as const;
export type PathName = (typeof pathNames)[number];

export interface RelayPaths {
  readonly paths: readonly RelayPath[];
  /** Where the versions live. */
  readonly backend: Cgroup;
}

export async function startPaths(names: readonly PathName[], stack: AsyncDisposableStack): Promise<RelayPaths> {
  const namespace = stack.use(await Netns.create("bench"));
  const directory = stack.use(new TempDir());
  const cgroup = (): Cgroup => stack.use(Cgroup.create("bench"));
  const enterWith = (group: Cgroup): Enter => compose(group.enter, namespace.enter);
  const [plain, backend] = [cgroup(), cgroup()];
  stack.use(await peers.startVersions(directory, enterWith(backend)));
  const outside = { client: plain, enter: enterWith(plain) };

  const agent = async (address: string, count: number): Promise<Omit<RelayPath, "name">> => {
    const [client, mesh] = [cgroup(), cgroup()];
    const config = `relay: {workers: ${count}}\n`;
    const options = { mesh: peers.canaryMesh(address), cgroups: [client.path], config };
    stack.use(await Agent.start({ ...options, enter: enterWith(mesh) }));
    return { address, client, enter: enterWith(client), mesh };
  };
  const proxy = async (
    address: string,
    start: (address: string, enter: Enter) => Promise<AsyncDisposable>,
  ): Promise<Omit<RelayPath, "name">> => {
    const mesh = cgroup();
    stack.use(await start(address, enterWith(mesh)));
    return { address, ...outside, mesh };
  };
  const starts: Readonly<Record<PathName, (vip: string) => Promise<Omit<RelayPath, "name">>>> = {
    direct: async () => ({ address: peers.versions.canary, ...outside }),
    "kmesh-edge": (vip) => agent(vip, workers),
    Envoy: (vip) => proxy(vip, peers.startCanaryEnvoy),
    nginx: (vip) => proxy(vip, (to, enter) => peers.startCanaryNginx(to, directory, enter)),
    "kmesh-edge, 1 worker": (vip) => agent(vip, 1),
    haproxy: (vip) => proxy(vip, (to, enter) => peers.startCanaryHaproxy(to, directory, enter)),
  };
  const paths: RelayPath[] = [];
  for (const name of names) {
    const path = { name, ...(await starts[name](`127.96.1.${paths.length + 1}:80`)) };
    if (path.mesh !== undefined) await expectRule(path);
    paths.push(path);
  }
  return { paths, backend };
}

/** Nobody's figures mean anything unless the rule is followed: on one connection as on many, with the header and without. */
async function expectRule({ name, address, enter }: RelayPath): Promise<void> {
  const [host = "", port] = address.split(":");
  await using client = Dialer.start(enter);
  for (const [field, version] of [
    [peers.canaryField, "canary"],
    ["x-canary: false", "stable"],
  ]) {
    const send = `GET / HTTP/1.1\r\nhost: shop\r\n${field}\r\n\r\n`;
    const tally = await client.tally(host, Number(port), { send, count: 20, concurrency: 4 });
    if (tally[version ?? ""] !== 20) {
      throw new Error(`${name} sent requests with ${field} elsewhere than to ${version}: ${JSON.stringify(tally)}`);
    }
  }
}
