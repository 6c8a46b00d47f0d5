// The compiled binary under other kernels, in emulated machines: every program loads, connections go where the mesh file says, a
// crash of the agent changes nothing, and nothing stays behind. How much work each program is for the verifier is kept in
// instructions.json: more than a tenth more than there is a failure; UPDATE_INSTRUCTIONS=1 rewrites the file.
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/agent.ts";
import { root } from "../support/process.ts";
import { boot, type GuestReport, kernels, parseSteps, withLibraries } from "./guest.ts";

type Counts = Readonly<Record<string, number>>;

const RECORD = join(import.meta.dir, "instructions.json");
const TOLERANCE = 1.1;
/** Emulation on a busy machine is slow; this is for a guest that hangs. */
const PATIENCE_MS = 1_000_000;

const isUpdate = process.env.UPDATE_INSTRUCTIONS === "1";
const script = readFileSync(join(import.meta.dir, "guest.sh"), "utf8");
const recorded = JSON.parse(readFileSync(RECORD, "utf8")) as Record<string, Counts>;

async function bootWithMesh(kernel: { readonly name: string }): Promise<GuestReport> {
  const files = {
    ...(await withLibraries("bpftool")),
    [binary]: "/bin/kmesh-edge",
    [join(root, "build/mesh.bpf.o")]: "/mesh.bpf.o",
    [join(import.meta.dir, "mesh.yaml")]: "/mesh.yaml",
  };
  return boot(kernel, files, script);
}

/** "program NAME" and "processed N" lines, in pairs. */
function instructionCounts(output: string): Counts {
  return Object.fromEntries(
    [...output.matchAll(/^program (\S+)\nprocessed (\d+)$/gm)].map(([, name = "", count]) => [name, Number(count)]),
  );
}

/** Programs that need more than the record allows, or that the record doesn't know. */
function outgrown(now: Counts, before: Counts): readonly string[] {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...names].flatMap((name) => {
    const [count, limit] = [now[name], (before[name] ?? 0) * TOLERANCE];
    if (count === undefined) return [`${name}: recorded, but not loaded`];
    return count <= limit ? [] : [`${name}: ${count} instructions, recorded ${before[name] ?? "none"}`];
  });
}

for (const kernel of kernels) {
  describe(`Linux ${kernel.name}`, () => {
    let guest: GuestReport;

    test(
      "boots, and has nothing to complain about",
      async () => {
        guest = await bootWithMesh(kernel);
        expect(guest.errors).toBe("");
        expect(guest.status).toBe(0);
      },
      PATIENCE_MS,
    );

    test("loads every program, within the recorded verifier work", () => {
      const { status, output } = guest.step("programs");
      expect(status, output).toBe(0);
      const now = instructionCounts(output);
      expect(Object.keys(now).length).toBeGreaterThan(0);
      if (isUpdate) {
        recorded[kernel.name] = now;
        writeFileSync(RECORD, `${JSON.stringify(recorded, undefined, 2)}\n`);
      }
      expect(outgrown(now, recorded[kernel.name] ?? {})).toEqual([]);
    });

    test("doctor finds all that is needed", () => {
      const { status, output } = guest.step("doctor");
      expect(status, output).toBe(0);
      expect(() => JSON.parse(output)).not.toThrow();
    });

    test("the demo gets every answer right and leaves nothing behind", () => {
      const { status, output } = guest.step("demo");
      expect(status, output).toBe(0);
      expect(guest.step("leftovers of the demo").output).toBe("[]\n");
    });

    test.each(["governed", "wildcard", "governed without an agent", "governed again"])("%s: takes turns", (name) => {
      const { output } = guest.step("start");
      expect(guest.step(name).output, output).toBe("one 20\ntwo 20\n");
    });

    test("refuses connections to a cluster without endpoints", () => {
      // The errno that a program gives needs bpf_set_retval (Linux 5.18); before, a refused connect() is EPERM.
      expect(guest.step("empty cluster").output).toMatch(/refused|not permitted/);
    });

    test("leaves other processes alone", () => {
      // Nobody really listens on the listener's address.
      expect(guest.step("outside the cgroup").output).toContain("Connection refused");
    });

    test.each(["start", "crash", "start again", "status", "stop"])("%s goes well", (name) => {
      const { status, output } = guest.step(name);
      expect(status, output).toBe(0);
    });

    test("leaves nothing behind with --detach-on-exit", () => {
      expect(guest.step("leftovers").output).toBe("[]\n");
    });
  });
}

test("steps are read by name", () => {
  const steps = parseSteps("noise\n## a b\none\ntwo\n## = 0\n## c\n## = 3\nmore noise\n");
  expect([...steps]).toEqual([
    ["a b", { status: 0, output: "one\ntwo\n" }],
    ["c", { status: 3, output: "" }],
  ]);
});

test.each([
  ["the same", { a: 100 }, []],
  ["a tenth more", { a: 110 }, []],
  ["more than that", { a: 111 }, ["a: 111 instructions, recorded 100"]],
  ["gone", {}, ["a: recorded, but not loaded"]],
  ["new", { a: 100, b: 1 }, ["b: 1 instructions, recorded none"]],
] as const)("verifier work that is %s", (_name, now, problems) => {
  expect(outgrown(now, { a: 100 })).toEqual([...problems]);
});
