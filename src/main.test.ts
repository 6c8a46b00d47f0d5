import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LISTENERS = 1000;

test("an answer that is larger than a pipe arrives whole", () => {
  const directory = mkdtempSync(join(tmpdir(), "main-"));
  const mesh = join(directory, "mesh.json");
  writeFileSync(mesh, JSON.stringify({ static_resources: { listeners: manyListeners(), clusters: [{ name: "c" }] } }));
  try {
    const answer = throughPipe([process.execPath, join(import.meta.dir, "main.ts"), "check", mesh, "--json"]);
    expect(answer.length).toBeGreaterThan(128 * 1024);
    expect((JSON.parse(answer) as { readonly listeners: readonly unknown[] }).listeners.length).toBe(LISTENERS);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function manyListeners(): object[] {
  const type = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  const filter = { name: "tcp", typed_config: { "@type": type, stat_prefix: "a", cluster: "c" } };
  return Array.from({ length: LISTENERS }, (_, i) => ({
    name: `listener-${i}`,
    address: { socket_address: { address: `127.96.${i >> 8}.${i & 255}`, port_value: 80 } },
    filter_chains: [{ filters: [filter] }],
  }));
}

/** To a reader that lets the pipe fill up, for as long as a process that doesn't wait needs to end. */
function throughPipe(command: readonly string[]): string {
  const { stdout, success } = Bun.spawnSync(["sh", "-c", '"$@" | { head -c 1; sleep 0.3; cat; }', "sh", ...command]);
  expect(success).toBe(true);
  return stdout.toString();
}
