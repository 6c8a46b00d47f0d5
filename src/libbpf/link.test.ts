import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { loadSample, TemporaryBpffs, TemporaryCgroup } from "../../test/support/bpf-sample.ts";
import { Link } from "./link.ts";
import { Program } from "./program.ts";
import { cgroupId, Directory } from "./syscalls.ts";
import { AttachType } from "./uapi.ts";

/** Whether a process of the cgroup may connect to a closed port on loopback: refused by the peer, or by the program. */
function connectFrom(cgroup: string): string {
  const script = `echo $$ > ${cgroup}/cgroup.procs; exec 3<>/dev/tcp/127.0.0.1/1`;
  const { stderr } = Bun.spawnSync(["bash", "-c", script]);
  return /Connection refused|Operation not permitted/.exec(stderr.toString())?.[0] ?? stderr.toString();
}

describe("a link", () => {
  test("attaches, tells what it is, swaps its program, and detaches", () => {
    using cgroup = new TemporaryCgroup();
    using directory = Directory.open(cgroup.path);
    using object = loadSample();
    using allow = object.program("allow");
    using deny = object.program("deny");
    using link = allow.attachCgroup(directory.fd);
    expect(connectFrom(cgroup.path)).toBe("Connection refused");
    const { id, ...info } = link.info();
    expect(id).toBeGreaterThan(0);
    expect(info).toEqual({
      programId: allow.info().id,
      attachType: AttachType.CGROUP_INET4_CONNECT,
      cgroupId: cgroupId(cgroup.path),
    });
    link.update(deny);
    expect(link.info()).toMatchObject({ id, programId: deny.info().id });
    expect(connectFrom(cgroup.path)).toBe("Operation not permitted");
    link.detach();
    expect(link.info().cgroupId).toBe(0n);
    expect(connectFrom(cgroup.path)).toBe("Connection refused");
  });

  test("several share a cgroup, and each ends with its holder", () => {
    using cgroup = new TemporaryCgroup();
    using directory = Directory.open(cgroup.path);
    using object = loadSample();
    using allow = object.program("allow");
    using deny = object.program("deny");
    using _first = allow.attachCgroup(directory.fd);
    {
      using _second = deny.attachCgroup(directory.fd);
      expect(connectFrom(cgroup.path)).toBe("Operation not permitted");
    }
    expect(connectFrom(cgroup.path)).toBe("Connection refused");
  });

  test("that is pinned outlives everything, and is adopted by its path", () => {
    using cgroup = new TemporaryCgroup();
    using bpffs = new TemporaryBpffs();
    const path = `${bpffs.path}/link`;
    {
      using directory = Directory.open(cgroup.path);
      using object = loadSample();
      using deny = object.program("deny");
      using link = deny.attachCgroup(directory.fd);
      link.pin(path);
    }
    expect(connectFrom(cgroup.path)).toBe("Operation not permitted");
    {
      using adopted = Link.openPinned(path);
      expect(adopted?.info().cgroupId).toBe(cgroupId(cgroup.path));
      using newer = loadSample();
      using allow = newer.program("allow");
      adopted?.update(allow);
      expect(connectFrom(cgroup.path)).toBe("Connection refused");
      adopted?.unpin(path);
    }
    expect(existsSync(path)).toBe(false);
    expect(Link.openPinned(path)).toBeUndefined();
  });

  test("of a cgroup that was removed is defunct, and says so", async () => {
    using cgroup = new TemporaryCgroup();
    using object = loadSample();
    using allow = object.program("allow");
    using directory = Directory.open(cgroup.path);
    using link = allow.attachCgroup(directory.fd);
    directory[Symbol.dispose]();
    cgroup[Symbol.dispose]();
    // The kernel lets go of a dead cgroup in its own time; the test's time limit is the bound.
    while (link.info().cgroupId !== 0n) await Bun.sleep(1);
  });
});

describe("errors", () => {
  test("attaching to what isn't a cgroup", () => {
    using directory = Directory.open("/");
    using object = loadSample();
    using allow = object.program("allow");
    expect(() => allow.attachCgroup(directory.fd)).toThrow("[kernel] attach program allow: EBADF");
  });

  test("a descriptor that is none is refused before the call", () => {
    using object = loadSample();
    using allow = object.program("allow");
    for (const fd of [Number.NaN, 2 ** 31, 1.5]) expect(() => allow.attachCgroup(fd)).toThrow(TypeError);
  });
});

test("a pinned program is found again by its path", () => {
  using bpffs = new TemporaryBpffs();
  using object = loadSample();
  using allow = object.program("allow");
  allow.pin(`${bpffs.path}/allow`);
  using found = Program.openPinned(`${bpffs.path}/allow`, "allow", allow.attachType);
  expect(found?.info()).toEqual(allow.info());
  expect(allow.info()).toMatchObject({ name: "allow", tag: expect.stringMatching(/^[0-9a-f]{16}$/) });
});
