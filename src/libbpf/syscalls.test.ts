import { describe, expect, test } from "bun:test";
import { mkdirSync, statSync } from "node:fs";
import { TemporaryBpffs, TemporaryCgroup } from "../../test/support/bpf-sample.ts";
import { errnoName } from "./errno.ts";
import { allocate, cString, fromCString, native } from "./ffi.ts";
import {
  capabilities,
  cgroupId,
  Directory,
  effectiveUserId,
  isBpffs,
  isCgroup2,
  monotonicNs,
  mountBpffs,
  synchronizeRcu,
} from "./syscalls.ts";

test("a bpf file system is mounted for root only, and told from others", () => {
  using bpffs = new TemporaryBpffs();
  expect(isBpffs(bpffs.path)).toBe(true);
  expect(isBpffs("/proc")).toBe(false);
  expect(statSync(bpffs.path).mode & 0o777).toBe(0o700);
  mkdirSync(`${bpffs.path}/directory`);
  expect(() => mountBpffs("/nonexistent")).toThrow("[kernel] mount bpf file system on /nonexistent: ENOENT");
});

test("a cgroup has an id, and a directory that can be held", () => {
  using cgroup = new TemporaryCgroup();
  expect(isCgroup2(cgroup.path)).toBe(true);
  expect(isCgroup2("/")).toBe(false);
  expect(cgroupId(cgroup.path)).toBeGreaterThan(0n);
  using directory = Directory.open(cgroup.path);
  expect(statSync(`/proc/self/fd/${directory.fd}`).ino).toBe(statSync(cgroup.path).ino);
  expect(() => Directory.open("/etc/hostname")).toThrow("ENOTDIR");
});

test("an RCU grace period can be waited for", () => {
  expect(synchronizeRcu()).toBe(true);
});

test("the clock of BPF programs is the kernel's monotonic one", () => {
  const python = ["python3", "-c", "import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC))"];
  const before = monotonicNs();
  const between = BigInt(Bun.spawnSync(python).stdout.toString().trim());
  expect(between).toBeGreaterThan(before);
  expect(monotonicNs()).toBeGreaterThan(between);
});

test("the effective user is read", () => {
  expect(effectiveUserId("Name:\tx\nUid:\t1000\t1001\t1002\t1003\n")).toBe(1001);
  expect(effectiveUserId("garbage")).toBeNaN();
  expect(effectiveUserId()).toBe(process.geteuid?.() ?? -1);
});

describe("capabilities", () => {
  const cases = [
    [
      "CapEff:\t000001ffffffffff\n",
      ["CAP_DAC_OVERRIDE", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_PERFMON", "CAP_BPF"],
    ],
    ["Name:\tx\nCapEff:\t0000008000001000\nCapBnd:\t000001ffffffffff\n", ["CAP_NET_ADMIN", "CAP_BPF"]],
    ["CapEff:\t0000000000000000\n", []],
    ["garbage", []],
  ] as const;
  test.each(cases)("%j", (status, names) => {
    expect([...capabilities(status)]).toEqual([...names]);
  });

  test("of this process are read", () => {
    expect(capabilities().has("CAP_BPF")).toBe(true);
  });
});

describe("calls are guarded", () => {
  const bad: readonly unknown[] = [undefined, null, Number.NaN, 1.5, 2 ** 31, "3", {}, 3n];
  test.each(bad.map((value) => [String(value), value]))("i32 %s", (_, value) => {
    expect(() => native().shim_close(value as number)).toThrow(TypeError);
  });
  test("u32, u64, buffers and handles", () => {
    expect(() => native().shim_map_get_fd_by_id(-1)).toThrow("argument 1 isn't a valid u32: -1");
    expect(() => native().shim_log_take(allocate(1), -1)).toThrow("argument 2 isn't a valid u64: -1");
    expect(() => native().shim_pin(3, undefined as never)).toThrow("argument 2 isn't a valid buffer: undefined");
    expect(() => native().shim_ring_fd(0 as never)).toThrow("argument 1 isn't a valid ptr: 0");
  });
  test("C strings", () => {
    expect(fromCString(cString("añb"))).toBe("añb");
    expect(fromCString(new Uint8Array([65, 66]))).toBe("AB");
    expect(() => cString("a\0b")).toThrow(TypeError);
  });
});

describe("errno names", () => {
  const cases = [
    [1, "EPERM"],
    [11, "EAGAIN"],
    [22, "EINVAL"],
    [95, "EOPNOTSUPP"],
    [524, "ENOTSUPP"],
    [9999, "errno 9999"],
  ] as const;
  test.each(cases)("%d is %s", (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });
});
