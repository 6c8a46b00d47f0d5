// DestinationRule's traffic policy, as it acts on requests.
import { expect } from "bun:test";
import type { Told } from "../../support/http-clients.ts";
import { waitFor } from "../../support/wait.ts";
import type { Json } from "../resources.ts";
import { type IstioCase, policed, policedRelayed, type Service } from "./case.ts";
import { inspection, type ServiceAsk } from "./world.ts";

const hashed = (by: object) => ({ loadBalancer: { consistentHash: by } });
const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);

const values = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
/** Where Envoy's ring of the three versions' addresses sends these values. */
const places = ["v1", "v1", "v3", "v1", "v2", "v1", "v2", "v2"];

async function hashes({ who }: Service, of: (value: string) => ServiceAsk): Promise<void> {
  expect(await who(...values.map(of))).toEqual(places);
}

/** One version, so that all requests meet at one endpoint: Envoy gives each endpoint a connection, whatever the limit. */
function limited(name: string, connectionPool: Json, most: number): IstioCase {
  return {
    name: `connectionPool ${name}`,
    rules: ({ to }) => ({ http: [{ route: [to("v1")] }], policy: { connectionPool } }),
    check: (service) => overflows(service, most),
  };
}

/** Of eight requests at once only so many get through; the others are refused at once. */
async function overflows({ ask, release, records }: Service, most: number): Promise<void> {
  const id = crypto.randomUUID();
  const answers: Told[] = [];
  const send = async () => answers.push(...(await ask(`/hold?id=${id}`)));
  const first = send();
  await waitFor("the first to be held", async () => (await records("v1", id)).length === 1);
  const others = Array.from({ length: 7 }, send);
  await waitFor("the refusals", () => answers.length === 8 - most);
  const text = "upstream connect error or disconnect/reset before headers. reset reason: overflow";
  expect(answers.map(({ status, text }) => ({ status, text }))).toEqual([...times(8 - most, { status: 503, text })]);
  await release(id);
  await Promise.all([first, ...others]);
  expect(answers.slice(8 - most).map(({ status }) => status)).toEqual([...times(most, 200)]);
}

const simple = ["ROUND_ROBIN", "LEAST_REQUEST", "RANDOM"] as const;

export const policies: readonly IstioCase[] = [
  ...simple.map((one) =>
    policed(`loadBalancer simple ${one}`, { loadBalancer: { simple: one } }, async ({ who }) => {
      // Without rules each connection is balanced, not each request.
      const alone = { path: "/", headers: { connection: "close" } };
      expect([...new Set(await who(...times(60, alone)))].sort()).toEqual(["v1", "v2", "v3"]);
    }),
  ),
  ...simple.map((one) =>
    policedRelayed(`loadBalancer simple ${one}`, { loadBalancer: { simple: one } }, async ({ who }) => {
      expect([...new Set(await who(...times(60, "/")))].sort()).toEqual(["v1", "v2", "v3"]);
    }),
  ),
  policed("consistentHash by httpHeaderName", hashed({ httpHeaderName: "x-user" }), (service) =>
    hashes(service, (value) => ({ path: "/", headers: { "x-user": value } })),
  ),
  policed("consistentHash by httpQueryParameterName", hashed({ httpQueryParameterName: "user" }), (service) =>
    hashes(service, (value) => `/?user=${value}`),
  ),
  policed("consistentHash by useSourceIp", hashed({ useSourceIp: true }), async ({ who }) => {
    expect(await who(...times(10, "/"))).toEqual([...times(10, "v2")]);
  }),
  policed(
    "consistentHash by httpCookie, made for who has none",
    hashed({ httpCookie: { name: "sticky", ttl: "60s" } }),
    async (service) => {
      const [first] = await service.ask("/");
      const cookie = /^sticky="?([^";]+)"?; /.exec(first?.headers["set-cookie"] ?? "")?.[1];
      expect(first?.headers["set-cookie"]).toMatch(/Max-Age=60/);
      expect(cookie).toBeString();
      const named = first === undefined ? "" : inspection(first).server;
      const again = { path: "/", headers: { cookie: `sticky=${cookie}` } };
      const answers = await service.ask(...times(5, again));
      expect(answers.map((answer) => inspection(answer).server)).toEqual([...times(5, named)]);
      expect(answers.some(({ headers }) => "set-cookie" in headers)).toBe(false);
      await hashes(service, (value) => ({ path: "/", headers: { cookie: `sticky=${value}` } }));
    },
  ),
  policed(
    "outlierDetection",
    {
      loadBalancer: { simple: "ROUND_ROBIN" },
      outlierDetection: {
        consecutive5xxErrors: 2,
        interval: "1s",
        baseEjectionTime: "300s",
        maxEjectionPercent: 100,
      },
    },
    async ({ ask }) => {
      const statuses = async () => new Set((await ask(...times(12, "/?failing=v2"))).map(({ status }) => status));
      expect(await statuses()).toContain(500);
      await waitFor("the ejection", async () => Bun.deepEquals([...(await statuses())], [200]));
    },
  ),
  limited(
    "maxConnections and http1MaxPendingRequests",
    { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } },
    2,
  ),
  limited("http2MaxRequests", { http: { http2MaxRequests: 2 } }, 2),
  policed(
    "connectionPool maxRequestsPerConnection",
    { connectionPool: { http: { maxRequestsPerConnection: 1 } } },
    async ({ ask }) => {
      const peers = (await ask(...times(6, "/"))).map((answer) => inspection(answer).peer);
      expect(new Set(peers).size).toBe(6);
    },
  ),
];
