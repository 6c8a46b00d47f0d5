// What a measurement was made on, so that it can be judged later.

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { binary } from "../support/agent.ts";
import { binDir, run } from "../support/process.ts";

export async function describeHost(): Promise<Readonly<Record<string, string | number>>> {
  const firstLine = async (...argv: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await run(argv);
    return (stdout || stderr).trim().split("\n")[0] ?? "";
  };
  return {
    date: new Date().toISOString(),
    kernel: release(),
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "",
    cpus: cpus().length,
    cpu: cpus()[0]?.model ?? "",
    memoryMb: Math.round(totalmem() / 2 ** 20),
    // Others at work: the higher, the less the figures mean.
    load1: loadavg()[0] ?? 0,
    kmeshEdge: await firstLine(binary, "version"),
    envoy: await firstLine(join(binDir, "envoy"), "--version"),
    nginx: await firstLine("nginx", "-v"),
    haproxy: await firstLine("haproxy", "-v"),
    fortio: await firstLine(join(binDir, "fortio"), "version"),
    wrk: await firstLine("wrk", "-v"),
    bun: Bun.version,
  };
}
