// `bun run bench`: kmesh-edge, the plain kernel and its peers on this machine, in one run. Prints tables and whether DESIGN.md's
// budgets are met, and writes everything to build/bench/results.json. Under twenty-five minutes; with --quick about four.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../support/process.ts";
import { judge, type Results } from "./budgets.ts";
import { describeHost } from "./host.ts";
import { type LifePlan, measureLife } from "./life.ts";
import { modes } from "./load.ts";
import { measureRelay, type RelayPlan } from "./relay.ts";
import { pathNames } from "./relay-paths.ts";
import { type Body, bodies } from "./relay-peers.ts";
import { report } from "./report.ts";
import { measureScale, type ScalePlan } from "./scale.ts";
import { measureTraffic, type TrafficPlan } from "./traffic.ts";

const usage = `bun run bench [--quick] [--only traffic|relay|life|scale]… [--json]
  --quick  fewer connections, rounds and seconds: to see that it works, not to publish
  --only   this part only; may be given more than once
  --json   print the results as JSON instead of tables`;

interface Plan {
  readonly traffic: TrafficPlan;
  readonly relay: RelayPlan;
  readonly life: LifePlan;
  readonly scale: ScalePlan;
}

const size = { clusters: 5000, endpoints: 10, listeners: 5000 };

const full: Plan = {
  traffic: { connections: [1, 8, 32, 128], rounds: 7, seconds: 1 },
  relay: {
    cells: modes.flatMap((mode) =>
      (Object.keys(bodies) as Body[]).flatMap((body) =>
        [1, 8, 32, 128].map((connections) => ({ mode, body, connections })),
      ),
    ),
    ...{ paths: pathNames, rounds: 5, seconds: 1, warmUpRequests: 100_000, idleConnections: 3000 },
  },
  life: { starts: 10, idleSeconds: 20 },
  scale: { size, rounds: 3, changes: 50, settleSeconds: 10, withEnvoy: true },
};

const quick: Plan = {
  traffic: { connections: [1, 32], rounds: 3, seconds: 1 },
  relay: {
    cells: [
      ...[1, 8, 32].map((connections) => ({ mode: "kept alive", body: "small", connections }) as const),
      { mode: "kept alive", body: "16 KB", connections: 8 },
      { mode: "new connection", body: "small", connections: 8 },
    ],
    ...{
      paths: ["direct", "kmesh-edge", "Envoy", "nginx"],
      rounds: 3,
      seconds: 1,
      warmUpRequests: 60_000,
      idleConnections: 3000,
    },
  },
  life: { starts: 5, idleSeconds: 8 },
  scale: { size, rounds: 1, changes: 20, settleSeconds: 5, withEnvoy: true },
};

async function measure(plan: Plan, only: readonly string[], progress: (text: string) => void): Promise<Results> {
  const wants = (part: string): boolean => only.length === 0 || only.includes(part);
  return {
    ...(wants("life") ? { life: await measureLife(plan.life, progress) } : {}),
    ...(wants("scale") ? { scale: await measureScale(plan.scale, progress) } : {}),
    ...(wants("relay") ? { relay: await measureRelay(plan.relay, progress) } : {}),
    ...(wants("traffic") ? { traffic: await measureTraffic(plan.traffic, progress) } : {}),
  };
}

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const unknown = values.only.filter((part) => !["traffic", "relay", "life", "scale"].includes(part));
if (values.help || unknown.length > 0) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
const host = await describeHost();
const results = await measure(values.quick ? quick : full, values.only, (text) => console.error(text));
const verdicts = judge(results);
const everything = JSON.stringify({ host, isQuick: values.quick, ...results, budgets: verdicts }, null, 2);
const directory = join(root, "build/bench");
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "results.json"), `${everything}\n`);
console.log(values.json ? everything : report(results, verdicts));
