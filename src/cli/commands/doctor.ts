// `doctor`: can this host carry the mesh, and if not, what is missing and how to get it.
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { defaults } from "../../config.ts";
import { type Preflight, preflight } from "../../dataplane/preflight.ts";
import { readBpfObject } from "../assets.ts";
import type { Command } from "../command.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "Whether this host can carry the mesh; what is missing and how to get it",
  arguments: "",
  options: { "pin-dir": { type: "string", value: "DIR", help: "pins, in a bpf file system [/sys/fs/bpf/kmesh-edge]" } },
  example: "sudo kmesh-edge doctor",
  run: async ({ terminal, options, isJson }) => {
    const pins = typeof options["pin-dir"] === "string" ? options["pin-dir"] : defaults.pinDirectory;
    const report = preflight(readBpfObject(), pins, readFileSync("/proc/self/mountinfo", "utf8"));
    const isAble = report.checks.every(({ state }) => state !== "missing");
    terminal.out(
      isJson
        ? `${JSON.stringify({ ok: isAble, kernel: release(), ...report }, null, 2)}\n`
        : formatReport(report, isAble),
    );
    return isAble ? 0 : 3;
  },
};

function formatReport({ checks }: Preflight, isAble: boolean): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, state, detail, remedy }) => {
    const advice = remedy === "" ? "" : `\n${" ".repeat(width + 12)}to get it: ${remedy}`;
    return `${state.padEnd(8)}  ${name.padEnd(width)}  ${detail}${advice}`;
  });
  return `${lines.join("\n")}\n\nLinux ${release()}: ${isAble ? "this host can carry the mesh" : "this host can't carry the mesh yet"}\n`;
}
