import { describe, expect, test } from "bun:test";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { TempDir } from "../../test/support/temp.ts";
import { ConfigError } from "../errors.ts";
import { cgroupRoot, findCgroup, requireCgroupRoot } from "./cgroup.ts";

describe("cgroupRoot", () => {
  const line = (root: string, point: string, type: string, optional = "") =>
    `30 24 0:26 ${root} ${point} rw,nosuid ${optional}- ${type} cgroup rw`;
  test.each<[string, string, string | undefined]>([
    ["unified", line("/", "/sys/fs/cgroup", "cgroup2"), "/sys/fs/cgroup"],
    [
      "hybrid",
      [line("/", "/sys/fs/cgroup/cpu", "cgroup"), line("/", "/sys/fs/cgroup/unified", "cgroup2")].join("\n"),
      "/sys/fs/cgroup/unified",
    ],
    ["with optional fields", line("/", "/sys/fs/cgroup", "cgroup2", "shared:9 master:1 "), "/sys/fs/cgroup"],
    ["a part of it, bind mounted, is not its root", line("/docker/x", "/sys/fs/cgroup", "cgroup2"), undefined],
    ["a space in its path", line("/", "/mnt/a\\040b", "cgroup2"), "/mnt/a b"],
    ["version 1 only", line("/", "/sys/fs/cgroup/cpu", "cgroup"), undefined],
    ["none", "", undefined],
    ["not mountinfo", "garbage\n - \n-", undefined],
  ])("%s", (_name, text, expected) => expect(cgroupRoot(text)).toBe(expected));

  test("this host's is a directory", () => expect(statSync(requireCgroupRoot()).isDirectory()).toBe(true));
});

describe("findCgroup", () => {
  // A directory stands for the hierarchy: only paths matter here.
  const hierarchy = (): TempDir => {
    const root = new TempDir();
    mkdirSync(root.join("shop.slice/cart.service"), { recursive: true });
    symlinkSync("/etc", root.join("out"));
    writeFileSync(root.join("file"), "");
    return root;
  };

  test("by path below the root, with or without a slash, and by absolute path", () => {
    using root = hierarchy();
    const path = root.join("shop.slice/cart.service");
    const { ino: id } = statSync(path, { bigint: true });
    for (const target of [
      "shop.slice/cart.service",
      "/shop.slice/cart.service",
      path,
      `${path}/`,
      "shop.slice/../shop.slice/cart.service",
    ]) {
      expect(findCgroup(root.path, target)).toEqual({ path, id });
    }
    expect(findCgroup(root.path, "/").path).toBe(root.path);
  });

  test.each(["", "nobody", "file", "out", "../", "/etc", "..", "a\0b", "shop.slice/../.."])("%p is none", (target) => {
    using root = hierarchy();
    expect(() => findCgroup(root.path, target)).toThrow(ConfigError);
  });
});
