// Whether this host can carry the data plane: each thing that is needed, whether it is there, and how to get it.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../errors.ts";
import { BpfObject } from "../libbpf/object.ts";
import { capabilities, effectiveUserId, isBpffs } from "../libbpf/syscalls.ts";
import { cgroupRoot } from "../workload/cgroup.ts";
import { readCapabilities } from "./features.ts";

export interface PreflightCheck {
  readonly name: string;
  /** missing: the data plane can't run; optional: it can, with the effect that `detail` says. */
  readonly state: "ok" | "missing" | "optional";
  readonly detail: string;
  /** How to get it; "" where it is there. */
  readonly remedy: string;
}

export interface LoadedProgram {
  readonly name: string;
  /** Instructions that the verifier walked; 0 where the kernel doesn't tell (before 5.16). */
  readonly verifiedInstructions: number;
  readonly translatedBytes: number;
}

export interface Preflight {
  readonly checks: readonly PreflightCheck[];
  /** What the kernel accepted; empty where it couldn't be asked. */
  readonly programs: readonly LoadedProgram[];
}

/** `mountInfo`: the text of /proc/self/mountinfo. Attaches and pins nothing. */
export function preflight(object: Uint8Array, pinDirectory: string, mountInfo: string): Preflight {
  const checks = [checkRights(), checkCgroup(mountInfo), checkBtf(), checkPins(pinDirectory), ...checkFeatures()];
  const isHopeless = checks.some(({ name, state }) => state === "missing" && name !== "cgroup v2");
  if (isHopeless) return { checks, programs: [] };
  const { check, programs } = checkLoad(object);
  return { checks: [...checks, check], programs };
}

function checkRights(): PreflightCheck {
  const name = "rights";
  const held = capabilities();
  const hasBpf = held.has("CAP_SYS_ADMIN") || held.has("CAP_BPF");
  if (hasBpf && held.has("CAP_NET_ADMIN")) return ok(name, `user id ${effectiveUserId()}, CAP_BPF and CAP_NET_ADMIN`);
  const lacking = [hasBpf ? [] : ["CAP_BPF"], held.has("CAP_NET_ADMIN") ? [] : ["CAP_NET_ADMIN"]].flat().join(" and ");
  return missing(
    name,
    `${lacking} not held by user id ${effectiveUserId()}`,
    "run it as root, or give the unit AmbientCapabilities",
  );
}

function checkCgroup(mountInfo: string): PreflightCheck {
  const root = cgroupRoot(mountInfo);
  if (root !== undefined) return ok("cgroup v2", `mounted at ${root}`);
  const remedy = "mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1";
  return missing("cgroup v2", "not mounted", remedy);
}

function checkBtf(): PreflightCheck {
  if (existsSync("/sys/kernel/btf/vmlinux")) return ok("BTF", "/sys/kernel/btf/vmlinux");
  const remedy =
    "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian's and openEuler's are), with sysfs mounted at /sys";
  return missing("BTF", "/sys/kernel/btf/vmlinux isn't there", remedy);
}

function checkPins(pinDirectory: string): PreflightCheck {
  const parent = dirname(pinDirectory);
  if (!existsSync(parent)) {
    return missing(
      "bpf file system",
      `${parent} isn't there`,
      "mount sysfs at /sys, or name another place with --pin-dir",
    );
  }
  if (isBpffs(parent)) return ok("bpf file system", `mounted at ${parent}`);
  if (capabilities().has("CAP_SYS_ADMIN")) return ok("bpf file system", `will be mounted at ${parent}`);
  return missing("bpf file system", `not mounted at ${parent}`, `mount -t bpf bpf ${parent}`);
}

function checkFeatures(): PreflightCheck[] {
  return readCapabilities().map(({ name, state, isRequired, sinceKernel, effect }) => {
    if (state === "supported") return ok(name, effect);
    const remedy =
      state === "unknown" ? "run it as root: the kernel wouldn't say" : `Linux ${sinceKernel} or newer has it`;
    return { name, state: isRequired ? "missing" : "optional", detail: `${state}; it is for ${effect}`, remedy };
  });
}

function checkLoad(object: Uint8Array): { check: PreflightCheck; programs: LoadedProgram[] } {
  const name = "programs";
  try {
    using bpf = BpfObject.open(object, "mesh.bpf.o");
    bpf.load();
    const programs = bpf.programNames().map((program) => {
      using loaded = bpf.program(program);
      const { verifiedInstructions, translatedBytes } = loaded.info();
      return { name: program, verifiedInstructions, translatedBytes };
    });
    return { check: ok(name, `${programs.length} load`), programs };
  } catch (error) {
    const check = missing(
      name,
      MeshError.from(error).reason,
      "report this with the output of uname -r: the kernel is meant to take them",
    );
    return { check, programs: [] };
  }
}

function ok(name: string, detail: string): PreflightCheck {
  return { name, state: "ok", detail, remedy: "" };
}

function missing(name: string, detail: string, remedy: string): PreflightCheck {
  return { name, state: "missing", detail, remedy };
}
