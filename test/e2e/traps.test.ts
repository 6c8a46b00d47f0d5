// Mistakes that other meshes made, each as a test of its own. Traps 1, 11, 13, 14 and 15 are named where their subject is tested:
// control-plane.test.ts and life.test.ts; what concerns the programs alone is in test/bpf.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, binary } from "../support/agent.ts";
import { run } from "../support/process.ts";
import { assertFits } from "../support/stats.ts";
import { bootstrap, type Json, staticCluster, tcpListener } from "./resources.ts";
import { tcpBackend, testTimeoutMs, World } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const thresholds = (limits: Json): Json => ({ circuit_breakers: { thresholds: [limits] } });
const endpoint = (host: number, weight: number): Json => ({
  endpoint: { address: { socket_address: { address: `127.0.1.${host}`, port_value: 8080 } } },
  load_balancing_weight: weight,
});
const weighted = (name: string, weights: readonly number[]): Json =>
  staticCluster(name, [], {
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: weights.map((weight, i) => endpoint(i + 1, weight)) }],
    },
  });

const mesh = bootstrap(
  [
    tcpListener("limited", "127.96.0.1:80", "limited"),
    tcpListener("shut", "127.96.0.2:80", "shut"),
    tcpListener("empty", "127.96.0.3:80", "empty"),
    tcpListener("partial", "127.96.0.4:80", "partial"),
    tcpListener("thirds", "127.96.0.5:80", { "only-a": 1, "only-b": 1, "only-c": 1 }),
    tcpListener("rare", "127.96.0.6:80", { "only-a": 1, "only-b": 999 }),
    tcpListener("endpoints", "127.96.0.7:80", "weighted"),
  ],
  [
    staticCluster("limited", ["127.0.1.1:8080"], thresholds({ max_connections: 2 })),
    staticCluster("shut", ["127.0.1.1:8080"], thresholds({ max_connections: 0 })),
    staticCluster("empty", []),
    staticCluster("partial", ["127.0.1.1:8080"], thresholds({ max_pending_requests: 7, max_retries: 1 })),
    ...["a", "b", "c"].map((name, i) => staticCluster(`only-${name}`, [`127.0.1.${i + 1}:8080`])),
    weighted("weighted", [1, 2, 4]),
  ],
);

const stack = new AsyncDisposableStack();
let world: World;

beforeAll(async () => {
  // Somebody listens on the VIPs themselves: whoever falls through to one is seen.
  const originals = [1, 2, 3].map((i) => ({ name: `fell through ${i}`, address: `127.96.0.${i}`, port: 80 }));
  const backends = ["a", "b", "c"].map((name, i) => tcpBackend(name, i + 1));
  world = stack.use(await World.create([...backends, ...originals]));
  stack.use(await Agent.start({ mesh, cgroups: [world.cgroup.path] }));
});
afterAll(() => stack.disposeAsync());

describe("trap 2: a rejection rejects, and never falls through to the address that was asked for", () => {
  test("over max_connections", async () => {
    await world.inside.dial("127.96.0.1", 80, { count: 2, hold: true });
    expect(await world.inside.tally("127.96.0.1", 80, { count: 5 })).toEqual({ "!ECONNREFUSED": 5 });
    await world.inside.release();
  });

  test.each([
    ["max_connections 0", "127.96.0.2"],
    ["a cluster without endpoints", "127.96.0.3"],
  ])("%s", async (_, vip) => {
    expect(await world.inside.tally(vip, 80, { count: 5 })).toEqual({ "!ECONNREFUSED": 5 });
    expect(await world.outside.tally(vip, 80)).toEqual({ [`fell through ${vip.at(-1)}`]: 1 });
  });
});

test("trap 4: max_connections that isn't set is unlimited, whatever other thresholds are", async () => {
  expect(await world.inside.tally("127.96.0.4", 80, { count: 50, hold: true })).toEqual({ a: 50 });
  await world.inside.release();
});

describe("trap 8: weights are exact", () => {
  test.each([
    ["clusters in three equal parts", "127.96.0.5", { a: 1, b: 1, c: 1 }],
    ["clusters in a total of 1000", "127.96.0.6", { a: 1, b: 999 }],
    ["endpoints in a total of 7", "127.96.0.7", { a: 1, b: 2, c: 4 }],
  ] as const)("%s", async (_, vip, weights) => {
    assertFits(await world.inside.tally(vip, 80, { count: 6000, concurrency: 16 }), weights);
  });
});

test("trap 16: what the host can do is asked of the host: without rights the same executable says what is missing", async () => {
  const able = JSON.parse((await run([binary, "doctor", "--json"])).stdout) as { ok: boolean };
  expect(able.ok).toBe(true);
  const { status, stdout, stderr } = await run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", binary, "doctor"]);
  expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
  expect(stdout).toContain("CAP_BPF");
  expect(stdout).toContain("this host can't carry the mesh yet");
});
