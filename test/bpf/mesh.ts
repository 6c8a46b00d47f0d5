// The real compiler and the real dataplane on a bpf file system of the test's own, as the publisher wires them. Nothing of it is
// left when it is disposed: the file system goes, and with it every pin and link.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Compiled, Compiler } from "../../src/compile/compile.ts";
import { xxHash64 } from "../../src/compile/hash.ts";
import type { Attached } from "../../src/dataplane/attachment.ts";
import { type Capacity, usage } from "../../src/dataplane/capacity.ts";
import { readCounters } from "../../src/dataplane/counters.ts";
import { type CommitResult, Dataplane } from "../../src/dataplane/dataplane.ts";
import type { ClusterState, EndpointState, ListenerState } from "../../src/layout/mesh.gen.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import { findCgroup } from "../../src/workload/cgroup.ts";
import { TemporaryBpffs } from "../support/bpf-sample.ts";
import { type Cgroup, cgroupRoot } from "../support/cgroup.ts";
import { root } from "../support/process.ts";
import { type Resources, snapshot } from "./model.ts";

const object = new Uint8Array(readFileSync(join(root, "build/mesh.bpf.o")));

export class Mesh implements Disposable {
  readonly #pins = new TemporaryBpffs();
  #dataplane: Dataplane | undefined;
  #compiler: Compiler | undefined;
  #compiled: Compiled | undefined;

  /** Opens what is pinned, or new maps for `need`. */
  open(need: Capacity = usage({ clusters: new Map(), listeners: new Map() })): Dataplane {
    const dataplane = Dataplane.open({ object, pinDirectory: this.pinDirectory, need });
    dataplane.changeSettings({
      sourceHashLoopbackV4: xxHash64("127.0.0.1"),
      sourceHashLoopbackV6: xxHash64("::1"),
    });
    this.#dataplane = dataplane;
    this.#compiler = new Compiler(dataplane.capacity.slots, digest, true, dataplane.restored);
    return dataplane;
  }

  /** As an agent that ends without a word and starts again. */
  reopen(need?: Capacity): Dataplane {
    this.#dataplane?.[Symbol.dispose]();
    return this.open(need);
  }

  compile(resources: Resources): Compiled {
    if (this.#dataplane === undefined) this.open();
    if (this.#compiler === undefined) throw new Error("not open");
    return this.#compiler.compile(snapshot(resources) satisfies Snapshot);
  }

  publish(resources: Resources): CommitResult {
    const compiled = this.compile(resources);
    const result = this.dataplane.commit(compiled.image);
    this.#compiler?.release(result.freed);
    this.#compiled = compiled;
    return result;
  }

  /** After a failed commit: begins again from what the kernel holds. */
  reread(): void {
    this.#compiler = new Compiler(this.dataplane.capacity.slots, digest, true, this.dataplane.reread());
  }

  enroll({ path }: Cgroup): Attached {
    return this.dataplane.attach(findCgroup(cgroupRoot(), path));
  }

  get pinDirectory(): string {
    return join(this.#pins.path, "mesh");
  }

  get dataplane(): Dataplane {
    if (this.#dataplane === undefined) throw new Error("not open");
    return this.#dataplane;
  }

  get compiled(): Compiled {
    if (this.#compiled === undefined) throw new Error("nothing published");
    return this.#compiled;
  }

  clusterState(name: string): ClusterState {
    const id = this.compiled.clusters.get(name)?.body?.id ?? -1;
    return found(readCounters(this.dataplane.maps).clusters.get(id), `cluster ${name}`);
  }

  listenerState(name: string): ListenerState {
    const id = this.compiled.listeners.get(name)?.body.id ?? -1;
    return found(readCounters(this.dataplane.maps).listeners.get(id), `listener ${name}`);
  }

  /** Of the cluster's endpoints, in the order of its Balance. */
  endpointStates(cluster: string): EndpointState[] {
    const ids = this.compiled.clusters.get(cluster)?.body?.endpointIds ?? new Uint32Array(0);
    const { endpoints } = readCounters(this.dataplane.maps);
    return [...ids].map((id) => found(endpoints.get(id), `endpoint ${id}`));
  }

  /** Those that aren't zero. */
  verdicts(): Record<string, number> {
    const { verdicts } = readCounters(this.dataplane.maps);
    return Object.fromEntries(
      [...verdicts].filter(([, count]) => count > 0n).map(([name, count]) => [name, Number(count)]),
    );
  }

  [Symbol.dispose](): void {
    try {
      this.#dataplane?.destroy();
      this.#dataplane?.[Symbol.dispose]();
    } finally {
      this.#pins[Symbol.dispose]();
    }
  }
}

function digest(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 30);
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no state of ${what}`);
  return value;
}
