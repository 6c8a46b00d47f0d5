// What the programs may use on this kernel, asked of the kernel itself.
import { MeshError, UnsupportedError } from "../errors.ts";
import { KernelProbes, type Support } from "../libbpf/probe.ts";
import { AttachType, Helper, MapType, ProgramType } from "../libbpf/uapi.ts";

export interface Features {
  /** connect() can fail with ECONNREFUSED (bpf_set_retval in cgroup/connect, Linux 6.1) instead of EPERM. */
  readonly setRetval: boolean;
}

/** One thing that the data plane needs or uses; `sinceKernel` is the first mainline version that has it. */
export interface Probe {
  readonly name: string;
  readonly isRequired: boolean;
  readonly sinceKernel: string;
  /** What it is for, or what is done without it. */
  readonly effect: string;
  readonly ask: (probes: KernelProbes) => Support;
}

export const probes: readonly Probe[] = [
  required("cgroup/connect programs", "4.17", "choosing an endpoint", (kernel) =>
    kernel.programType(ProgramType.CGROUP_SOCK_ADDR),
  ),
  required("sockops programs", "4.13", "counting connections", (kernel) => kernel.programType(ProgramType.SOCK_OPS)),
  required("cgroup/sock programs", "4.10", "counting failed connects", (kernel) =>
    kernel.programType(ProgramType.CGROUP_SOCK),
  ),
  required("longest-prefix-match maps", "4.11", "wildcard listeners", (kernel) => kernel.mapType(MapType.LPM_TRIE)),
  required("socket-local storage", "5.2", "remembering the destination", (kernel) =>
    kernel.mapType(MapType.SK_STORAGE),
  ),
  {
    name: "bpf_set_retval in cgroup/connect",
    isRequired: false,
    sinceKernel: "6.1",
    effect: "a refused connect() fails with ECONNREFUSED; without it with EPERM",
    ask: (kernel) => kernel.helper(ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET4_CONNECT, Helper.SET_RETVAL),
  },
];

/** Throws UnsupportedError for the first thing that is missing. */
export function probeFeatures(): Features {
  const kernel = new KernelProbes();
  let setRetval = false;
  for (const probe of probes) {
    const support = probe.ask(kernel);
    if (support.state === "unknown") {
      throw MeshError.from(support.error, `probe ${probe.name} (are CAP_BPF and CAP_NET_ADMIN there?)`);
    }
    if (probe.isRequired && support.state === "unsupported") {
      throw new UnsupportedError(
        probe.name,
        "this kernel has none",
        `Linux ${probe.sinceKernel} or newer is needed`,
        probe.sinceKernel,
      );
    }
    if (!probe.isRequired) setRetval = support.state === "supported";
  }
  return { setRetval };
}

/** Every probe with its answer on this host. */
export function readCapabilities(): (Omit<Probe, "ask"> & { readonly state: Support["state"] })[] {
  const kernel = new KernelProbes();
  return probes.map(({ ask, ...probe }) => ({ ...probe, state: ask(kernel).state }));
}

function required(name: string, sinceKernel: string, effect: string, ask: Probe["ask"]): Probe {
  return { name, isRequired: true, sinceKernel, effect, ask };
}
