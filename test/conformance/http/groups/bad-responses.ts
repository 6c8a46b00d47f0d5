// What a server may send that isn't HTTP/1.1, could be read in two ways, or is cut off; the client's connection must survive it where
// the answer hasn't begun.
import type { EndpointScript, ReplyStep } from "../../../support/http-backends.ts";
import { type Case, differently, type Group, get, one, plainRoutes, protocolError } from "../scenario.ts";

/** The first answer is these, the next a good one. */
const first = (...steps: readonly ReplyStep[]): { backends: Record<string, EndpointScript> } => ({
  backends: { a: { replies: [steps, ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]] } },
});

/** The client's connection is unharmed. */
const bad = (name: string, ...steps: readonly ReplyStep[]): Case =>
  one(name, [get("/"), { answers: 1 }, get("/next")], `${protocolError}|200 ok`, {
    ...first(...steps),
    closed: "open",
  });

const cases: readonly Case[] = [
  bad("garbage", "nonsense\r\n\r\n"),
  bad(
    "Content-Length and Transfer-Encoding",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  bad("two Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
  bad("two equal Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
  bad("a Content-Length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc"),
  bad("white space before a colon", "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 0\r\n\r\n"),
  bad("NUL in a value", "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n"),
  bad("no colon", "HTTP/1.1 200 OK\r\nabc\r\nContent-Length: 0\r\n\r\n"),
  bad("a status that is no number", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
  one("a status of two digits", get("/"), "", {
    ...first("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    difference: { id: "strict-parsing", ours: { answers: [protocolError] } },
  }),
  one("HTTP/2.0", get("/"), "200", {
    ...first("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    difference: { id: "strict-parsing", ours: { answers: [protocolError] } },
  }),
  one(
    "a head of 70 KiB",
    get("/"),
    "200",
    first(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`),
  ),
  bad(
    "101 fields",
    `HTTP/1.1 200 OK\r\n${Array.from({ length: 101 }, (_, i) => `X${i}: a\r\n`).join("")}Content-Length: 0\r\n\r\n`,
  ),
  bad("a Transfer-Encoding that is unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", { do: "close" }),
  one("bare LF", get("/"), "200 ok", {
    ...{ backends: { a: { replies: [["HTTP/1.1 200 OK\nContent-Length: 2\n\nok"]] } } },
    difference: { id: "strict-parsing", ours: { answers: [protocolError] } },
  }),
  one("a folded line", get("/"), "200 ok", {
    ...{ backends: { a: { replies: [["HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok"]] } } },
    difference: { id: "strict-parsing", ours: { answers: [protocolError] } },
  }),
  one("a body that is cut off", get("/"), "200 abc", {
    ...first("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", { wait: 30 }, { do: "close" }),
    closed: "fin",
  }),
  one("chunks that are cut off", get("/"), "200 abc", {
    ...first("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", { wait: 30 }, { do: "close" }),
    closed: "fin",
  }),
  differently(
    "strict-parsing",
    one("chunks that are none", get("/"), "200", {
      ...first("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", { wait: 30 }),
      closed: "fin",
    }),
    { answers: [protocolError], closed: "open" },
  ),
  one("bytes after the answer", [get("/1"), { answers: 1 }, { wait: 100 }, get("/2")], "200 ok|200 ok", {
    ...{
      backends: {
        a: {
          replies: [
            ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"],
            ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
          ],
        },
      },
    },
    closed: "open",
  }),
  one("an answer that nobody asked for", [get("/1"), { answers: 1 }, { wait: 100 }, get("/2")], "200 ok|200 ok", {
    backends: {
      a: {
        replies: [
          [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            { wait: 30 },
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
          ],
          ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        ],
      },
    },
  }),
  one(
    "a reset",
    [get("/"), { answers: 1 }, get("/next")],
    "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination|200 ok",
    first({ do: "reset" }),
  ),
  one(
    "a close",
    [get("/"), { answers: 1 }, get("/next")],
    "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination|200 ok",
    first({ do: "close" }),
  ),
];

export const badResponses: Group = {
  name: "malformed responses",
  settings: [{ name: "a server", routes: plainRoutes, cases }],
};
