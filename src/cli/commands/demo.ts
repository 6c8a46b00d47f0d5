// `demo`: the main job in some seconds, with no control plane and nothing left behind: two backends, some addresses, one cgroup.
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "../../agent.ts";
import { systemClock } from "../../clock.ts";
import { loadConfig } from "../../config.ts";
import { MeshError } from "../../errors.ts";
import { Log } from "../../telemetry/log.ts";
import { requireCgroupRoot } from "../../workload/cgroup.ts";
import { readBpfObject } from "../assets.ts";
import type { Command, Terminal } from "../command.ts";
import { demoMesh, demoVips } from "../demo-mesh.ts";
import { describeHost } from "./run.ts";

/** Answer (a backend's name, or an errno name) → how often. */
type Answers = Readonly<Record<string, number>>;

interface Step {
  readonly name: string;
  readonly expected: string;
  readonly answers: Answers;
  readonly isRight: boolean;
}

const plainRequests = 20;
const headerRequests = 10;
const weightedRequests = 200;
/** 10 % of 200 is 20; a right implementation is outside 3 to 45 less than once in a million runs. */
const weightedBounds = { least: 3, most: 45 };

export const demo: Command = {
  name: "demo",
  summary: "Show the mesh at work: two backends, their addresses, one cgroup; leaves nothing behind",
  arguments: "",
  options: {},
  example: "sudo kmesh-edge demo",
  run: async ({ terminal, isJson }) => {
    const steps = await runDemo(terminal);
    const isRight = steps.every((step) => step.isRight);
    terminal.out(isJson ? `${JSON.stringify({ ok: isRight, steps }, null, 2)}\n` : formatSteps(steps, isRight));
    return isRight ? 0 : 1;
  },
};

async function runDemo(terminal: Terminal): Promise<Step[]> {
  await using cleanup = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "kmesh-edge-demo-"));
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  const cgroup = join(requireCgroupRoot(), `kmesh-edge-demo-${terminal.pid}`);
  mkdirSync(cgroup);
  cleanup.defer(() => rmdirSync(cgroup));
  const ports = ["v1", "v2"].map((name) => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) });
    cleanup.defer(() => server.stop(true));
    return server.port ?? 0;
  });
  const mesh = join(directory, "mesh.json");
  writeFileSync(mesh, JSON.stringify(demoMesh(ports[0] ?? 0, ports[1] ?? 0)));
  cleanup.defer(await startAgent(terminal, directory, mesh, cgroup));

  const ask = (vip: string, count: number, field = ""): Promise<Answers> =>
    askFromCgroup(terminal, cgroup, vip, count, field);
  const plain = await ask(demoVips.plain, plainRequests);
  const weighted = await ask(demoVips.weighted, weightedRequests);
  const usual = await ask(demoVips.header, headerRequests);
  const chosen = await ask(demoVips.header, headerRequests, "x-canary: yes");
  const empty = await ask(demoVips.empty, 1);
  const outside = { [await answerOf(demoVips.plain)]: 1 };
  const canary = weighted.v2 ?? 0;
  const total = (weighted.v1 ?? 0) + canary;
  return [
    step("round robin", "v1 and v2 in turn", plain, plain.v1 === plainRequests / 2 && plain.v2 === plainRequests / 2),
    step(
      "canary by weight",
      "v1 90 %, v2 10 %",
      weighted,
      total === weightedRequests && canary >= weightedBounds.least && canary <= weightedBounds.most,
    ),
    step("HTTP without header", "v1", usual, usual.v1 === headerRequests),
    step("HTTP x-canary: yes", "v2", chosen, chosen.v2 === headerRequests),
    step("no endpoint", "refused at once", empty, empty.ECONNREFUSED === 1 || empty.EPERM === 1),
    step("outside the cgroup", "not governed: nobody listens there", outside, outside.ECONNREFUSED === 1),
  ];
}

function step(name: string, expected: string, answers: Answers, isRight: boolean): Step {
  return { name, expected, answers, isRight };
}

/** Resolves when the cgroup is governed, with what ends it. */
async function startAgent(
  terminal: Terminal,
  directory: string,
  mesh: string,
  cgroup: string,
): Promise<() => Promise<void>> {
  const flags = {
    mesh,
    cgroup: [cgroup],
    "state-dir": join(directory, "state"),
    "pin-dir": `/sys/fs/bpf/kmesh-edge-demo-${terminal.pid}`,
    admin: [join(directory, "admin.sock"), "off"],
    "detach-on-exit": true,
    "log-level": "error",
  };
  const stop = new AbortController();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const agent = new Agent({
    config: loadConfig(flags, {}),
    relayWorker: [...terminal.self, "relay-worker"],
    object: readBpfObject(),
    host: describeHost(),
    log: new Log("error", terminal.err, () => new Date()),
    clock: systemClock,
    random: Math.random,
    onReady: resolve,
  });
  const running = agent.run(AbortSignal.any([stop.signal, terminal.signal]));
  await Promise.race([ready, running]);
  return async () => {
    stop.abort();
    await running;
  };
}

/** From a process of its own, that puts itself into the cgroup first. */
async function askFromCgroup(
  { self }: Terminal,
  cgroup: string,
  vip: string,
  count: number,
  field: string,
): Promise<Answers> {
  const child = Bun.spawn([...self, "demo-client", cgroup, vip, String(count), field], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new MeshError("unexpected", "run the demo's client: it failed");
  return JSON.parse(text) as Answers;
}

export const demoClient: Command = {
  name: "demo-client",
  summary: "The demo's client",
  arguments: "CGROUP IP:PORT COUNT FIELD",
  options: {},
  example: "kmesh-edge demo-client /sys/fs/cgroup/demo 127.96.0.1:80 10 'x-canary: yes'",
  isHidden: true,
  run: async ({ terminal, positionals: [cgroup = "", vip = "", count = "", field = ""] }) => {
    writeFileSync(join(cgroup, "cgroup.procs"), String(terminal.pid));
    const answers: Record<string, number> = {};
    for (let i = 0; i < Number(count); i++) {
      const answer = await answerOf(vip, field);
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    terminal.out(JSON.stringify(answers));
    return 0;
  },
};

/** One HTTP request on a new connection: the body, or the errno name. */
function answerOf(vip: string, field = ""): Promise<string> {
  const [host = "", port = ""] = vip.split(":");
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ host, port: Number(port) }, () =>
      socket.end(`GET / HTTP/1.1\r\nHost: demo\r\n${field === "" ? "" : `${field}\r\n`}Connection: close\r\n\r\n`),
    );
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve(received.split("\r\n\r\n")[1] ?? "no answer"));
  });
}

function formatSteps(steps: readonly Step[], isRight: boolean): string {
  const lines = steps.map(({ name, expected, answers, isRight: isOk }) => {
    const counts = Object.entries(answers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([answer, count]) => `${answer} ${count}`);
    return `${isOk ? "right" : "WRONG"}  ${name.padEnd(20)} ${counts.join(", ").padEnd(20)} (${expected})`;
  });
  const end = isRight ? "Every answer was right; nothing is left behind." : "Not every answer was right.";
  return `${lines.join("\n")}\n${end}\n`;
}
