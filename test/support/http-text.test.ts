import { describe, expect, test } from "bun:test";
import { methodsOf, readBody, readResponses } from "./http-text.ts";

describe("responses", () => {
  const head = (status: number, fields = "") => `HTTP/1.1 ${status} X\r\n${fields}\r\n`;
  const shape = (text: string, methods: readonly string[] = []) => {
    const { responses, interim, rest } = readResponses(text, methods);
    const answers = responses.map(({ status, body }) => [status, body.text, body.isComplete]);
    return { answers, interim, rest };
  };
  const whole = { interim: [], rest: "" };

  test.each([
    ["by length", `${head(200, "Content-Length: 2\r\n")}ok`, [], { ...whole, answers: [[200, "ok", true]] }],
    ["cut off", `${head(200, "Content-Length: 3\r\n")}ok`, [], { ...whole, answers: [[200, "ok", false]] }],
    ["until close", `${head(200)}ok`, [], { ...whole, answers: [[200, "ok", false]] }],
    [
      "chunks",
      `${head(200, "Transfer-Encoding: chunked\r\n")}2;x\r\nok\r\n0\r\n\r\n`,
      [],
      { ...whole, answers: [[200, "ok", true]] },
    ],
    [
      "chunks, cut off",
      `${head(200, "Transfer-Encoding: chunked\r\n")}5\r\nok`,
      [],
      { ...whole, answers: [[200, "ok", false]] },
    ],
    ["HEAD", head(200, "Content-Length: 2\r\n"), ["HEAD"], { ...whole, answers: [[200, "", true]] }],
    ["interim", head(100) + head(204), [], { answers: [[204, "", true]], interim: [100], rest: "" }],
    ["a tunnel", `${head(101)}bytes`, [], { answers: [[101, "", true]], interim: [], rest: "bytes" }],
    [
      "two",
      head(204) + head(304, "Content-Length: 9\r\n"),
      [],
      {
        ...whole,
        answers: [
          [204, "", true],
          [304, "", true],
        ],
      },
    ],
    ["half a head", "HTTP/1.1 200 OK\r\nA: b", [], { answers: [], interim: [], rest: "HTTP/1.1 200 OK\r\nA: b" }],
    ["something else", "nonsense\r\n\r\n", [], { answers: [], interim: [], rest: "nonsense\r\n\r\n" }],
  ] as const)("%s", (_, text, methods, expected) => {
    expect(shape(text, methods)).toEqual(expected as unknown as ReturnType<typeof shape>);
  });
});

test("trailers end a chunked body", () => {
  const text = "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\nnext";
  expect(readBody(text, 0, "chunked", 0)).toEqual({
    ...{ framing: "chunked", text: "x", isComplete: true, end: text.length - 4 },
    trailers: [
      ["A", "b"],
      ["C", "d"],
    ],
  });
});

test("methods are told from bodies", () => {
  expect(methodsOf("POST / HTTP/1.1\r\nHost: h\r\n\r\nGET me\r\nHEAD / HTTP/1.1\r\n\r\n")).toEqual(["POST", "HEAD"]);
});
