import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { TempDir } from "../../test/support/temp.ts";
import { ConfigError, KernelError } from "../errors.ts";
import { readEnrolled, writeEnrolled } from "./enrolled.ts";
import { type Attachments, Workloads } from "./workloads.ts";

describe("the enrolled file", () => {
  test("what is written is read; nothing where it isn't there", () => {
    using state = new TempDir();
    expect(readEnrolled(state.path)).toEqual([]);
    writeEnrolled(state.path, ["b", "a", "ü \n"]);
    expect(readEnrolled(state.path)).toEqual(["b", "a", "ü \n"]);
    expect(statSync(state.join("workloads.json")).mode & 0o777).toBe(0o600);
    writeEnrolled(state.path, []);
    expect(readEnrolled(state.path)).toEqual([]);
  });

  test.each([
    "",
    "{",
    "[]",
    "null",
    "7",
    '"x"',
    "{}",
    '{"workloads": {}}',
    '{"workloads": [1]}',
    '{"workloads": "x"}',
    "\0\0\0",
    " ".repeat(1 << 21),
  ])("corrupt: %#", (text) => {
    using state = new TempDir();
    writeFileSync(state.join("workloads.json"), text);
    expect(() => readEnrolled(state.path)).toThrow(ConfigError);
    expect(() => readEnrolled(state.path)).toThrow(state.join("workloads.json"));
  });

  test("a directory in its place is one clear error", () => {
    using state = new TempDir();
    mkdirSync(state.join("workloads.json"));
    expect(() => readEnrolled(state.path)).toThrow("can't be read (EISDIR)");
  });
});

/** The pins of a dataplane, without a kernel. */
class Pins implements Attachments {
  readonly attached = new Set<bigint>();
  /** Cgroups that still have connections. */
  readonly busy = new Set<bigint>();
  fails = false;

  attach({ id }: { readonly id: bigint }): "attached" | "adopted" {
    if (this.fails) throw new KernelError("attach", 1, "EPERM");
    const isKnown = this.attached.has(id);
    this.attached.add(id);
    return isKnown ? "adopted" : "attached";
  }

  retire(id: bigint): boolean {
    if (!this.busy.has(id)) this.attached.delete(id);
    return !this.busy.has(id);
  }

  pinnedCgroups(): bigint[] {
    return [...this.attached];
  }
}

describe("Workloads", () => {
  const setUp = (configured: readonly string[], ...cgroups: readonly string[]) => {
    const root = new TempDir();
    const state = new TempDir();
    for (const name of cgroups) mkdirSync(root.join(name));
    const idOf = (name: string) => statSync(root.join(name), { bigint: true }).ino;
    return {
      root,
      state,
      idOf,
      pins: new Pins(),
      open: () => Workloads.open(root.path, state.path, configured),
      [Symbol.dispose]: () => {
        root[Symbol.dispose]();
        state[Symbol.dispose]();
      },
    };
  };
  const states = (workloads: Workloads) =>
    workloads.list().map(({ target, origin, state }) => `${target} ${origin} ${state}`);

  test("what is configured is attached, once", () => {
    using host = setUp(["a", "a", "gone"], "a");
    const workloads = host.open();
    expect(states(workloads)).toEqual(["a config missing", "gone config missing"]);
    workloads.reconcile(host.pins);
    workloads.reconcile(host.pins);
    expect(states(workloads)).toEqual(["a config attached", "gone config missing"]);
    expect(workloads.list()[1]?.problem).toContain("no such cgroup");
    expect([...host.pins.attached]).toEqual([host.idOf("a")]);
  });

  test("a cgroup that comes later, goes, and comes back under its path is kept up with", () => {
    using host = setUp(["a"]);
    const workloads = host.open();
    workloads.reconcile(host.pins);
    mkdirSync(host.root.join("a"));
    workloads.reconcile(host.pins);
    const first = host.idOf("a");
    expect([...host.pins.attached]).toEqual([first]);
    rmSync(host.root.join("a"), { recursive: true });
    workloads.reconcile(host.pins);
    expect([states(workloads), [...host.pins.attached]]).toEqual([["a config missing"], []]);
    mkdirSync(host.root.join("a"));
    workloads.reconcile(host.pins);
    expect([states(workloads), [...host.pins.attached]]).toEqual([["a config attached"], [host.idOf("a")]]);
  });

  test("enrolment is live and outlives the agent", () => {
    using host = setUp(["a"], "a", "b");
    const workloads = host.open();
    workloads.enroll("b");
    workloads.enroll("b");
    workloads.enroll("a"); // configured already
    workloads.reconcile(host.pins);
    expect(states(workloads)).toEqual(["a config attached", "b enrolled attached"]);
    expect(readEnrolled(host.state.path)).toEqual(["b"]);
    const next = host.open();
    next.reconcile(host.pins);
    expect(states(next)).toEqual(["a config adopted", "b enrolled adopted"]);
    expect([next.unenroll("b"), next.unenroll("b")]).toEqual([true, false]);
    next.reconcile(host.pins);
    expect([...host.pins.attached]).toEqual([host.idOf("a")]);
    expect(states(host.open())).toEqual(["a config missing"]);
  });

  test("what is configured can't be unenrolled, and what isn't there can't be enrolled", () => {
    using host = setUp(["a"], "a");
    const workloads = host.open();
    expect(() => workloads.unenroll("a")).toThrow("is enrolled by the configuration or a flag");
    expect(() => workloads.enroll("nobody")).toThrow(ConfigError);
    expect(readEnrolled(host.state.path)).toEqual([]);
  });

  test("one that still has connections is asked for again until it lets go", () => {
    using host = setUp([], "b");
    const workloads = host.open();
    workloads.enroll("b");
    workloads.reconcile(host.pins);
    host.pins.busy.add(host.idOf("b"));
    workloads.unenroll("b");
    workloads.reconcile(host.pins);
    expect([...host.pins.attached]).toEqual([host.idOf("b")]);
    host.pins.busy.clear();
    workloads.reconcile(host.pins);
    expect([...host.pins.attached]).toEqual([]);
  });

  test("enrolled again while it drains, it is attached again", () => {
    using host = setUp([], "b");
    const workloads = host.open();
    workloads.enroll("b");
    workloads.reconcile(host.pins);
    host.pins.busy.add(host.idOf("b"));
    workloads.unenroll("b");
    workloads.reconcile(host.pins);
    workloads.enroll("b");
    workloads.reconcile(host.pins);
    expect(states(workloads)).toEqual(["b enrolled adopted"]);
  });

  test("a failure is said, and tried again", () => {
    using host = setUp(["a"], "a");
    const workloads = host.open();
    host.pins.fails = true;
    workloads.reconcile(host.pins);
    expect(workloads.list()[0]).toMatchObject({ state: "missing", problem: expect.stringContaining("EPERM") });
    host.pins.fails = false;
    workloads.reconcile(host.pins);
    expect(states(workloads)).toEqual(["a config attached"]);
  });
});
