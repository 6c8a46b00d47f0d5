// Connections of clients: kept, closed, half-closed, pipelined; fields that belong to a connection; HTTP/1.0.
import {
  answering,
  type Group,
  get,
  inTurn,
  one,
  plainRoutes,
  post,
  reply,
  request,
  type Setting,
} from "../scenario.ts";

const chunked = (path: string, body: string, ...fields: readonly string[]): string =>
  request("POST", path, ["Transfer-Encoding: chunked", ...fields], body);

const kept: Setting = {
  name: "connections",
  routes: plainRoutes,
  cases: [
    one("kept", inTurn(get("/1"), get("/2"), get("/3")), "200 a|200 a|200 a", { closed: "open" }),
    one(
      "kept after a body",
      inTurn(post("/1", "x"), chunked("/2", "1\r\nx\r\n0\r\n\r\n"), get("/3")),
      "200 a|200 a|200 a",
      { closed: "open" },
    ),
    one("pipelined", get("/1") + get("/2") + get("/3"), "200 a|200 a|200 a", {
      upstream: { a: ["GET /1", "GET /2", "GET /3"] },
      closed: "open",
    }),
    one(
      "pipelined, with bodies",
      post("/1", "abc") + chunked("/2", "1\r\nx\r\n0\r\n\r\n") + get("/3"),
      "200 a|200 a|200 a",
      {
        upstream: { a: ["POST /1", "POST /2", "GET /3"] },
      },
    ),
    one("pipelined, the first is slow", get("/1") + get("/2"), "200 first|200 second", {
      backends: { a: { replies: [[{ wait: 150 }, reply(200, "first")], [reply(200, "second")]] } },
    }),
    one("Connection: close", get("/", "Connection: close"), "200 a", {
      closed: "fin",
      fields: { connection: "close" },
      sent: { connection: null },
    }),
    one("Connection: Close, x", get("/", "Connection: Close, x"), "200 a", { closed: "fin" }),
    one("Connection: close, then another", get("/1", "Connection: close") + get("/2"), "200 a", {
      closed: "fin",
      upstream: { a: ["GET /1"] },
    }),
    one("Connection: keep-alive", get("/", "Connection: keep-alive"), "200 a", {
      closed: "open",
      sent: { connection: null },
    }),
    one(
      "fields that Connection names",
      get("/", "Connection: X-Hop, keep-alive", "X-Hop: 1", "Keep-Alive: 5", "X-Stay: 1"),
      "200 a",
      {
        sent: { "x-hop": null, "keep-alive": null, "x-stay": "1" },
      },
    ),
    one("Proxy-Connection", get("/", "Proxy-Connection: keep-alive"), "200 a", { sent: { "proxy-connection": null } }),
    one("Proxy-Authorization", get("/", "Proxy-Authorization: x", "Proxy-Authenticate: y"), "200 a"),
    one("TE: gzip", get("/", "TE: gzip"), "200 a"),
    one("TE: trailers", get("/", "TE: trailers"), "200 a"),
    one("TE: trailers, gzip", get("/", "TE: trailers, gzip"), "200 a"),
    one("half-closed after the request", [get("/"), { do: "fin" }], "", {
      ...answering({ wait: 150 }, reply(200, "slow")),
      closed: "fin",
      difference: { id: "half-close", ours: { answers: ["200 slow"], closed: "fin" } },
    }),
    one("closed before the body's end", [request("POST", "/", ["Content-Length: 10"], "abc"), { do: "fin" }], "", {
      closed: "fin",
      upstream: {},
      difference: { id: "cut-request", ours: { closed: "fin", upstream: { a: ["POST /"] } } },
    }),
    one("closed within a head", ["GET / HT", { do: "fin" }], "", { closed: "fin" }),
  ],
};

const http10: Setting = {
  name: "HTTP/1.0",
  routes: plainRoutes,
  cases: [
    one("refused by default", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "426 Upgrade Required", {
      closed: "fin",
      upstream: {},
    }),
    one("HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", "426 Upgrade Required", { upstream: {} }),
    one("HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "426 Upgrade Required", { upstream: {} }),
    one("HTTP/0.9", "GET /\r\n\r\n", "426 Upgrade Required", { upstream: {} }),
  ],
};

const http10Accepted: Setting = {
  name: "accept_http_10",
  routes: plainRoutes,
  manager: { http_protocol_options: { accept_http_10: true } },
  cases: [
    one("closes", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "200 a", { closed: "fin", upstream: { a: ["GET /"] } }),
    one("keep-alive", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", "200 a", { closed: "open" }),
    one("without Host", "GET / HTTP/1.0\r\n\r\n", "400", { upstream: {} }),
    one("chunks become a body until close", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "200 abc", {
      ...answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      closed: "fin",
    }),
    one("a body", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "200 a", { body: "abc" }),
    one("Transfer-Encoding", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 a", {
      difference: { id: "strict-parsing", ours: { answers: ["400 Bad Request"], upstream: {}, closed: "fin" } },
    }),
    one("HTTP/1.1 as ever", get("/"), "200 a", { closed: "open" }),
  ],
};

export const connections: Group = {
  name: "HTTP/1.1 connections",
  settings: [kept, http10, http10Accepted],
};
