import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ConfigError, KernelError, MeshError, UnsupportedError, VerifierError } from "./errors.ts";

describe("the one line that people see", () => {
  test.each<[MeshError, string]>([
    [new MeshError("capacity", "place cluster c: no room"), "[capacity] place cluster c: no room"],
    [new ConfigError("mesh.yaml: clusters[0].name", "is missing"), "[config] mesh.yaml: clusters[0].name: is missing"],
    [new ConfigError("", "nothing to govern by"), "[config] nothing to govern by"],
    [new KernelError("pin map x", 17, "EEXIST"), "[kernel] pin map x: EEXIST"],
    [
      new KernelError("update map x", 7, "E2BIG", "3 of 9 elements were written"),
      "[kernel] update map x: E2BIG (3 of 9 elements were written)",
    ],
    [new VerifierError("load object", 13, "EACCES", "a\nb", "b"), "[verifier] load object: EACCES (b)"],
    [new UnsupportedError("cgroup v2", "not mounted", "mount it"), "[unsupported] cgroup v2: not mounted; mount it"],
  ])("%#", (error, message) => {
    expect(error.message).toBe(message);
    expect(error).toBeInstanceOf(MeshError);
  });
});

describe("MeshError.from", () => {
  test("keeps a MeshError, and its code when something is put in front", () => {
    const error = new ConfigError("f", "bad");
    expect(MeshError.from(error)).toBe(error);
    const wrapped = MeshError.from(error, "read f");
    expect([wrapped.code, wrapped.reason, wrapped.cause]).toEqual(["config", "read f: f: bad", error]);
  });

  test("a system error says what failed, where and how, in one line", () => {
    let error: MeshError | undefined;
    try {
      readFileSync("/nonexistent/file");
    } catch (thrown) {
      error = MeshError.from(thrown, "start");
    }
    expect(error?.message).toBe("[io] start: open /nonexistent/file: ENOENT");
  });

  test.each<[unknown, string]>([
    [new Error("boom"), "[unexpected] boom"],
    [new TypeError("not a function"), "[unexpected] not a function"],
    ["text", "[unexpected] text"],
    [undefined, "[unexpected] undefined"],
    [null, "[unexpected] null"],
    [{ code: "EPIPE" }, "[unexpected] [object Object]"],
  ])("anything else: %#", (thrown, message) => expect(MeshError.from(thrown).message).toBe(message));
});
