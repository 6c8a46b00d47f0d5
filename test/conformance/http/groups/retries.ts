// Retries: which failures are tried again, how often, and with what.

import type { EndpointScript } from "../../../support/http-backends.ts";
import type { Json } from "../../mesh.ts";
import { type Group, get, one, post, replies, reply } from "../scenario.ts";

/** Short waits between the attempts. */
const backOff = { base_interval: "0.002s", max_interval: "0.005s" };

function retrying(retry_policy: Json, more: Json = {}): readonly Json[] {
  return [
    {
      match: { prefix: "/" },
      route: { cluster: "@a", retry_policy: { retry_back_off: backOff, ...retry_policy }, ...more },
    },
  ];
}

const ok = reply(200, "a");
/** Fails so often, then serves. */
const failing = (times: number, status: number, ...fields: readonly string[]): EndpointScript =>
  replies(...Array.from({ length: times }, () => reply(status, "", ...fields)), ok);
const resetting: EndpointScript = { replies: [[{ do: "reset" }], [ok]] };
const closing: EndpointScript = { replies: [[{ do: "close" }], [ok]] };
const begun: EndpointScript = {
  replies: [["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", { wait: 20 }, { do: "reset" }], [ok]],
};
const tries = (count: number): { upstream: Record<string, string[]> } => ({
  upstream: { a: Array(count).fill("GET /") },
});
const resetText = "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination";

