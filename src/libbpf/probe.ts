// What the running kernel supports, asked by trying, once each: never read from a version number.
import { KernelError } from "../errors.ts";
import { errnoName } from "./errno.ts";
import { native } from "./ffi.ts";
import { AttachType, ProgramType } from "./uapi.ts";

/** "unknown": the question itself failed (no rights, no memory), which must not be taken for a missing feature. */
export type Support =
  | { readonly state: "supported" }
  | { readonly state: "unsupported" }
  | { readonly state: "unknown"; readonly error: KernelError };

export class KernelProbes {
  readonly #answers = new Map<string, Support>();

  programType(type: number, attachType = defaultAttachType(type)): Support {
    const question = `program type ${type}, attach type ${attachType}`;
    return this.#ask(question, () => native().shim_probe_program_type(type, attachType));
  }

  mapType(type: number): Support {
    return this.#ask(`map type ${type}`, () => native().shim_probe_map_type(type));
  }

  /** Whether programs of this type, attached so, may call the helper (enum bpf_func_id). */
  helper(programType: number, attachType: number, helper: number): Support {
    const question = `helper ${helper} for program type ${programType}, attach type ${attachType}`;
    return this.#ask(question, () => native().shim_probe_helper(programType, attachType, helper));
  }

  #ask(question: string, probe: () => number): Support {
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    const answer = toSupport(question, probe());
    // A failed probe may succeed later, with more rights.
    if (answer.state !== "unknown") this.#answers.set(question, answer);
    return answer;
  }
}

/** Programs for socket addresses must say at load which hook they are for; 0 does for the other types. */
function defaultAttachType(programType: number): number {
  return programType === ProgramType.CGROUP_SOCK_ADDR ? AttachType.CGROUP_INET4_CONNECT : 0;
}

function toSupport(question: string, result: number): Support {
  if (result > 0) return { state: "supported" };
  if (result === 0) return { state: "unsupported" };
  return { state: "unknown", error: new KernelError(`probe ${question}`, -result, errnoName(-result)) };
}
