// Snapshot → Image → kernel: opens the dataplane when there is something to put in it, and keeps the compiler in step with what
// the kernel really holds. A publication that fails changes nothing that is served.
import { createHash } from "node:crypto";
import { type Compiled, Compiler, type Restored } from "./compile/compile.ts";
import { xxHash64 } from "./compile/hash.ts";
import { usage } from "./dataplane/capacity.ts";
import { Dataplane } from "./dataplane/dataplane.ts";
import { idKey } from "./layout/mesh.gen.ts";
import type { Snapshot } from "./model/snapshot.ts";

export interface PublisherOptions {
  /** The linked BPF object. */
  readonly object: Uint8Array;
  readonly pinDirectory: string;
  readonly trustVip: boolean;
  /** HTTP that has to be seen request by request goes to the relay; otherwise it is left native. */
  readonly isRelayed: boolean;
  /** The source addresses that the kernel will choose for connections to other hosts; they are what RING_HASH and MAGLEV hash. */
  readonly sources: { readonly v4: string; readonly v6: string };
}

export interface Prepared {
  readonly compiled: Compiled;
  /** Throws MeshError; what was in effect stays. */
  readonly commit: () => Publication;
}

export interface Publication {
  readonly compiled: Compiled;
  readonly puts: number;
  readonly deletes: number;
}

interface Step {
  readonly dataplane: Dataplane;
  readonly compiler: Compiler;
  readonly compiled: Compiled;
}

/** While the dataplane is not open yet, tables may be any size: it is then opened large enough. */
const unlimitedSlots = 2 ** 31;
/** One byte of struct id_key is its kind. */
const digestBytes = idKey.size - 1;

export class Publisher implements Disposable {
  readonly #options: PublisherOptions;
  #dataplane: Dataplane | undefined;
  #compiler: Compiler | undefined;
  #compiled: Compiled | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get dataplane(): Dataplane | undefined {
    return this.#dataplane;
  }

  /** What is in effect. */
  get compiled(): Compiled | undefined {
    return this.#compiled;
  }

  /**
   * Compiles; nothing is in effect before `commit`. Throws MeshError; what was in effect stays. The next publication starts from
   * what the kernel holds then. One publication at a time.
   */
  prepare(snapshot: Snapshot): Prepared {
    const dataplane = this.#dataplane;
    const step = dataplane === undefined ? this.#open(snapshot) : this.#compile(dataplane, snapshot);
    return { compiled: step.compiled, commit: () => this.#commit(step) };
  }

  [Symbol.dispose](): void {
    this.#dataplane?.[Symbol.dispose]();
    this.#dataplane = undefined;
  }

  #commit(step: Step): Publication {
    const { puts, deletes, freed } = step.dataplane.commit(step.compiled.image);
    step.compiler.release(freed);
    this.#compiler = step.compiler;
    this.#compiled = step.compiled;
    return { compiled: step.compiled, puts, deletes };
  }

  /** Until the commit has succeeded, no compiler is known to be in step with the kernel. */
  #compile(dataplane: Dataplane, snapshot: Snapshot): Step {
    const compiler = this.#compiler ?? this.#newCompiler(dataplane.capacity.slots, dataplane.reread());
    this.#compiler = undefined;
    return { dataplane, compiler, compiled: compiler.compile(snapshot) };
  }

  /** What the maps must hold is known when it is compiled; against maps of an earlier run it is compiled anew. */
  #open(snapshot: Snapshot): Step {
    const { object, pinDirectory, sources } = this.#options;
    const compiler = this.#newCompiler(unlimitedSlots);
    const compiled = compiler.compile(snapshot);
    const dataplane = Dataplane.open({ object, pinDirectory, need: usage(compiled.image) });
    dataplane.changeSettings({
      sourceHashV4: xxHash64(sources.v4),
      sourceHashV6: xxHash64(sources.v6),
      sourceHashLoopbackV4: xxHash64("127.0.0.1"),
      sourceHashLoopbackV6: xxHash64("::1"),
    });
    this.#dataplane = dataplane;
    if (dataplane.isAdopted) {
      const adopting = this.#newCompiler(dataplane.capacity.slots, dataplane.restored);
      return { dataplane, compiler: adopting, compiled: adopting.compile(snapshot) };
    }
    compiler.limitSlots(dataplane.capacity.slots);
    return { dataplane, compiler, compiled };
  }

  #newCompiler(slots: number, restored?: Restored): Compiler {
    const { trustVip, isRelayed } = this.#options;
    return new Compiler(slots, digest, trustVip, restored, isRelayed);
  }
}

function digest(name: string): string {
  return createHash("sha256")
    .update(name)
    .digest("hex")
    .slice(0, 2 * digestBytes);
}
