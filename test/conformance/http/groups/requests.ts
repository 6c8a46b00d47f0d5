// Requests in HTTP/1.1: fields, bodies, chunks, methods, Expect.
import { differently, type Group, get, inTurn, one, plainRoutes, post, request, type Setting } from "../scenario.ts";

const chunked = (path: string, body: string, ...fields: readonly string[]): string =>
  request("POST", path, ["Transfer-Encoding: chunked", ...fields], body);

const messages: Setting = {
  name: "requests",
  routes: plainRoutes,
  cases: [
    one("GET", get("/ok"), "200 a", { upstream: { a: ["GET /ok"] }, closed: "open" }),
    differently(
      "field-order",
      one(
        "duplicates, case and order of fields",
        request("GET", "/", ["X-MiXed: a", "Host: h", "x-mixed: b", "Cookie: a", "Other: 1", "Cookie: b"]),
        "200 a",
      ),
      {
        head: ["GET / HTTP/1.1", "X-MiXed: a", "Host: h", "x-mixed: b", "Cookie: a", "Other: 1", "Cookie: b"],
      },
    ),
    one("8 bits in a value", get("/", "X-A: \xc3\xa9\xff"), "200 a", { sent: { "x-a": "\xc3\xa9\xff" } }),
    one("an empty value", get("/", "X-A:"), "200 a", { sent: { "x-a": "" } }),
    one("white space around a value", get("/", "X-A: \t a b \t"), "200 a", { sent: { "x-a": "a b" } }),
    one("an underscore in a name", get("/", "a_b: c"), "200 a", { sent: { a_b: "c" } }),
    one("every token character in a name", get("/", "a!#$%&'*+-.^_`|~9: c"), "200 a"),
    one("a body by length", post("/", "abc"), "200 a", { body: "abc" }),
    one("a body of zero", post("/", ""), "200 a", { body: "" }),
    one("POST without a length", request("POST", "/"), "200 a"),
    one("GET with a body", request("GET", "/", ["Content-Length: 3"], "abc"), "200 a", { body: "abc" }),
    one("DELETE with a body", request("DELETE", "/", ["Content-Length: 3"], "abc"), "200 a", { body: "abc" }),
    one("chunks", chunked("/", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "200 a", { body: "abcde" }),
    one("chunks with extensions", chunked("/", '3;a=b;c="d e"\r\nabc\r\n0;x\r\n\r\n'), "200 a", { body: "abc" }),
    one("chunks with trailers", chunked("/", "3\r\nabc\r\n0\r\nX-T: v\r\nX-U: w\r\n\r\n", "Trailer: X-T"), "200 a", {
      body: "abc",
    }),
    one("chunks: no data", chunked("/", "0\r\n\r\n"), "200 a", { body: "" }),
    one("chunks: sizes with zeros and capitals", chunked("/", "000A\r\n0123456789\r\n00\r\n\r\n"), "200 a", {
      body: "0123456789",
    }),
    one("Transfer-Encoding: Chunked", request("POST", "/", ["Transfer-Encoding: Chunked"], "0\r\n\r\n"), "200 a"),
    one("a body in two parts", [request("POST", "/", ["Content-Length: 6"], "abc"), { wait: 50 }, "def"], "200 a", {
      body: "abcdef",
    }),
    one("a chunk in parts", [chunked("/", "6\r\nab"), { wait: 30 }, "cdef\r"], "", {
      closed: "open",
      upstream: { a: ["POST /"] },
    }),
    one(
      "a head byte by byte",
      [...get("/slow", "X: y")].flatMap((byte) => [byte, { wait: 1 }]),
      "200 a",
    ),
    one("64 KiB", post("/", "x".repeat(65_536)), "200 a", { body: "x".repeat(65_536) }),
    one("1 MiB in chunks", chunked("/", `100000\r\n${"y".repeat(0x100000)}\r\n0\r\n\r\n`), "200 a", {
      body: "y".repeat(0x100000),
    }),
    one("CRLF before the request line", `\r\n\r\n${get("/")}`, "200 a"),
    one(
      "PUT, PATCH, TRACE, OPTIONS",
      inTurn(
        post("/1", "x").replace("POST", "PUT"),
        post("/2", "x").replace("POST", "PATCH"),
        request("OPTIONS", "/3"),
      ),
      "200 a|200 a|200 a",
    ),
    one(
      "methods of WebDAV",
      inTurn(request("PROPFIND", "/1"), request("MKCOL", "/2"), request("REPORT", "/3")),
      "200 a|200 a|200 a",
    ),
    one("TRACE", request("TRACE", "/"), "200 a"),
    one("a long path", get(`/${"p".repeat(8000)}`), "200 a"),
    one("odd characters in the path", get('/a|b{}^`"<>\\'), "200 a"),
    one("a nearly full head", get("/", `X-Big: ${"a".repeat(50_000)}`), "200 a"),
    one("100 fields", get("/", ...Array.from({ length: 99 }, (_, i) => `X-${i}: ${i}`)), "200 a"),
  ],
};

const expects: Setting = {
  name: "Expect",
  routes: plainRoutes,
  cases: [
    one(
      "100-continue",
      [request("POST", "/", ["Content-Length: 3", "Expect: 100-continue"]), { text: "100 Continue" }, "abc"],
      "200 a",
      {
        interim: [100],
        body: "abc",
        sent: { expect: null },
      },
    ),
    one(
      "100-continue, and chunks",
      [
        request("POST", "/", ["Transfer-Encoding: chunked", "Expect: 100-Continue"]),
        { text: "100 Continue" },
        "1\r\nx\r\n0\r\n\r\n",
      ],
      "200 a",
      {
        interim: [100],
      },
    ),
    differently(
      "needless-100",
      one("100-continue with the body at once", post("/", "abc", "Expect: 100-continue"), "200 a", {
        interim: [100],
        body: "abc",
      }),
      { interim: [] },
    ),
    differently("needless-100", one("100-continue without a body", get("/", "Expect: 100-continue"), "200 a"), {
      interim: [],
    }),
    one("something else", post("/", "abc", "Expect: foo"), "200 a", { sent: { expect: "foo" } }),
  ],
};

export const requests: Group = {
  name: "HTTP/1.1 requests",
  settings: [messages, expects],
};
