// What this process takes, from proc(5): the standard process metrics of Prometheus clients.
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessUsage {
  readonly residentBytes: number;
  readonly virtualBytes: number;
  readonly cpuSeconds: number;
  readonly openFiles: number;
}

/** USER_HZ: what /proc/PID/stat counts time in, the same on every architecture that we build for. */
const ticksPerSecond = 100;

export function readProcessUsage(): ProcessUsage {
  return {
    ...parseStatus(readFileSync("/proc/self/status", "utf8")),
    cpuSeconds: parseCpuSeconds(readFileSync("/proc/self/stat", "utf8")),
    openFiles: readdirSync("/proc/self/fd").length - 1, // not the one that reads the directory
  };
}

export function parseStatus(status: string): Pick<ProcessUsage, "residentBytes" | "virtualBytes"> {
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  return { residentBytes: kilobytes("VmRSS") * 1024, virtualBytes: kilobytes("VmSize") * 1024 };
}

/** utime and stime, fields 14 and 15; the command's name, field 2, may hold spaces and parentheses. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
