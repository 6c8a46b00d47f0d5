// The fault filter: aborts and delays, by percentage, by header, for some requests.
import { abort, always, fault, override, toA } from "../filter.ts";
import { type Group, get, one, post, request } from "../scenario.ts";

export const faults: Group = {
  name: "faults",
  settings: [
    {
      name: "fault: abort",
      filters: [fault(abort(418))],
      routes: [
        { ...toA, match: { prefix: "/off" }, ...override("fault", "fault.v3.HTTPFault", {}) },
        { ...toA, match: { prefix: "/other" }, ...override("fault", "fault.v3.HTTPFault", abort(503)) },
        toA,
      ],
      cases: [
        one("every request", get("/"), "418 fault filter abort", {
          upstream: {},
          fields: { "content-type": "text/plain" },
          closed: "open",
        }),
        one("HEAD", request("HEAD", "/"), "418", { fields: { "content-length": "18" } }),
        one("a route without", get("/off"), "200 a"),
        one("a route with another", get("/other"), "503 fault filter abort"),
        one("no route", get("/", "Host: never.invalid"), "418 fault filter abort"),
      ],
    },
    {
      name: "fault: abort of none",
      filters: [fault({ abort: { http_status: 503, percentage: { numerator: 0 } } })],
      routes: [toA],
      cases: [one("none", get("/"), "200 a")],
    },
    {
      name: "fault: with headers",
      filters: [fault({ ...abort(503), headers: [{ name: "x-break", string_match: { exact: "yes" } }] })],
      routes: [toA],
      cases: [
        one("that match", get("/", "X-Break: yes"), "503 fault filter abort"),
        one("that don't", get("/", "X-Break: no"), "200 a"),
        one("absent", get("/"), "200 a"),
      ],
    },
    {
      name: "fault: upstream_cluster",
      filters: [fault({ ...abort(503), upstream_cluster: "@a" })],
      routes: [{ match: { prefix: "/b" }, route: { cluster: "@b" } }, toA],
      cases: [one("it", get("/"), "503 fault filter abort"), one("another", get("/b"), "200 b")],
    },
    {
      name: "fault: grpc_status",
      filters: [fault({ abort: { grpc_status: 14, percentage: always } })],
      routes: [toA],
      cases: [
        one("to gRPC", get("/", "Content-Type: application/grpc"), "200", {
          fields: { "grpc-status": "14", "grpc-message": "fault filter abort" },
        }),
        one("to others", get("/"), "200 fault filter abort"),
      ],
    },
    {
      name: "fault: abort by header",
      filters: [fault({ abort: { header_abort: {}, percentage: always } })],
      routes: [toA],
      cases: [
        one("as it says", get("/", "x-envoy-fault-abort-request: 451"), "451 fault filter abort"),
        one("none", get("/"), "200 a"),
        one("no number", get("/", "x-envoy-fault-abort-request: x"), "200 a"),
        one("no status", get("/", "x-envoy-fault-abort-request: 42"), "200 a"),
        one(
          "a percentage of 0",
          get("/", "x-envoy-fault-abort-request: 451", "x-envoy-fault-abort-request-percentage: 0"),
          "200 a",
        ),
      ],
    },
    {
      name: "fault: delay",
      filters: [fault({ delay: { fixed_delay: "0.1s", percentage: always } })],
      routes: [toA],
      cases: [
        one("then served", get("/"), "200 a"),
        one("with a body", post("/", "abc"), "200 a", { body: "abc" }),
        one("pipelined", get("/1") + get("/2"), "200 a|200 a", { upstream: { a: ["GET /1", "GET /2"] } }),
      ],
    },
    {
      name: "fault: delay by header, and abort",
      filters: [
        fault({ delay: { header_delay: {}, percentage: always }, abort: { http_status: 503, percentage: always } }),
      ],
      routes: [toA],
      cases: [
        one("delayed, then aborted", get("/", "x-envoy-fault-delay-request: 50"), "503 fault filter abort", {
          upstream: {},
        }),
      ],
    },
  ],
};
