// Requests that aren't HTTP/1.1, could be read in two ways, or are too much: one answer, and a close.

import type { ClientStep } from "../../../support/raw-client.ts";
import { type Case, type Expectation, type Group, get, one, plainRoutes, request } from "../scenario.ts";

const smuggled = get("/smuggled");

const send = (fields: readonly string[], body = "", method = "POST"): string => request(method, "/p", fields, body);
const chunks = (body: string): string => send(["Transfer-Encoding: chunked"], body);

const badRequest = "400 Bad Request";
const tooLarge = "431 Request Header Fields Too Large";
const notImplemented = "501 Not Implemented";

const refused = (name: string, bytes: string | readonly ClientStep[], answer = badRequest): Case =>
  one(name, bytes, answer, { closed: "fin", upstream: {} });

/** Envoy passes it on; we refuse it. */
function stricter(
  name: string,
  bytes: string,
  ours: Expectation = { answers: [badRequest], closed: "fin", upstream: {} },
): Case {
  return one(name, bytes, "200 a", { difference: { id: "strict-parsing", ours } });
}

/** Chunks are seen after the head has gone to the backend: how much of it is there is a matter of time. */
const afterHead = (name: string, body: string): Case =>
  one(name, chunks(body), badRequest, { closed: "fin", isRandom: true });

const requestLines: readonly Case[] = [
  refused("a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n"),
  refused("white space in the path", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("8 bits in the path", "GET /\xe9 HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("a fragment", get("/a#b"), "400"),
  refused("a method in lower case", "get / HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("an unknown method", request("FOO", "/")),
  refused("a method that is no token", request("G@T", "/")),
  refused("no path", "GET  HTTP/1.1\r\nHost: h\r\n\r\n"),
  stricter("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
  stricter("a tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("a path without a slash", "GET p HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
  refused("NUL in the path", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n"),
];

const hosts: readonly Case[] = [
  refused("no Host", "GET / HTTP/1.1\r\n\r\n", "400"),
  refused("white space in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
  refused("a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  refused("8 bits in Host", "GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n"),
  stricter("two Host", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
  stricter("two equal Host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
  stricter("userinfo in Host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
];

const lengths: readonly Case[] = [
  refused(
    "Content-Length and Transfer-Encoding",
    send(["Content-Length: 4", "Transfer-Encoding: chunked"], `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "Transfer-Encoding and Content-Length",
    send(["Transfer-Encoding: chunked", "Content-Length: 4"], "0\r\n\r\n"),
  ),
  refused("two equal Content-Length", send(["Content-Length: 3", "Content-Length: 3"], "abc")),
  refused("two Content-Length", send(["Content-Length: 3", "Content-Length: 4"], "abcd")),
  ...["3, 3", "+3", "0x3", "-1", "", "18446744073709551616", "3 3", "3.0", "٣"].map((value) =>
    refused(`Content-Length: ${value}`, send([`Content-Length: ${value}`], "abc")),
  ),
];

const codings: readonly Case[] = [
  ...["chunked, chunked", "gzip, chunked", "identity", "xchunked", "chunked, identity", "chunked;x=y"].map((value) =>
    refused(`Transfer-Encoding: ${value}`, send([`Transfer-Encoding: ${value}`], "0\r\n\r\n"), notImplemented),
  ),
  refused(
    "two Transfer-Encoding",
    send(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    notImplemented,
  ),
  refused("a vertical tab", send(["Transfer-Encoding: \x0bchunked"], "0\r\n\r\n")),
  refused("an empty Transfer-Encoding", send(["Transfer-Encoding:"], ""), notImplemented),
];

const fields: readonly Case[] = [
  refused("white space before the colon", send(["Content-Length : 3"], "abc")),
  refused("white space before the first field", "GET / HTTP/1.1\r\n X: a\r\nHost: h\r\n\r\n"),
  refused("NUL in a value", send(["X: a\x00b"])),
  refused("a control character in a value", send(["X: a\x01b"])),
  refused("DEL in a value", send(["X: a\x7fb"])),
  refused("an empty name", send([": a"])),
  refused("a name that is no token", send(["a(b: c"])),
  refused("8 bits in a name", send(["X-\xe9: c"])),
  refused("no colon", send(["abc"])),
  stricter("a folded line", get("/", "X-A: a\r\n b")),
  stricter("bare LF throughout", "GET / HTTP/1.1\nHost: h\n\n"),
  stricter("bare LF after one line", "GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n"),
  stricter("bare CR in a value", get("/", "X: a\rb")),
];

const chunkCases: readonly Case[] = [
  afterHead("bare LF after a chunk size", "3\nabc\r\n0\r\n\r\n"),
  afterHead("0x3", "0x3\r\nabc\r\n0\r\n\r\n"),
  afterHead("-3", "-3\r\nabc\r\n0\r\n\r\n"),
  afterHead("no size", "\r\nabc\r\n0\r\n\r\n"),
  afterHead("a size that overflows", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
  afterHead("bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
  afterHead("white space before a size", " 3\r\nabc\r\n0\r\n\r\n"),
  afterHead("a trailer without a colon", "0\r\nabc\r\n\r\n"),
  one("data that overruns", chunks("3\r\nabcd\r\n0\r\n\r\n"), "200 a", {
    difference: { id: "strict-parsing", ours: { answers: [badRequest], closed: "fin" } },
  }),
  one("white space after a size", chunks("3 \r\nabc\r\n0\r\n\r\n"), "200 a", {
    difference: { id: "strict-parsing", ours: { answers: [badRequest], closed: "fin" } },
  }),
];

const limitCases: readonly Case[] = [
  refused("a head of 70 KiB", get("/", `X: ${"a".repeat(70_000)}`), tooLarge),
  refused("a path of 66 KiB", get(`/${"a".repeat(66_000)}`), tooLarge),
  refused(
    "101 fields",
    send(
      Array.from({ length: 100 }, (_, i) => `X${i}: a`),
      "",
      "GET",
    ),
    tooLarge,
  ),
];

export const badRequests: Group = {
  name: "malformed requests and limits",
  settings: [
    { name: "request line", routes: plainRoutes, cases: requestLines },
    { name: "Host", routes: plainRoutes, cases: hosts },
    { name: "Content-Length", routes: plainRoutes, cases: lengths },
    { name: "Transfer-Encoding", routes: plainRoutes, cases: codings },
    { name: "fields", routes: plainRoutes, cases: fields },
    { name: "chunks", routes: plainRoutes, cases: chunkCases },
    { name: "limits", routes: plainRoutes, cases: limitCases },
    {
      name: "max_request_headers_kb 1",
      routes: plainRoutes,
      manager: { max_request_headers_kb: 1 },
      cases: [
        refused("above", get("/", `X: ${"a".repeat(1100)}`), tooLarge),
        one("below", get("/", `X: ${"a".repeat(800)}`), "200 a"),
      ],
    },
    {
      name: "max_headers_count 5",
      routes: plainRoutes,
      manager: { common_http_protocol_options: { max_headers_count: 5 } },
      cases: [
        refused("above", get("/", "A: 1", "B: 1", "C: 1", "D: 1", "E: 1"), tooLarge),
        one("at", get("/", "A: 1", "B: 1", "C: 1", "D: 1"), "200 a"),
      ],
    },
  ],
};
