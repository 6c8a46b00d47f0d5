import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { formatRejection, parseMeshFile, readMeshFile } from "./mesh-file.ts";

const corpus = join(import.meta.dir, "../../test/corpus/mesh");
const filesOf = (folder: string): string[] => readdirSync(join(corpus, folder)).toSorted();

/** The comments `# word: …` of a corpus file: what it expects. */
function expectationsIn(text: string, word: string): string[] {
  return [...text.matchAll(new RegExp(`^# ${word}: (.*)$`, "gm"))].map((match) => match[1] ?? "");
}

describe("good files", () => {
  test.each(filesOf("good"))("%s", (name) => {
    const path = join(corpus, "good", name);
    const file = readMeshFile(path);
    expect(file.rejections).toEqual([]);
    const [expected] = expectationsIn(readFileSync(path, "utf8"), "accepted");
    const names = `listeners=${[...file.snapshot.listener.keys()]} clusters=${[...file.snapshot.cluster.keys()]}`;
    expect(names).toBe(expected ?? "listeners=shop clusters=shop"); // JSON has no comments
  });
});

describe("bad files", () => {
  test.each(filesOf("bad"))("%s", (name) => {
    const path = join(corpus, "bad", name);
    const text = readFileSync(path, "utf8");
    const errors = expectationsIn(text, "error");
    if (errors.length === 0) {
      const file = readMeshFile(path);
      expect(file.rejections.map((rejection) => formatRejection(path, rejection))).toEqual(
        expectationsIn(text, "refused"),
      );
      return;
    }
    const lines = thrownBy(() => readMeshFile(path))
      .reason.split("\n")
      .map((line) => line.replace(`${join(corpus, "bad")}/`, ""));
    expect(lines.length).toBe(errors.length);
    // The YAML library's own words aren't ours to fix: only their beginning is compared.
    for (const [i, line] of lines.entries()) expect(line).toStartWith(errors[i] ?? "");
  });
});

describe("files that are none", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "mesh-file-"));
    writeFileSync(join(directory, "empty"), "");
    writeFileSync(join(directory, "nul"), "node:\0");
    writeFileSync(join(directory, "latin1"), new Uint8Array([0x6e, 0xe9, 0x0a]));
    writeFileSync(join(directory, "huge"), "");
    truncateSync(join(directory, "huge"), 64 * 1024 * 1024 + 1);
    symlinkSync("loop", join(directory, "loop"));
    Bun.spawnSync(["mkfifo", join(directory, "fifo")]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each([
    ["missing", "doesn't exist"],
    [".", "is a directory"],
    ["empty", "is empty"],
    ["nul", "isn't text: byte 5 is NUL"],
    ["latin1", "isn't text: it is not UTF-8"],
    ["huge", "has 67108865 bytes, more than 67108864"],
    ["loop", "is a loop of symbolic links"],
    ["fifo", "isn't a regular file"],
  ])("%s", (name, reason) => {
    const path = join(directory, name);
    expect(thrownBy(() => readMeshFile(path)).reason).toBe(`${path}: ${reason}`);
  });

  test("a device", () => {
    expect(thrownBy(() => readMeshFile("/dev/zero")).reason).toBe("/dev/zero: isn't a regular file");
  });
});

describe("the same file in other clothes", () => {
  const text = readFileSync(join(corpus, "good", "tcp.yaml"), "utf8");
  test.each([
    ["byte order mark", `\uFEFF${text}`],
    ["CRLF", text.replaceAll("\n", "\r\n")],
    ["JSON", JSON.stringify(Bun.YAML.parse(text))],
    ["document markers", `---\n${text}...\n`],
    [
      "aliases",
      text
        .replace("weight: 3", "weight: &w 3")
        .replace("stat_prefix: web", "stat_prefix: web\n          max_connect_attempts: *w")
        .replace(/^(static_resources:.*)/s, "$1"),
    ],
  ])("%s", (name, variant) => {
    // The alias comes before its anchor in the text: that variant must fail, the others must not.
    if (name === "aliases")
      expect(thrownBy(() => parseMeshFile(variant, "mesh.yaml")).reason).toContain("isn't valid YAML");
    else expect(parseMeshFile(variant, "mesh.yaml").snapshot).toEqual(parseMeshFile(text, "mesh.yaml").snapshot);
  });
});

test("the node, and the control plane", () => {
  expect(readMeshFile(join(corpus, "good", "tcp.yaml")).node).toEqual({
    id: "host-1",
    cluster: "shop",
    locality: { region: "eu", zone: "a", subZone: "" },
    metadata: { labels: { app: "shop" } },
  });
  expect(readMeshFile(join(corpus, "good", "control-plane.yaml")).controlPlane).toEqual({
    host: "istiod.example",
    port: 15010,
    delta: true,
    listeners: true,
    clusters: true,
    cluster: "istiod",
  });
});

test("at most 100 problems are told", () => {
  const clusters = Array.from({ length: 500 }, (_, i) => `  - { name: c${i}, type: STRICT_DNS }`).join("\n");
  expect(parseMeshFile(`static_resources:\n  clusters:\n${clusters}\n`, "mesh.yaml").rejections.length).toBe(100);
});

function thrownBy(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
