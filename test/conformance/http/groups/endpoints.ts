// Which endpoint serves a request, as their state changes: active requests, failures, health checks.

import type { EndpointScript } from "../../../support/http-backends.ts";
import type { Json } from "../../mesh.ts";
import { healthPath } from "../observe.ts";
import { type Case, type Connection, type Group, get, inTurn, one, replies, reply } from "../scenario.ts";

const routes: readonly Json[] = [{ match: { prefix: "/" }, route: { cluster: "@c", timeout: "15s" } }];
const both = ["a", "b"];
const failing = replies(reply(503, "a"));
const held: EndpointScript = { replies: [[{ hold: true }, reply(200)]] };

/** `first` requests, time for what they teach, and then four that only `b` may serve. */
function learns(name: string, first: number, backends: Readonly<Record<string, EndpointScript>>): Case {
  const requests = Array.from({ length: first }, () => get("/first"));
  return {
    name,
    connections: [
      { steps: [...inTurn(...requests), { answers: first }, { wait: 600 }], answers: first },
      { steps: inTurn(get("/1"), get("/2"), get("/3"), get("/4")), answers: 4 },
    ],
    expect: { last: ["200 b", "200 b", "200 b", "200 b"] },
    backends,
    isRandom: true,
  };
}

function detecting(outlier_detection: Json): { c: { endpoints: string[]; more: Json } } {
  return {
    c: {
      endpoints: both,
      more: {
        outlier_detection: {
          interval: "3600s",
          base_ejection_time: "3600s",
          max_ejection_percent: 50,
          ...outlier_detection,
        },
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
      },
    },
  };
}

function checked(health_check: Json): { c: { endpoints: string[]; more: Json } } {
  return {
    c: {
      endpoints: both,
      more: {
        health_checks: [
          {
            ...{
              timeout: "1s",
              interval: "0.1s",
              unhealthy_threshold: 1,
              healthy_threshold: 1,
              no_traffic_interval: "0.1s",
            },
            ...health_check,
          },
        ],
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
      },
    },
  };
}

const unhealthy = learns("only the healthy endpoint", 1, { a: failing });

export const endpoints: Group = {
  name: "endpoints",
  settings: [
    {
      name: "LEAST_REQUEST",
      routes,
      clusters: {
        c: { endpoints: both, more: { lb_policy: "LEAST_REQUEST", least_request_lb_config: { choice_count: 40 } } },
      },
      isStateful: true,
      cases: [
        {
          name: "requests on different connections go to the endpoint that has fewer",
          connections: [1, 2, 3, 4].map((i): Connection => ({ steps: [get(`/${i}`)], answers: 1, holds: i })),
          expect: { counts: { a: 2, b: 2 } },
          backends: { a: held, b: held },
          isRandom: true,
        },
      ],
    },
    {
      name: "RANDOM",
      routes,
      clusters: { c: { endpoints: both, more: { lb_policy: "RANDOM" } } },
      cases: [one("by chance", [get("/").repeat(300), { answers: 300 }], "", { shares: { a: 1, b: 1 } })],
    },
    {
      name: "endpoint weights",
      routes,
      clusters: {
        c: {
          more: {
            load_assignment: {
              cluster_name: "c",
              endpoints: [
                {
                  lb_endpoints: [
                    ["a", 3],
                    ["b", 1],
                  ].map(([letter, load_balancing_weight]) => ({
                    load_balancing_weight,
                    endpoint: { address: { socket_address: { address: `@{endpoint ${letter}}`, port_value: 8080 } } },
                  })),
                },
              ],
            },
          },
        },
      },
      isStateful: true,
      cases: [one("by turns", inTurn(...Array.from({ length: 40 }, () => get("/"))), "", { shares: { a: 3, b: 1 } })],
    },
    {
      name: "outlier_detection: consecutive_5xx",
      routes,
      clusters: detecting({ consecutive_5xx: 2, enforcing_consecutive_gateway_failure: 0 }),
      isStateful: true,
      cases: [learns("the failing endpoint is left out", 6, { a: replies(reply(500)) })],
    },
    {
      name: "outlier_detection: consecutive_gateway_failure",
      routes,
      clusters: detecting({
        ...{ consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100, enforcing_consecutive_5xx: 0 },
      }),
      isStateful: true,
      cases: [learns("the failing endpoint is left out", 6, { a: failing })],
    },
    {
      name: "outlier_detection: connections that are reset",
      routes,
      clusters: detecting({ consecutive_5xx: 2 }),
      isStateful: true,
      cases: [learns("the failing endpoint is left out", 6, { a: { replies: [[{ do: "reset" }]] } })],
    },
    {
      name: "health check by HTTP",
      routes,
      clusters: checked({ http_health_check: { path: healthPath } }),
      isStateful: true,
      cases: [unhealthy],
    },
    {
      name: "health check by HTTP, expected_statuses",
      routes,
      clusters: checked({ http_health_check: { path: healthPath, expected_statuses: [{ start: 204, end: 206 }] } }),
      isStateful: true,
      cases: [
        learns("only the healthy endpoint", 1, { a: replies(reply(200)), b: { replies: [[reply(205, "b")]] } }),
      ].map((each) => ({ ...each, expect: { last: ["205 b", "205 b", "205 b", "205 b"] } })),
    },
    {
      name: "health check by TCP",
      routes,
      clusters: { c: { ...checked({ tcp_health_check: {} }).c, endpoints: ["gone", "b"] } },
      isStateful: true,
      cases: [learns("only the one that listens", 1, {})],
    },
  ],
};
