// Verbs that ask the running agent: status, explain, enroll, unenroll, workloads, dump, log.
import type { AgentStatus, WorkloadStatus } from "../../admin/view.ts";
import { ConfigError } from "../../errors.ts";
import type { Explanation } from "../../explain.ts";
import { parseSocketAddress } from "../../ip.ts";
import { ask } from "../admin-client.ts";
import { adminOption, type Command, type ExitCode, type Invocation } from "../command.ts";
import { formatExplanation } from "../output/explain.ts";
import { formatStatus } from "../output/status.ts";
import { formatWorkloads } from "../output/workloads.ts";

export const status: Command = {
  name: "status",
  summary: "What the agent is doing: state, problems, workloads, listeners and the engine of each",
  arguments: "",
  options: adminOption,
  example: "kmesh-edge status",
  run: async (invocation) => {
    const [state, listeners] = await Promise.all([
      ask<AgentStatus>(invocation, "/status"),
      ask<Parameters<typeof formatStatus>[1]>(invocation, "/listeners?format=json"),
    ]);
    print(invocation, { ...state, listeners: listeners.listener_statuses }, () => formatStatus(state, listeners));
    return state.isReady ? 0 : 1;
  },
};

export const explain: Command = {
  name: "explain",
  summary: "Which listener, route, cluster and endpoints would serve a destination, and why",
  arguments: "IP:PORT",
  options: {
    ...adminOption,
    method: { type: "string", short: "X", value: "METHOD", help: "of a request that is relayed (default GET)" },
    path: { type: "string", value: "PATH", help: "of the request, with query (default /)" },
    header: { type: "string", short: "H", value: "'K: V'", multiple: true, help: "of the request" },
  },
  example: "kmesh-edge explain 127.96.0.1:80 -X GET --path / -H 'host: shop'",
  run: async (invocation) => {
    const text = onlyArgument(invocation, "IP:PORT");
    if (parseSocketAddress(text) === undefined) throw new ConfigError(text, "expected IP:PORT or [IPV6]:PORT");
    const { method, path, header } = invocation.options;
    const query = new URLSearchParams({ destination: text });
    if (typeof method === "string") query.set("method", method);
    if (typeof path === "string") query.set("path", path);
    if (Array.isArray(header)) query.set("headers", header.join("\n"));
    const answer = await ask<Explanation>(invocation, `/explain?${query}`);
    print(invocation, answer, () => formatExplanation(answer));
    return answer.result === "refused" ? 1 : 0;
  },
};

export const enroll: Command = {
  name: "enroll",
  summary: "Govern the connections of a cgroup from now on; kept over restarts",
  arguments: "CGROUP",
  options: adminOption,
  example: "kmesh-edge enroll /sys/fs/cgroup/shop.slice",
  run: async (invocation) => {
    const target = onlyArgument(invocation, "CGROUP");
    const workload = await ask<WorkloadStatus>(invocation, "/workloads", "POST", { target });
    print(invocation, workload, () => formatWorkloads([workload]));
    return 0;
  },
};

export const unenroll: Command = {
  name: "unenroll",
  summary: "Leave the new connections of a cgroup alone again; existing ones go on",
  arguments: "CGROUP",
  options: adminOption,
  example: "kmesh-edge unenroll /sys/fs/cgroup/shop.slice",
  run: async (invocation) => {
    const target = onlyArgument(invocation, "CGROUP");
    await ask(invocation, `/workloads?target=${encodeURIComponent(target)}`, "DELETE");
    print(invocation, { unenrolled: target }, () => `unenrolled ${target}\n`);
    return 0;
  },
};

export const workloads: Command = {
  name: "workloads",
  summary: "The enrolled cgroups",
  arguments: "",
  options: adminOption,
  example: "kmesh-edge workloads --json",
  run: async (invocation) => {
    const list = await ask<readonly WorkloadStatus[]>(invocation, "/workloads");
    print(invocation, list, () => formatWorkloads(list));
    return 0;
  },
};

export const dump: Command = {
  name: "dump",
  summary: "The configuration in effect, or the kernel's maps read back",
  arguments: "config|maps",
  options: adminOption,
  example: "kmesh-edge dump maps | less",
  run: async (invocation) => {
    const what = onlyArgument(invocation, "config|maps");
    if (what !== "config" && what !== "maps") throw new ConfigError(what, "expected config or maps");
    const answer = await ask<{ readonly kmesh_edge: { readonly maps: unknown } }>(
      invocation,
      "/config_dump?include_eds",
    );
    const { kmesh_edge, ...config } = answer;
    invocation.terminal.out(`${JSON.stringify(what === "maps" ? kmesh_edge.maps : config, null, 2)}\n`);
    return 0;
  },
};

export const log: Command = {
  name: "log",
  summary: "Change the agent's log level while it runs",
  arguments: "debug|info|warn|error",
  options: adminOption,
  example: "kmesh-edge log debug",
  run: async (invocation): Promise<ExitCode> => {
    const level = onlyArgument(invocation, "debug|info|warn|error");
    const answer = await ask(invocation, `/logging?level=${encodeURIComponent(level)}`, "POST");
    print(invocation, answer, () => `log level ${level}\n`);
    return 0;
  },
};

function onlyArgument({ positionals }: Invocation, what: string): string {
  const [argument, ...others] = positionals;
  if (argument === undefined) throw new ConfigError("", `expected ${what}`);
  if (others.length > 0) throw new ConfigError(others.join(" "), `expected only ${what}`);
  return argument;
}

function print({ terminal, isJson }: Invocation, json: unknown, text: () => string): void {
  terminal.out(isJson ? `${JSON.stringify(json, null, 2)}\n` : text());
}
