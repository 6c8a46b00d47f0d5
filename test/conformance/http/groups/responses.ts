// Responses in HTTP/1.1: how bodies end, interim responses, early ones; fields that stay.
import {
  answering,
  differently,
  type Group,
  get,
  inTurn,
  one,
  plainRoutes,
  reply,
  request,
  type Setting,
} from "../scenario.ts";

const messages: Setting = {
  name: "responses",
  routes: plainRoutes,
  cases: [
    one(
      "case, duplicates, order and reason",
      get("/"),
      "200 ok",
      answering(
        "HTTP/1.1 200 Very Good\r\nX-MiXed: a\r\nSet-Cookie: a=1\r\nx-mixed: b\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
      ),
    ),
    one("a reason of nothing", get("/"), "200", answering("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")),
    one(
      "a server's date and server",
      get("/"),
      "200",
      answering("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"),
    ),
    one("an odd status", get("/"), "299 x", answering(reply(299, "x"))),
    one("599", get("/"), "599 x", answering(reply(599, "x"))),
    one(
      "chunks",
      get("/"),
      "200 abcde",
      answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n",
        { wait: 20 },
        "2\r\nde\r\n0\r\n\r\n",
      ),
    ),
    one(
      "trailers",
      get("/", "TE: trailers"),
      "200 abc",
      answering("HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n"),
    ),
    one("until close", [get("/1"), { answers: 1 }, get("/2")], "200 until close|200 until close", {
      ...answering("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil ", { wait: 20 }, "close", { do: "close" }),
      closed: "open",
    }),
    one("204", inTurn(get("/1"), get("/2")), "204|204", {
      ...answering("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
      closed: "open",
    }),
    differently(
      "length-of-204",
      one("204 with a length", get("/"), "204", answering("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")),
      {},
    ),
    one(
      "304 with a length",
      inTurn(get("/1"), get("/2")),
      "304|304",
      answering('HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: "x"\r\n\r\n'),
    ),
    one(
      "HEAD with a length",
      [request("HEAD", "/1"), { answers: 1 }, request("HEAD", "/2")],
      "200|200",
      answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
    ),
    one(
      "HEAD with chunks",
      [request("HEAD", "/1"), { answers: 1 }, request("HEAD", "/2")],
      "200|200",
      answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ),
    one("HEAD with neither", request("HEAD", "/"), "200", answering("HTTP/1.1 200 OK\r\nX: y\r\n\r\n")),
    one("103, then 200", get("/"), "200 ok", {
      ...answering("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", { wait: 20 }, reply(200, "ok")),
      interim: [],
    }),
    one("102, then 200", get("/"), "200 ok", answering("HTTP/1.1 102 Processing\r\n\r\n", reply(200, "ok"))),
    one("an unasked 100, then 200", get("/"), "200 ok", answering("HTTP/1.1 100 Continue\r\n\r\n", reply(200, "ok"))),
    one("HTTP/1.0 with a length", inTurn(get("/1"), get("/2")), "200 ok|200 ok", {
      ...answering("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
      closed: "open",
    }),
    one("HTTP/1.0 until close", get("/"), "200 old", answering("HTTP/1.0 200 OK\r\n\r\nold", { do: "close" })),
    one(
      "before the request's end",
      [request("POST", "/", ["Content-Length: 10"], "abc"), { answers: 1 }],
      "200 early",
      {
        backends: { a: { replies: [[reply(200, "early")]], early: true } },
      },
    ),
    one(
      "413 before the request's end",
      [request("POST", "/", ["Content-Length: 1000000"], "abc"), { answers: 1 }],
      "413 no",
      {
        backends: { a: { replies: [[reply(413, "no", "Connection: close"), { do: "close" }]], early: true } },
      },
    ),
    differently(
      "nominated-fields",
      one("hop-by-hop fields", get("/"), "200", {
        ...answering(
          reply(200, "", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "Proxy-Connection: x", "X-Stay: 1"),
        ),
        fields: { "keep-alive": null, "x-stay": "1" },
      }),
      {},
    ),
    one(
      "WWW-Authenticate twice",
      get("/"),
      "401",
      answering(reply(401, "", "WWW-Authenticate: Basic", "WWW-Authenticate: Negotiate")),
    ),
    one("1 MiB by length", get("/"), `200 ${"z".repeat(0x100000)}`, answering(reply(200, "z".repeat(0x100000)))),
    one(
      "8 bits",
      get("/"),
      "200 \xff\x00\xfe",
      answering("HTTP/1.1 200 OK\r\nX-A: \xe9\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe"),
    ),
  ],
};

export const responses: Group = {
  name: "HTTP/1.1 responses",
  settings: [messages],
};
