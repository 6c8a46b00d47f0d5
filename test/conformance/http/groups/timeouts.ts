// Timeouts: of a route, of its try, of an idle stream, of the request; and what remains of the connection.

import type { EndpointScript } from "../../../support/http-backends.ts";
import { type Group, get, inTurn, one, post, request } from "../scenario.ts";

const never: EndpointScript = { replies: [[{ wait: 3000 }, { do: "close" }]] };
const headOnly: EndpointScript = {
  replies: [["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", { wait: 3000 }, { do: "close" }]],
};
const slow: EndpointScript = { replies: [[{ wait: 350 }, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow"]] };

export const timeouts: Group = {
  name: "timeouts",
  settings: [
    {
      name: "a route's",
      routes: [
        { match: { prefix: "/long" }, route: { cluster: "@a", timeout: "2s" } },
        { match: { prefix: "/none" }, route: { cluster: "@a", timeout: "0s" } },
        { match: { prefix: "/" }, route: { cluster: "@a", timeout: "0.2s" } },
      ],
      cases: [
        one("no answer", get("/"), "504 upstream request timeout", {
          backends: { a: never },
          fields: { "content-type": "text/plain", "content-length": "24" },
          closed: "open",
        }),
        one("no answer to HEAD", request("HEAD", "/"), "504", { backends: { a: never } }),
        one("the connection serves on", [get("/"), { answers: 1 }, get("/x")], "504 upstream request timeout|200 a", {
          backends: { a: { replies: [[{ wait: 3000 }], ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"]] } },
        }),
        one("in the middle of the answer", get("/"), "200 abc", { backends: { a: headOnly }, closed: "fin" }),
        one("longer", get("/long"), "200 slow", { backends: { a: slow } }),
        one("none", get("/none"), "200 slow", { backends: { a: slow } }),
        one("a client's shorter one isn't obeyed", get("/long", "x-envoy-upstream-rq-timeout-ms: 50"), "200 slow", {
          backends: { a: slow },
        }),
        one(
          "it begins when the request is complete",
          [request("POST", "/", ["Content-Length: 3"]), { wait: 400 }, "abc"],
          "200 a",
        ),
        one("POST", post("/", "x"), "504 upstream request timeout", { backends: { a: never } }),
      ],
    },
    {
      name: "stream_idle_timeout",
      routes: [
        { match: { prefix: "/own" }, route: { cluster: "@a", timeout: "0s", idle_timeout: "2s" } },
        { match: { prefix: "/" }, route: { cluster: "@a", timeout: "0s" } },
      ],
      manager: { stream_idle_timeout: "0.2s" },
      cases: [
        one("no answer", get("/"), "504 stream timeout", { backends: { a: never } }),
        one("a route's own", get("/own"), "200 slow", { backends: { a: slow } }),
        one("half a request", request("POST", "/", ["Content-Length: 5"]), "408 stream timeout", { closed: "fin" }),
        one("half an answer", get("/"), "200 abc", { backends: { a: headOnly }, closed: "fin" }),
      ],
    },
    {
      name: "request_timeout",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      manager: { request_timeout: "0.2s" },
      cases: [
        one("half a body", request("POST", "/", ["Content-Length: 5"]), "408 request timeout", { closed: "fin" }),
        one("a whole request and a slow answer", get("/"), "200 slow", { backends: { a: slow } }),
      ],
    },
    {
      name: "request_headers_timeout",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      manager: { request_headers_timeout: "0.2s" },
      cases: [
        one("half a head", "GET / HTTP/1.1\r\nHost: h\r\n", "408 request header timeout", { closed: "fin" }),
        one(
          "half the second head",
          [...inTurn(get("/")), { answers: 1 }, "GET / HTTP/1.1\r\n"],
          "200 a|408 request header timeout",
          { closed: "fin" },
        ),
        one("a slow body", [request("POST", "/", ["Content-Length: 1"]), { wait: 400 }, "x"], "200 a"),
      ],
    },
    {
      name: "idle_timeout of connections",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      // An idle connection of HTTP/1.1 is closed only after the time for draining.
      manager: { common_http_protocol_options: { idle_timeout: "0.2s" }, drain_timeout: "0.01s" },
      cases: [
        one("closed when nothing comes", get("/"), "200 a", { closed: "fin" }),
        one("not while it is answered", get("/"), "200 slow", { backends: { a: slow }, closed: "fin" }),
      ],
    },
    {
      name: "max_stream_duration",
      routes: [
        {
          match: { prefix: "/route" },
          route: { cluster: "@a", timeout: "0s", max_stream_duration: { max_stream_duration: "0.2s" } },
        },
        { match: { prefix: "/" }, route: { cluster: "@a", timeout: "0s" } },
      ],
      manager: { common_http_protocol_options: { max_stream_duration: "0.3s" } },
      cases: [
        one("a route's", get("/route"), "504 downstream duration timeout", { backends: { a: never } }),
        one("the connection manager's", get("/"), "504 downstream duration timeout", { backends: { a: never } }),
      ],
    },
    {
      name: "max_requests_per_connection",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      manager: { common_http_protocol_options: { max_requests_per_connection: 2 } },
      cases: [one("the last is answered with close", inTurn(get("/1"), get("/2")), "200 a|200 a", { closed: "fin" })],
    },
  ],
};
