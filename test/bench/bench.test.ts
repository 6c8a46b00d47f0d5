// The parts of the benchmark that compute: what load generators print, statistics, verdicts, and the large mesh file.
import { describe, expect, test } from "bun:test";
import { load as readYaml } from "js-yaml";
import { judge } from "./budgets.ts";
import { parseFortio, parseWrk } from "./load.ts";
import type { Ratios, RelayRow } from "./relay.ts";
import { judgeRelay } from "./relay-budgets.ts";
import { middle, ratio, takeTurns } from "./rounds.ts";
import { scaleMesh } from "./scale-mesh.ts";
import { median, percentile } from "./statistics.ts";
import { control, type TrafficRow } from "./traffic.ts";

const wrkText = `Running 1s test @ http://127.0.1.1:8080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms    2.50ms  33.01ms   95.19%
    Req/Sec    53.91k     5.58k   62.03k    80.00%
  Latency Distribution
     50%  388.00us
     75%    1.03ms
     90%    1.78ms
     99%    1.20s 
  53923 requests in 1.00s, 8.28MB read
`;

describe("load generators", () => {
  test("wrk", () => {
    const text = `${wrkText}Requests/sec:  53870.11\nTransfer/sec:      8.27MB\n`;
    expect(parseWrk(text)).toEqual({ requests: 53923, qps: 53870.11, p50Us: 388, p99Us: 1_200_000, errors: 0 });
  });

  test("wrk with errors", () => {
    const text = `${wrkText}  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\nRequests/sec:  10\n`;
    expect(parseWrk(text).errors).toBe(15);
  });

  test("fortio", () => {
    const Percentiles = [
      { Percentile: 50, Value: 0.0001 },
      { Percentile: 99, Value: 0.002 },
    ];
    const report = { ActualQPS: 7, RetCodes: { "200": 8, "-1": 2 }, DurationHistogram: { Count: 10, Percentiles } };
    expect(parseFortio(report)).toEqual({ requests: 10, qps: 7, p50Us: 100, p99Us: 2000, errors: 2 });
  });
});

test("median and percentile", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([1, 2, 3, 4, 5], 100)).toBe(5);
  expect(percentile([], 50)).toBeNaN();
});

const row: TrafficRow = {
  ...{
    path: "kmesh-edge",
    mode: "kept alive",
    connections: 1,
    qps: 100,
    qpsRatio: 1,
    p50Us: 9,
    p50Ratio: 1,
    p99Us: 99,
  },
  ...{ p99Ratio: 1, cpuPer10k: 1, cpuRatio: 1, meshCpuPer10k: 0, errors: 0 },
};

test("budgets are judged by the worst place, with the control beside it", () => {
  const traffic = [
    row,
    { ...row, connections: 8, qpsRatio: 0.9 },
    { ...row, connections: 8, path: control, qpsRatio: 0.95 },
  ];
  const [qps, p50] = judge({ traffic });
  expect(qps).toMatchObject({ measured: 0.9, where: "8 connections", isMet: false, control: 0.95 });
  expect(p50).toMatchObject({ measured: 1, isMet: true });
  expect(judge({})).toEqual([]);
});

test("rounds take turns, and ratios compare what the same round measured", async () => {
  const order: string[] = [];
  const samples = await takeTurns([{ name: "a" }, { name: "b" }], 2, async ({ name }) => {
    order.push(name);
    return { value: order.length };
  });
  expect(order).toEqual(["a", "b", "b", "a"]);
  const [a = [], b = []] = [samples.get("a"), samples.get("b")];
  expect(middle(a, ({ value }) => value)).toBe(2.5);
  expect(ratio(b, a, ({ value }) => value)).toBe((2 / 1 + 3 / 4) / 2);
});

describe("the relay's budgets", () => {
  const as = (value: number): Ratios => ({ qps: value, p50: value, p99: value, cpu: value, meshCpu: value });
  const relayed: RelayRow = {
    ...{ path: "kmesh-edge", mode: "kept alive", body: "small", connections: 8, errors: 0 },
    ...{ qps: 1, p50Us: 1, p99Us: 1, cpuPer10k: 1, meshCpuPer10k: 1 },
    ...{ toDirect: as(0.45), toEnvoy: as(0.4), toNginx: as(1.1) },
  };

  test("are judged by the worst of the numbers of connections", () => {
    const slower = { ...relayed, connections: 32, toDirect: as(0.3) };
    const verdicts = judgeRelay([relayed, slower]).map(({ measured, where, isMet }) => [measured, where, isMet]);
    expect(verdicts).toEqual([
      [0.4, "8 connections", false],
      [0.3, "32 connections", false],
      [0.4, "8 connections", true],
      [1.1, "8 connections", true],
      [0.4, "8 connections", true],
    ]);
  });

  test("hold each body to them, but neither peers, nor new connections, nor 128 of them", () => {
    const others = [
      { ...relayed, path: "nginx" },
      { ...relayed, connections: 128 },
      { ...relayed, mode: "new connection" } as const,
    ];
    expect(judgeRelay(others)).toEqual([]);
    const budgets = judgeRelay([relayed, { ...relayed, body: "16 KB" }]).map(({ budget }) => budget);
    expect(budgets.filter((budget) => budget.startsWith("relay, 16 KB: "))).toHaveLength(5);
    expect(budgets).toHaveLength(10);
  });
});

test("the large mesh file has what the generated control plane has", () => {
  const mesh = readYaml(scaleMesh({ clusters: 251, endpoints: 3, listeners: 251 }));
  expect(mesh).toMatchObject({
    static_resources: {
      listeners: { length: 251, 250: { name: "127.96.1.1_80" } },
      clusters: {
        ...{ length: 251 },
        250: {
          name: "outbound|80||service-00250.default.svc.cluster.local",
          load_assignment: {
            endpoints: [
              { lb_endpoints: [{}, {}, { endpoint: { address: { socket_address: { address: "127.2.0.3" } } } }] },
            ],
          },
        },
      },
    },
  });
});
