// Network namespaces of the test's own, joined by veth pairs: the only place where tests use addresses outside 127.0.0.0/8.
import { type Enter, type Output, run, runOk } from "./process.ts";

export class Netns implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** A namespace with nothing but its own loopback, up. */
  static async create(label = "ns"): Promise<Netns> {
    const namespace = new Netns(`kmesh-edge-${label}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`);
    await runOk(["ip", "netns", "add", namespace.name]);
    await namespace.ip("link", "set", "lo", "up");
    return namespace;
  }

  /** Runs a command in this namespace; by nsenter, because `ip netns exec` hides the host's cgroups and bpffs. */
  readonly enter: Enter = (argv) => ["nsenter", `--net=/run/netns/${this.name}`, "--", ...argv];

  run(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Output> {
    return run(argv, { ...options, enter: this.enter });
  }

  /** `ip` inside the namespace. */
  ip(...words: readonly string[]): Promise<string> {
    return runOk(["ip", "-n", this.name, ...words]);
  }

  /** Gives an interface one more address, without the wait for duplicates that IPv6 would do. */
  async address(device: string, cidr: string): Promise<void> {
    await this.ip("addr", "add", cidr, "dev", device, ...(cidr.includes(":") ? ["nodad"] : []));
  }

  /** A cable to another namespace; each end gets its addresses and goes up. */
  async connect(other: Netns, here: readonly string[], there: readonly string[]): Promise<void> {
    const id = crypto.randomUUID().slice(0, 8);
    const [mine, theirs] = [`a${id}`, `b${id}`];
    await this.ip("link", "add", mine, "type", "veth", "peer", "name", theirs, "netns", other.name);
    await this.raise(mine, here);
    await other.raise(theirs, there);
  }

  private async raise(device: string, cidrs: readonly string[]): Promise<void> {
    for (const cidr of cidrs) await this.address(device, cidr);
    await this.ip("link", "set", device, "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await run(["ip", "netns", "pids", this.name]);
    for (const pid of stdout.split("\n").filter(Boolean)) {
      // It may have ended since it was listed.
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {}
    }
    await runOk(["ip", "netns", "delete", this.name]);
  }
}
