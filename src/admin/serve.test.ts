import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serve } from "./serve.ts";
import { at, fixtureView } from "./view.fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kmesh-edge-admin-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const view = fixtureView();
const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);
const readyAt = async (unix: string): Promise<string> => (await fetch("http://localhost/ready", { unix })).text();

function freeAddress(): string {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  return `127.0.0.1:${server.port}`;
}

/** A socket that nobody listens on, as a killed agent leaves it. */
function leaveStale(path: string): void {
  const script = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`;
  Bun.spawnSync([process.execPath, "-e", script]);
  expect(lstatSync(path).isSocket()).toBe(true);
}

describe("the socket", () => {
  test("is for this user only, and gone afterwards", async () => {
    const socket = join(directory, "new/deep/admin.sock");
    {
      using _admin = await serve(view, { socket, address: undefined });
      expect([modeOf(join(directory, "new/deep")), modeOf(socket)]).toEqual(["700", "600"]);
      expect(readdirSync(join(directory, "new/deep"))).toEqual(["admin.sock"]);
      expect(await readyAt(socket)).toBe("LIVE\n");
      const logging = await fetch("http://localhost/logging?level=warn", { unix: socket, method: "POST" });
      expect(await logging.json()).toEqual({ level: "warn" });
    }
    expect(readdirSync(join(directory, "new/deep"))).toEqual([]);
  });

  test("keeps the mode of a directory that is there", async () => {
    chmodSync(directory, 0o755);
    using _admin = await serve(view, { socket: join(directory, "admin.sock"), address: undefined });
    expect([modeOf(directory), modeOf(join(directory, "admin.sock"))]).toEqual(["755", "600"]);
  });

  test("replaces a stale one", async () => {
    const socket = join(directory, "admin.sock");
    leaveStale(socket);
    using _admin = await serve(view, { socket, address: undefined });
    expect(await readyAt(socket)).toBe("LIVE\n");
  });

  test("is left to the agent that has it", async () => {
    const socket = join(directory, "admin.sock");
    using _first = await serve(view, { socket, address: undefined });
    const second = serve(view, { socket, address: undefined });
    await expect(second).rejects.toThrow(`[admin] serve ${socket}: another agent is listening there`);
    expect(await readyAt(socket)).toBe("LIVE\n");
  });

  test("a long body is refused with an error", async () => {
    const socket = join(directory, "admin.sock");
    using _admin = await serve(view, { socket, address: undefined });
    const init = { unix: socket, method: "POST", body: "x".repeat(70_000) };
    const response = await fetch("http://localhost/workloads", init);
    expect([response.status, await response.json()]).toEqual([
      413,
      { error: "[usage] the body is longer than 65536 bytes" },
    ]);
  });

  const notASocket = "it is there and is not a socket";
  const unusable: readonly [string, string, (path: string) => void, string][] = [
    ["a file", "there", (path) => writeFileSync(path, "precious"), notASocket],
    ["a directory", "there", (path) => mkdirSync(path), notASocket],
    ["a symbolic link", "there", (path) => symlinkSync("/nowhere", path), notASocket],
    ["below a file", "there/admin.sock", (path) => writeFileSync(dirname(path), ""), "ENOTDIR"],
    ["too long", "x".repeat(100), () => {}, "a socket's path has at most 107 bytes"],
  ];
  test.each(unusable)("%s is no place", async (_, name, prepare, reason) => {
    const socket = join(directory, name);
    prepare(socket);
    const served = serve(view, { socket, address: undefined });
    await expect(served).rejects.toThrow(`[admin] serve ${socket}: `);
    await expect(served).rejects.toThrow(reason);
  });
});

describe("TCP", () => {
  test("reads only, for those who mean a loopback address", async () => {
    const name = freeAddress();
    using _admin = await serve(view, { socket: join(directory, "admin.sock"), address: at(name) });
    const ask = async (path: string, init: RequestInit = {}) => (await fetch(`http://${name}${path}`, init)).status;
    expect(await ask("/ready")).toBe(200);
    expect(await ask("/ready", { headers: { host: "evil.example" } })).toBe(403);
    expect(await ask("/logging?level=debug", { method: "POST" })).toBe(405);
  });

  test("an address that is taken: an error, and no socket stays", async () => {
    using other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const name = `127.0.0.1:${other.port}`;
    const served = serve(view, { socket: join(directory, "admin.sock"), address: at(name) });
    await expect(served).rejects.toThrow(`[admin] serve ${name}: another process is listening there`);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("two agents don't share a port", async () => {
    const address = at(freeAddress());
    using _first = await serve(view, { socket: join(directory, "one.sock"), address });
    const second = serve(view, { socket: join(directory, "two.sock"), address });
    await expect(second).rejects.toThrow("another process is listening there");
  });

  test("nothing but loopback", async () => {
    const served = serve(view, { socket: join(directory, "admin.sock"), address: at("0.0.0.0:15000") });
    await expect(served).rejects.toThrow("[admin] serve 0.0.0.0:15000: it is not a loopback address");
  });
});
