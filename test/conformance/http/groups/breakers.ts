// Circuit breakers, with requests that are held at the backend; and connections to endpoints.

import type { EndpointScript } from "../../../support/http-backends.ts";
import type { Json } from "../../mesh.ts";
import {
  type Case,
  type Connection,
  type Expectation,
  type Group,
  get,
  inTurn,
  one,
  post,
  reply,
} from "../scenario.ts";

function limited(thresholds: readonly Json[]): { more: Json } {
  return { more: { circuit_breakers: { thresholds } } };
}

const held: EndpointScript = { replies: [[{ hold: true }, reply(200, "held")]] };
const overflow = "503 upstream connect error or disconnect/reset before headers. reset reason: overflow";

const terminated =
  "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination";

/** So many requests are held, each on a connection of its own; then come the others. */
function whileHeld(count: number, requests: readonly string[], expect: Expectation, name: string): Case {
  const holding = Array.from(
    { length: count },
    (_, i): Connection => ({ steps: [get("/held")], answers: 1, holds: i + 1 }),
  );
  return {
    name,
    connections: [...holding, { steps: inTurn(...requests), answers: requests.length }],
    expect,
    backends: { a: held },
  };
}

const routes = [
  { match: { prefix: "/high" }, route: { cluster: "@a", priority: "HIGH", timeout: "15s" } },
  { match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } },
];
const heldAnswers = (count: number, ...others: readonly string[]): readonly string[] => [
  ...Array.from({ length: count }, () => "200 held"),
  ...others,
];

export const breakers: Group = {
  name: "circuit breakers and connections",
  settings: [
    {
      name: "max_requests 1",
      routes,
      clusters: { a: limited([{ max_requests: 1 }]) },
      isStateful: true,
      cases: [
        one("one after the other", inTurn(get("/1"), get("/2"), get("/3")), "200 a|200 a|200 a"),
        whileHeld(
          1,
          [get("/x")],
          { answers: heldAnswers(1, overflow), upstream: { a: ["GET /held"] } },
          "a second one is refused",
        ),
      ],
    },
    {
      name: "max_pending_requests 0",
      routes,
      clusters: { a: limited([{ max_pending_requests: 0 }]) },
      cases: [one("nothing that has to wait", get("/"), overflow, { upstream: {} })],
    },
    {
      name: "max_connections 1, max_pending_requests 1",
      routes,
      clusters: { a: limited([{ max_connections: 1, max_pending_requests: 1 }]) },
      isStateful: true,
      cases: [
        {
          name: "the second waits, the third is refused",
          connections: [
            { steps: [get("/1")], answers: 1, holds: 1 },
            // It is held in the proxy: no backend ever sees it before the first is let go.
            { steps: [get("/2")], answers: 1, holds: 1 },
            { steps: [{ wait: 150 }, get("/3")], answers: 1 },
          ],
          expect: { answers: ["200 held", "200 second", overflow], upstream: { a: ["GET /1", "GET /2"] } },
          backends: { a: { replies: [[{ hold: true }, reply(200, "held")], [reply(200, "second")]] } },
        },
      ],
    },
    {
      name: "priorities are counted apart",
      routes,
      clusters: { a: limited([{ max_requests: 1 }, { priority: "HIGH", max_requests: 1 }]) },
      isStateful: true,
      cases: [
        {
          name: "HIGH passes",
          connections: [
            { steps: [get("/held")], answers: 1, holds: 1 },
            { steps: [get("/high")], answers: 1, holds: 2 },
            { steps: [get("/x")], answers: 1 },
          ],
          expect: { answers: ["200 held", "200 held", overflow] },
          backends: { a: held },
        },
      ],
    },
    {
      name: "max_retries 0",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", retry_policy: { retry_on: "5xx", num_retries: 3 } } }],
      clusters: { a: limited([{ max_retries: 0 }]) },
      cases: [
        one("none is left", get("/"), "503", {
          backends: { a: { replies: [[reply(503)], [reply(200, "a")]] } },
          upstream: { a: ["GET /"] },
        }),
      ],
    },
    {
      name: "a retry budget of nothing",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", retry_policy: { retry_on: "5xx", num_retries: 3 } } }],
      clusters: { a: limited([{ retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } }]) },
      cases: [
        one("none is left", get("/"), "503", {
          backends: { a: { replies: [[reply(503)], [reply(200, "a")]] } },
          upstream: { a: ["GET /"] },
        }),
      ],
    },
    {
      name: "endpoints by turns",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@c", timeout: "15s" } }],
      clusters: { c: { endpoints: ["a", "b"] } },
      isStateful: true,
      cases: [
        one("a request each", inTurn(...Array.from({ length: 6 }, () => get("/"))), "", { shares: { a: 3, b: 3 } }),
      ],
    },
    {
      name: "a server's connection",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      isStateful: true,
      cases: [
        one("that it closes after an answer", inTurn(get("/1"), get("/2")), "200 a|200 a", {
          backends: {
            a: { replies: [["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", { do: "close" }]] },
          },
          fields: { connection: null },
          closed: "open",
        }),
        one("that it closes while idle", [get("/1"), { answers: 1 }, { wait: 150 }, get("/2")], "200 a|200 a", {
          backends: { a: { replies: [[reply(200, "a"), { wait: 20 }, { do: "close" }]] } },
        }),
        one("that it resets under the second request", inTurn(get("/1"), get("/2")), `200 a|${terminated}`, {
          backends: { a: { replies: [[reply(200, "a")], [{ do: "reset" }], [reply(200, "again")]] } },
          upstream: { a: ["GET /1", "GET /2"] },
          difference: {
            id: "stale-connection",
            ours: { answers: ["200 a", "200 again"], upstream: { a: ["GET /1", "GET /2", "GET /2"] } },
          },
        }),
        one("that it resets under a second POST", inTurn(get("/1"), post("/2", "x")), `200 a|${terminated}`, {
          backends: { a: { replies: [[reply(200, "a")], [{ do: "reset" }], [reply(200, "again")]] } },
          upstream: { a: ["GET /1", "POST /2"] },
        }),
        one("that it keeps", inTurn(get("/1"), get("/2"), get("/3")), "200 a|200 a|200 a"),
        one("that it keeps, POST", inTurn(post("/1", "x"), post("/2", "yy")), "200 a|200 a"),
        one("that it says to keep", inTurn(get("/1"), get("/2")), "200 a|200 a", {
          backends: {
            a: {
              replies: [
                ["HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 1\r\n\r\na"],
              ],
            },
          },
          fields: { connection: null, "keep-alive": null },
        }),
      ],
    },
    {
      name: "max_requests_per_connection of a cluster",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      clusters: {
        a: {
          more: {
            typed_extension_protocol_options: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options: { max_requests_per_connection: 1 },
                explicit_http_config: { http_protocol_options: {} },
              },
            },
          },
        },
      },
      cases: [one("the next takes another", inTurn(get("/1"), get("/2")), "200 a|200 a")],
    },
  ],
};
