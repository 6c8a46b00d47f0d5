import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { KernelProbes } from "./probe.ts";
import { AttachType, Helper, MapType, ProgramType } from "./uapi.ts";

const { CGROUP_SOCK_ADDR, SOCK_OPS, SOCKET_FILTER } = ProgramType;
const { CGROUP_INET4_CONNECT } = AttachType;

describe("this kernel", () => {
  const cases: readonly [string, (probes: KernelProbes) => { state: string }, string][] = [
    ["cgroup/connect programs", (probes) => probes.programType(CGROUP_SOCK_ADDR), "supported"],
    ["a program type that doesn't exist", (probes) => probes.programType(9999), "unsupported"],
    ["LPM tries", (probes) => probes.mapType(MapType.LPM_TRIE), "supported"],
    ["socket storage", (probes) => probes.mapType(MapType.SK_STORAGE), "supported"],
    ["an attach type that doesn't exist", (probes) => probes.programType(CGROUP_SOCK_ADDR, 9999), "unsupported"],
    ["a map type that even libbpf doesn't know", (probes) => probes.mapType(9999), "unknown"],
    [
      "socket storage from connect",
      (probes) => probes.helper(CGROUP_SOCK_ADDR, CGROUP_INET4_CONNECT, Helper.SK_STORAGE_GET),
      "supported",
    ],
    // The verifier's words for "not for this program type" changed in 6.10.
    ["set_retval from a socket filter", (probes) => probes.helper(SOCKET_FILTER, 0, Helper.SET_RETVAL), "unsupported"],
    [
      "a helper that doesn't exist",
      (probes) => probes.helper(SOCK_OPS, AttachType.CGROUP_SOCK_OPS, 9999),
      "unsupported",
    ],
  ];
  test.each(cases)("%s", (_, ask, state) => {
    const probes = new KernelProbes();
    expect(ask(probes).state).toBe(state);
    expect(ask(probes)).toEqual(ask(probes));
  });
});

test("without rights the answer is unknown, not unsupported", () => {
  const script = `
    import { KernelProbes } from "${resolve(import.meta.dir, "probe.ts")}";
    const probes = new KernelProbes();
    const answers = [probes.programType(18), probes.mapType(1), probes.helper(18, 10, 107)];
    console.log(JSON.stringify(answers.map((answer) => answer.state === "unknown" ? answer.error.message : answer.state)));`;
  const { stdout, stderr } = Bun.spawnSync([
    "setpriv",
    "--bounding-set=-bpf,-sys_admin,-net_admin,-perfmon",
    "--inh-caps=-bpf",
    process.execPath,
    "-e",
    script,
  ]);
  expect(stderr.toString()).toBe("");
  expect(JSON.parse(stdout.toString())).toEqual([
    "[kernel] probe program type 18, attach type 10: EPERM",
    "[kernel] probe map type 1: EPERM",
    "[kernel] probe helper 107 for program type 18, attach type 10: EPERM",
  ]);
});