export const retries: Group = {
  name: "retries",
  settings: [
    {
      name: "no policy",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a" } }],
      cases: [
        one("503 isn't tried again", get("/"), "503", { backends: { a: failing(1, 503) }, ...tries(1) }),
        one("a reset isn't", get("/"), resetText, { backends: { a: resetting }, ...tries(1) }),
        one("a client's x-envoy-retry-on isn't obeyed", get("/", "x-envoy-retry-on: 5xx"), "503", {
          backends: { a: failing(1, 503) },
          ...tries(1),
        }),
      ],
    },
    {
      name: "5xx",
      routes: retrying({ retry_on: "5xx" }),
      cases: [
        one("500", get("/"), "200 a", { backends: { a: failing(1, 500) }, ...tries(2) }),
        one("599", get("/"), "200 a", { backends: { a: failing(1, 599) }, ...tries(2) }),
        one("once by default", get("/"), "503", { backends: { a: failing(2, 503) }, ...tries(2) }),
        one("not 404", get("/"), "404", { backends: { a: failing(1, 404) }, ...tries(1) }),
        one("not 200", get("/"), "200 a", tries(1)),
        one("a reset", get("/"), "200 a", { backends: { a: resetting }, ...tries(2) }),
        one("a close before the answer", get("/"), "200 a", { backends: { a: closing }, ...tries(2) }),
        one("not x-envoy-ratelimited", get("/"), "500", {
          backends: { a: failing(1, 500, "x-envoy-ratelimited: true") },
          ...tries(1),
        }),
        one("POST with its body", post("/", "hello"), "200 a", {
          backends: { a: failing(1, 503) },
          upstream: { a: ["POST /", "POST /"] },
          body: "hello",
        }),
        one(
          "POST with chunks",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
          "200 a",
          { backends: { a: failing(1, 503) }, upstream: { a: ["POST /", "POST /"] }, body: "abcde" },
        ),
        one("none after the answer has begun", get("/"), "200 abc", {
          backends: { a: begun },
          ...tries(1),
          closed: "fin",
        }),
        one("garbage from the server", get("/"), "200 a", {
          backends: { a: { replies: [["nonsense\r\n\r\n"], [ok]] } },
        }),
      ],
    },
    {
      name: "num_retries",
      routes: retrying({ retry_on: "5xx", num_retries: 3 }),
      cases: [
        one("as many as it takes", get("/"), "200 a", { backends: { a: failing(3, 503) }, ...tries(4) }),
        one("not more", get("/"), "503 last", {
          backends: { a: replies(...[1, 2, 3].map(() => reply(503)), reply(503, "last"), ok) },
          ...tries(4),
        }),
      ],
    },
    {
      name: "num_retries 0",
      routes: retrying({ retry_on: "5xx", num_retries: 0 }),
      cases: [one("none", get("/"), "503", { backends: { a: failing(1, 503) }, ...tries(1) })],
    },
    {
      name: "gateway-error",
      routes: retrying({ retry_on: "gateway-error" }),
      cases: [
        ...[502, 503, 504].map((status) =>
          one(`${status}`, get("/"), "200 a", { backends: { a: failing(1, status) }, ...tries(2) }),
        ),
        one("not 500", get("/"), "500", { backends: { a: failing(1, 500) }, ...tries(1) }),
        one("a reset", get("/"), "200 a", { backends: { a: resetting }, ...tries(2) }),
      ],
    },
    {
      name: "reset",
      routes: retrying({ retry_on: "reset" }),
      cases: [
        one("a reset", get("/"), "200 a", { backends: { a: resetting }, ...tries(2) }),
        one("a close", get("/"), "200 a", { backends: { a: closing }, ...tries(2) }),
        one("not 503", get("/"), "503", { backends: { a: failing(1, 503) }, ...tries(1) }),
      ],
    },
    {
      name: "reset-before-request",
      routes: retrying({ retry_on: "reset-before-request" }),
      cases: [one("not after it was sent", get("/"), resetText, { backends: { a: resetting }, ...tries(1) })],
    },
    {
      name: "connect-failure",
      routes: retrying({ retry_on: "connect-failure" }, { cluster: "@c" }),
      clusters: { c: { endpoints: ["gone", "a"] } },
      cases: [
        one("the other endpoint", get("/"), "200 a", tries(1)),
        one("again", [get("/"), { answers: 1 }, get("/"), { answers: 2 }, get("/")], "200 a|200 a|200 a", tries(3)),
      ],
      isStateful: true,
    },
    {
      name: "connect-failure alone",
      routes: retrying({ retry_on: "connect-failure" }),
      cases: [
        one("not a reset", get("/"), resetText, { backends: { a: resetting }, ...tries(1) }),
        one("not 503", get("/"), "503", { backends: { a: failing(1, 503) }, ...tries(1) }),
      ],
    },
    {
      name: "retriable-4xx",
      routes: retrying({ retry_on: "retriable-4xx" }),
      cases: [
        one("409", get("/"), "200 a", { backends: { a: failing(1, 409) }, ...tries(2) }),
        one("not 404", get("/"), "404", { backends: { a: failing(1, 404) }, ...tries(1) }),
      ],
    },
    {
      name: "retriable-status-codes",
      routes: retrying({ retry_on: "retriable-status-codes", retriable_status_codes: [404, 418] }),
      cases: [
        one("418", get("/"), "200 a", { backends: { a: failing(1, 418) }, ...tries(2) }),
        one("not 503", get("/"), "503", { backends: { a: failing(1, 503) }, ...tries(1) }),
      ],
    },
    {
      name: "retriable-headers",
      routes: retrying({
        retry_on: "retriable-headers",
        retriable_headers: [{ name: "x-again", string_match: { exact: "yes" } }],
      }),
      cases: [
        one("the field", get("/"), "200 a", { backends: { a: failing(1, 200, "X-Again: yes") }, ...tries(2) }),
        one("another value", get("/"), "200", { backends: { a: failing(1, 200, "X-Again: no") }, ...tries(1) }),
      ],
    },
    {
      name: "retriable_request_headers",
      routes: retrying({
        retry_on: "5xx",
        retriable_request_headers: [{ name: ":method", string_match: { exact: "GET" } }],
      }),
      cases: [
        one("GET", get("/"), "200 a", { backends: { a: failing(1, 503) }, ...tries(2) }),
        one("not POST", post("/", "x"), "503", { backends: { a: failing(1, 503) }, upstream: { a: ["POST /"] } }),
      ],
    },
    {
      name: "envoy-ratelimited",
      routes: retrying({ retry_on: "envoy-ratelimited" }),
      cases: [
        one("the field", get("/"), "200 a", {
          backends: { a: failing(1, 429, "x-envoy-ratelimited: true") },
          ...tries(2),
        }),
        one("429 without it", get("/"), "429", { backends: { a: failing(1, 429) }, ...tries(1) }),
      ],
    },
    {
      name: "grpc statuses",
      routes: retrying({ retry_on: "unavailable,cancelled" }),
      cases: [
        one("14 in the head", get("/", "Content-Type: application/grpc"), "200 a", {
          backends: { a: failing(1, 200, "grpc-status: 14") },
          ...tries(2),
        }),
        one("1", get("/"), "200 a", { backends: { a: failing(1, 200, "grpc-status: 1") }, ...tries(2) }),
        one("not 13", get("/"), "200", { backends: { a: failing(1, 200, "grpc-status: 13") }, ...tries(1) }),
      ],
    },
    {
      name: "several conditions",
      routes: retrying({ retry_on: "gateway-error, retriable-4xx,reset", num_retries: 5 }),
      cases: [
        one("one after the other", get("/"), "200 a", {
          backends: { a: { replies: [[reply(502)], [reply(409)], [{ do: "reset" }], [ok]] } },
          ...tries(4),
        }),
      ],
    },
    {
      name: "a virtual host's policy",
      host: { retry_policy: { retry_on: "5xx", num_retries: 2, retry_back_off: backOff } },
      routes: [
        { match: { prefix: "/own" }, route: { cluster: "@a", retry_policy: { retry_on: "reset" } } },
        { match: { prefix: "/" }, route: { cluster: "@a" } },
      ],
      cases: [
        one("holds for its routes", get("/"), "200 a", { backends: { a: failing(2, 503) }, ...tries(3) }),
        one("but where a route has its own", get("/own"), "503", {
          backends: { a: failing(2, 503) },
          upstream: { a: ["GET /own"] },
        }),
      ],
    },
    {
      name: "per_try_timeout",
      routes: retrying({ retry_on: "5xx", per_try_timeout: "0.15s" }),
      cases: [
        one("a slow try is tried again", get("/"), "200 a", {
          backends: { a: { replies: [[{ wait: 1500 }, ok], [ok]] } },
          ...tries(2),
        }),
        one("two slow tries", get("/"), "504 upstream request timeout", {
          backends: { a: { replies: [[{ wait: 1500 }, ok]] } },
          ...tries(2),
        }),
      ],
    },
    {
      name: "attempt counts",
      host: { include_request_attempt_count: true, include_attempt_count_in_response: true },
      routes: retrying({ retry_on: "5xx" }),
      cases: [
        one("one", get("/"), "200 a", {
          sent: { "x-envoy-attempt-count": "1" },
          fields: { "x-envoy-attempt-count": "1" },
        }),
        one("two", get("/"), "200 a", { backends: { a: failing(1, 503) }, fields: { "x-envoy-attempt-count": "2" } }),
        one("a client's own is overwritten", get("/", "x-envoy-attempt-count: 9"), "200 a", {
          sent: { "x-envoy-attempt-count": "1" },
        }),
      ],
    },
    {
      name: "previous_hosts",
      routes: retrying(
        {
          retry_on: "5xx",
          num_retries: 1,
          host_selection_retry_max_attempts: 20,
          retry_host_predicate: [
            {
              name: "envoy.retry_host_predicates.previous_hosts",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
              },
            },
          ],
        },
        { cluster: "@c" },
      ),
      clusters: { c: { endpoints: ["a", "b"], more: { lb_policy: "RANDOM" } } },
      cases: [
        one("the other endpoint", get("/"), "503", {
          backends: { a: replies(reply(503)), b: replies(reply(503)) },
          upstream: { a: ["GET /"], b: ["GET /"] },
        }),
      ],
    },
    {
      name: "mutations and rewrites of a retried request",
      routes: [
        {
          match: { prefix: "/old" },
          route: { cluster: "@a", prefix_rewrite: "/new", retry_policy: { retry_on: "5xx", retry_back_off: backOff } },
          request_headers_to_add: [{ header: { key: "x-added", value: "1" } }],
        },
      ],
      cases: [
        one("are done once", get("/old/x"), "200 a", {
          backends: { a: failing(1, 503) },
          upstream: { a: ["GET /new/x", "GET /new/x"] },
          sent: { "x-added": "1" },
        }),
      ],
    },
    {
      name: "a body that is too large to be kept",
      routes: [
        {
          match: { prefix: "/" },
          route: { cluster: "@a", retry_policy: { retry_on: "5xx", retry_back_off: backOff } },
          per_request_buffer_limit_bytes: 100,
        },
      ],
      cases: [
        one("isn't sent again", post("/", "x".repeat(5000)), "503", {
          backends: { a: failing(1, 503) },
          upstream: { a: ["POST /"] },
        }),
        one("a small one is", post("/", "x".repeat(50)), "200 a", {
          backends: { a: failing(1, 503) },
          upstream: { a: ["POST /", "POST /"] },
        }),
      ],
    },
  ],
};
