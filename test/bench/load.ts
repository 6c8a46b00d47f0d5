// One run of a load generator: wrk where connections are kept alive, fortio for a new connection with each request (it counts the
// connect as part of the request; wrk doesn't).
import { join } from "node:path";
import { binDir, type Enter, runOk } from "../support/process.ts";

export const modes = ["kept alive", "new connection"] as const;
export type Mode = (typeof modes)[number];

export interface Load {
  readonly mode: Mode;
  readonly connections: number;
  readonly seconds: number;
}

/** For so long, or until so many are done; with one more header field in each, `name: value`. */
export type FortioLoad = Omit<Load, "seconds"> & { readonly field?: string } & (
    | { readonly seconds: number }
    | { readonly requests: number }
  );

export interface LoadResult {
  readonly requests: number;
  readonly qps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
}

export function run(url: string, load: Load, enter: Enter): Promise<LoadResult> {
  return load.mode === "kept alive" ? runWrk(url, load, enter) : runFortio(url, load, enter);
}

async function runWrk(url: string, { connections, seconds }: Load, enter: Enter): Promise<LoadResult> {
  const argv = ["wrk", "--latency", "-t", "1", "-c", String(connections), "-d", `${seconds}s`, url];
  return parseWrk(await runOk(argv, { enter }));
}

export function parseWrk(text: string): LoadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? [];
  const errors = [...socketErrors.slice(1), /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? "0"];
  const latency = (percent: number): number => {
    const [, value, unit] = new RegExp(`^ +${percent}% +([\\d.]+)(us|ms|s) *$`, "m").exec(text) ?? [];
    return Number(value) * (unit === "us" ? 1 : unit === "ms" ? 1e3 : 1e6);
  };
  return {
    requests: number(/(\d+) requests in/),
    qps: number(/Requests\/sec: +([\d.]+)/),
    p50Us: latency(50),
    p99Us: latency(99),
    errors: errors.reduce((sum, one) => sum + Number(one), 0),
  };
}

interface FortioReport {
  readonly ActualQPS: number;
  readonly RetCodes: Readonly<Record<string, number>>;
  readonly DurationHistogram: {
    readonly Count: number;
    readonly Percentiles: readonly { readonly Percentile: number; readonly Value: number }[];
  };
}

export async function runFortio(url: string, load: FortioLoad, enter: Enter): Promise<LoadResult> {
  const { mode, connections, field } = load;
  const extent = "seconds" in load ? ["-t", `${load.seconds}s`] : ["-n", String(load.requests)];
  const text = await runOk(
    [
      ...[join(binDir, "fortio"), "load", "-qps", "0", `-keepalive=${mode === "kept alive"}`, "-allow-initial-errors"],
      ...(field === undefined ? [] : ["-H", field]),
      ...["-c", String(connections), ...extent, "-r", "0.00001", "-p", "50,99"],
      ...["-loglevel", "critical", "-json", "-", url],
    ],
    { enter },
  );
  return parseFortio(JSON.parse(text) as FortioReport);
}

export function parseFortio({ ActualQPS, RetCodes, DurationHistogram }: FortioReport): LoadResult {
  const { Count, Percentiles } = DurationHistogram;
  const at = (percent: number) =>
    (Percentiles.find(({ Percentile }) => Percentile === percent)?.Value ?? Number.NaN) * 1e6;
  return { requests: Count, qps: ActualQPS, p50Us: at(50), p99Us: at(99), errors: Count - (RetCodes["200"] ?? 0) };
}
