// What the tests here share: backends that say who they are, an application in an enrolled cgroup, and a fresh mesh each.
import { Backends } from "../support/backend.ts";
import { Cgroup } from "../support/cgroup.ts";
import { waitFor } from "../support/wait.ts";
import { Dialer } from "./dialer.ts";
import { Mesh } from "./mesh.ts";
import type { Resources } from "./model.ts";

/** Below the ephemeral ports, and not the same in two runs at once. */
export const backendPort = 10_000 + (process.pid % 20_000);

/** Addresses on the loopback interface, so that a port can be the same for all. */
export class World implements AsyncDisposable {
  readonly backends: Backends;
  readonly cgroup: Cgroup;
  readonly dialer: Dialer;
  readonly #network: string;

  private constructor(network: string, backends: Backends, cgroup: Cgroup, dialer: Dialer) {
    this.#network = network;
    this.backends = backends;
    this.cgroup = cgroup;
    this.dialer = dialer;
  }

  /** Backends b1 to bN on `network`.1 to `network`.N; `network` is the test file's own, such as 127.77.1. */
  static async start(network: string, count: number): Promise<World> {
    const names = Array.from({ length: count }, (_, i) => i + 1);
    const backends = await Backends.start(
      names.map((i) => ({ name: `b${i}`, address: `${network}.${i}`, port: backendPort })),
    );
    const cgroup = Cgroup.create("bpf");
    return new World(network, backends, cgroup, Dialer.start(cgroup.enter));
  }

  /** The endpoint address of backend `bI`; beyond the last one nobody listens. */
  at(i: number): string {
    return `${this.#network}.${i}:${backendPort}`;
  }

  /** A mesh of its own for one test, with the cgroup enrolled. */
  mesh(resources: Resources): Mesh {
    const mesh = new Mesh();
    try {
      mesh.publish(resources);
      mesh.enroll(this.cgroup);
      return mesh;
    } catch (error) {
      mesh[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dialer[Symbol.asyncDispose]();
    this.cgroup[Symbol.dispose]();
    await this.backends[Symbol.asyncDispose]();
  }
}

/** Connections end a moment after close() returns. */
export function settled(mesh: Mesh, cluster: string): Promise<true> {
  return waitFor(`the connections of ${cluster} to end`, () => mesh.clusterState(cluster).active === 0);
}
