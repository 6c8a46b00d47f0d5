// The enrolled workloads: which there should be, which cgroups exist, and the attachments that follow from both. Cgroups may come,
// go and come back under the same path; whoever asks for a reconciliation now and then keeps up with them.
import type { Attached } from "../dataplane/attachment.ts";
import { ConfigError, MeshError } from "../errors.ts";
import { type Cgroup, findCgroup } from "./cgroup.ts";
import { readEnrolled, writeEnrolled } from "./enrolled.ts";

/** The part of the dataplane that workloads need. */
export interface Attachments {
  attach(cgroup: Cgroup): Attached;
  /** False while something of it has to stay; to be asked again. */
  retire(cgroupId: bigint): boolean;
  pinnedCgroups(): bigint[];
}

export interface Workload {
  /** As it was given. */
  readonly target: string;
  readonly origin: "config" | "enrolled";
  readonly cgroup: Cgroup | undefined;
  readonly state: Attached | "missing";
  /** Why it is missing or couldn't be attached. */
  readonly problem: string | undefined;
}

export class Workloads {
  readonly #root: string;
  readonly #stateDirectory: string;
  readonly #configured: readonly string[];
  #enrolled: readonly string[];
  #attached = new Map<bigint, Attached>();
  #current: readonly Workload[] = [];

  private constructor(
    root: string,
    stateDirectory: string,
    configured: readonly string[],
    enrolled: readonly string[],
  ) {
    this.#root = root;
    this.#stateDirectory = stateDirectory;
    this.#configured = configured;
    this.#enrolled = enrolled;
  }

  /** `root`: of cgroup v2. Throws ConfigError where the state file is corrupt. */
  static open(root: string, stateDirectory: string, configured: readonly string[]): Workloads {
    const own = [...new Set(configured)];
    const enrolled = readEnrolled(stateDirectory).filter((target) => !own.includes(target));
    const workloads = new Workloads(root, stateDirectory, own, enrolled);
    workloads.#current = workloads.#resolve();
    return workloads;
  }

  list(): readonly Workload[] {
    return this.#current;
  }

  /** Attaches what should be and isn't, and removes the links of cgroups that are gone or no longer enrolled. */
  reconcile(attachments: Attachments): void {
    const wanted = this.#resolve();
    const ids = new Set(wanted.flatMap(({ cgroup }) => cgroup?.id ?? []));
    for (const id of attachments.pinnedCgroups()) {
      if (ids.has(id)) continue;
      this.#attached.delete(id);
      attachments.retire(id);
    }
    this.#current = wanted.map((workload) => this.#attach(workload, attachments));
  }

  /** Kept over restarts; takes effect with the next reconciliation. Throws ConfigError where there is no such cgroup. */
  enroll(target: string): void {
    findCgroup(this.#root, target);
    if (this.#configured.includes(target) || this.#enrolled.includes(target)) return;
    this.#store([...this.#enrolled, target]);
  }

  /** False where it isn't enrolled. Throws ConfigError where the configuration names it. */
  unenroll(target: string): boolean {
    if (this.#configured.includes(target)) {
      throw new ConfigError(`workload ${target}`, "is enrolled by the configuration or a flag; remove it there");
    }
    if (!this.#enrolled.includes(target)) return false;
    this.#store(this.#enrolled.filter((one) => one !== target));
    return true;
  }

  #store(enrolled: readonly string[]): void {
    writeEnrolled(this.#stateDirectory, enrolled);
    this.#enrolled = enrolled;
    this.#current = this.#resolve();
  }

  #resolve(): Workload[] {
    const targets = [
      ...this.#configured.map((target) => ({ target, origin: "config" as const })),
      ...this.#enrolled.map((target) => ({ target, origin: "enrolled" as const })),
    ];
    return targets.map(({ target, origin }) => {
      try {
        const cgroup = findCgroup(this.#root, target);
        const state = this.#attached.get(cgroup.id);
        return {
          target,
          origin,
          cgroup,
          state: state ?? "missing",
          problem: state === undefined ? "not attached yet" : undefined,
        };
      } catch (error) {
        return { target, origin, cgroup: undefined, state: "missing", problem: MeshError.from(error).reason };
      }
    });
  }

  #attach(workload: Workload, attachments: Attachments): Workload {
    const { cgroup } = workload;
    if (cgroup === undefined) return workload;
    try {
      const state = this.#attached.get(cgroup.id) ?? attachments.attach(cgroup);
      this.#attached.set(cgroup.id, state);
      return { ...workload, state, problem: undefined };
    } catch (error) {
      return { ...workload, state: "missing", problem: MeshError.from(error, `attach ${cgroup.path}`).reason };
    }
  }
}
