import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkScanner } from "./chunked.ts";
import { hostileText } from "./hostile.fixture.ts";

interface Outcome {
  readonly state: "more" | "done" | "error";
  /** After the last byte of the body, or the one that is wrong. */
  readonly end: number;
  readonly dataBytes: number;
}

/** Feeds `text` in pieces that end at `cuts`. */
function scan(text: string, cuts: readonly number[] = [], scanner = new ChunkScanner()): Outcome {
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  for (const cut of [...cuts, bytes.length]) at = scanner.feed(bytes, at, Math.max(at, cut));
  return { state: scanner.state, end: at, dataBytes: scanner.dataBytes };
}

/** What it accepts and how much of it is data, read naively: undefined where it isn't a whole chunked body. */
function decode(text: string): { readonly end: number; readonly data: string } | undefined {
  let at = 0;
  let data = "";
  for (;;) {
    const size = /^(0*[0-9a-fA-F]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/.exec(text.substring(at));
    if (size === null) return undefined;
    at += size[0].length;
    const length = Number.parseInt(size[1] ?? "", 16);
    if (length === 0) break;
    if (text.length < at + length + 2 || text.substring(at + length, at + length + 2) !== "\r\n") return undefined;
    data += text.substring(at, at + length);
    at += length + 2;
  }
  const forbidden =
    "connection|content-length|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade";
  const trailers = new RegExp(
    `^(?:(?!(?:${forbidden}):)[!#$%&'*+.^_\`|~0-9a-z-]+:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*\\r\\n`,
    "i",
  ).exec(text.substring(at));
  return trailers === null ? undefined : { end: at + trailers[0].length, data };
}

const longExtension = `1;${"a".repeat(3000)}\r\nx\r\n`;

describe("bodies", () => {
  test.each<readonly [string, string, number]>([
    ["nothing", "0\r\n\r\n", 0],
    ["many zeros", "000\r\n\r\n", 0],
    ["chunks", "5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", 15],
    ["digits in both cases", `aB\r\n${"x".repeat(0xab)}\r\n0\r\n\r\n`, 0xab],
    ["zeros in front", "00000000000000000000001\r\nx\r\n0\r\n\r\n", 1],
    ["line ends as data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", 4],
    ["extensions", '1;a;b=c;d="e f\xe9"\r\nx\r\n0;last\r\n\r\n', 1],
    ["long extensions, each within the bound", `${longExtension.repeat(3)}0\r\n\r\n`, 3],
    ["trailers", "0\r\nX-A: 1\r\nx-b:\r\nX-C: \xe9\t2\r\n\r\n", 0],
    ["a name that only begins like a forbidden one", "0\r\nHosts: 1\r\nTransfer-Encoding-X: 1\r\n\r\n", 0],
  ])("%s", (_, text, dataBytes) => {
    expect(scan(`${text}next`)).toEqual({ state: "done", end: text.length, dataBytes });
  });

  test("the largest size", () => {
    expect(scan("1fffffffffffff\r\nab")).toEqual({ state: "more", end: 18, dataBytes: 2 });
  });

  test.each([
    ["no size", "\r\n", "no chunk size"],
    ["no size, an extension", ";a\r\n", "no chunk size"],
    ["a sign", "+1\r\nx\r\n", "no chunk size"],
    ["space first", " 1\r\nx\r\n", "no chunk size"],
    ["a letter that is no digit", "1g\r\n", "chunk size"],
    ["0x", "0x1\r\nx\r\n", "chunk size"],
    ["space after", "1 \r\nx\r\n", "chunk size"],
    ["space before an extension", "1 ;a\r\nx\r\n", "chunk size"],
    ["2^53", "20000000000000\r\n", "chunk size is too large"],
    ["2^64 + 1", "10000000000000001\r\nx\r\n", "chunk size is too large"],
    ["zeros for ever", "0".repeat(5000), "chunk size is too long"],
    ["LF alone after the size", "1\nx\r\n", "chunk size"],
    ["CR alone after the size", "1\rx\r\n", "end of chunk size"],
    ["control in an extension", "1;a\0\r\nx\r\n", "chunk extension"],
    ["LF alone in an extension", "1;a\nb\r\nx\r\n", "chunk extension"],
    ["an extension for ever", `1;${"a".repeat(5000)}`, "chunk extension is too long"],
    ["more data", "1\r\nxy\r\n", "more data than the chunk's size"],
    ["LF alone after the data", "1\r\nx\n0\r\n\r\n", "more data than the chunk's size"],
    ["CR alone after the data", "1\r\nx\r0\r\n\r\n", "end of chunk"],
    ["space before a trailer", "0\r\n a: b\r\n\r\n", "trailer name"],
    ["no colon", "0\r\nabc\r\n\r\n", "trailer name"],
    ["space before the colon", "0\r\na : b\r\n\r\n", "trailer name"],
    ["control in a trailer", "0\r\na: \x01\r\n\r\n", "trailer value"],
    ["LF alone after a trailer", "0\r\na: b\n\r\n", "trailer value"],
    ["CR alone after a trailer", "0\r\na: b\r\r\n", "end of trailer"],
    ["LF alone at the end", "0\r\n\n", "trailer name"],
    ["CR alone at the end", "0\r\n\rX", "end of body"],
    ["a length as a trailer", "0\r\ncontent-LENGTH: 5\r\n\r\n", "forbidden trailer"],
    ["Host as a trailer", "0\r\nA: b\r\nHost: x\r\n\r\n", "forbidden trailer"],
    ["trailers for ever", `0\r\n${"X-A: b\r\n".repeat(10_000)}`, "trailers are too large"],
  ])("refused: %s", (_, text, problem) => {
    const scanner = new ChunkScanner();
    expect(scan(text, [], scanner).state).toBe("error");
    expect(scanner.problem).toBe(problem);
    expect(scan("0\r\n\r\n", [], scanner)).toEqual({ state: "error", end: 0, dataBytes: scanner.dataBytes });
  });

  test("where the data lies", () => {
    const scanner = new ChunkScanner();
    scanner.ranges = [];
    const text = "2;x\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    scan(text, [6, 12], scanner);
    const pairs = scanner.ranges.flatMap((start, i, all) => (i % 2 === 0 ? [text.substring(start, all[i + 1])] : []));
    expect(pairs).toEqual(["a", "b", "cde"]);
  });

  test("used again after a reset", () => {
    const scanner = new ChunkScanner();
    scanner.ranges = [];
    scan("1\r\nxy", [], scanner);
    scanner.reset();
    expect(scan("1\r\nx\r\n0\r\n\r\n", [], scanner)).toEqual({ state: "done", end: 11, dataBytes: 1 });
    expect(scanner.problem).toBe("");
    expect(scanner.ranges).toBeUndefined();
  });
});

describe("any bytes", () => {
  const seeds = [
    "0\r\n\r\n",
    "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    '1;x="y"\r\n\n\r\n0;z\r\nX-A: 1\r\nX-B: 2\r\n\r\n',
    "A\r\n0\r\n\r\n0\r\n\r\n\r\n00\r\nTe: x\r\n\r\n",
  ];
  const bodies = hostileText(seeds);

  test("as a naive decoder reads them", () => {
    fc.assert(
      fc.property(bodies, (text) => {
        const expected = decode(text);
        const { state, end, dataBytes } = scan(text);
        expect(state === "done").toBe(expected !== undefined);
        if (expected !== undefined)
          expect({ end, dataBytes }).toEqual({ end: expected.end, dataBytes: expected.data.length });
      }),
      { numRuns: 5000 },
    );
  });

  test("however they are cut into pieces", () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat({ max: 80 }), { maxLength: 6 }), (text, cuts) => {
        const whole = scan(text);
        const sorted = cuts.filter((cut) => cut <= text.length).sort((a, b) => a - b);
        expect(scan(text, sorted)).toEqual(whole);
        expect(
          scan(
            text,
            Array.from(text, (_, i) => i + 1),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 2000 },
    );
  });

  test("all of it is consumed unless it ended before, and data is never more than what came", () => {
    fc.assert(
      fc.property(bodies, (text) => {
        const { state, end, dataBytes } = scan(text);
        expect(state === "more" ? end : text.length).toBe(text.length);
        expect(dataBytes).toBeLessThanOrEqual(end);
      }),
      { numRuns: 2000 },
    );
  });
});
