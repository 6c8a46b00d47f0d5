import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkScanner } from "./chunked.ts";
import { FieldKind, type HeadLimits, looksLikeHttp, MessageHead, parseRequestHead, parseResponseHead } from "./head.ts";
import { hostileText } from "./hostile.fixture.ts";
import { requests, responses, type Vector } from "./vectors.fixture.ts";

type Parse = typeof parseRequestHead;

/** Envoy's defaults. */
const limits: HeadLimits = { maxBytes: 61_440, maxFields: 100 };

function parsed(text: string, parse: Parse = parseRequestHead): MessageHead {
  const head = new MessageHead();
  const end = parse(text, head, limits);
  if (end <= 0) throw new Error(`${end} ${head.problem}: ${JSON.stringify(text)}`);
  return head;
}

/** The status that a client would get; 200 where the request would be forwarded. */
function requestStatus(text: string): number {
  const head = new MessageHead();
  const end = parseRequestHead(text, head, limits);
  if (end <= 0) return -end;
  if (head.minor === 0) return 426;
  if (!head.chunked) return 200;
  const scanner = new ChunkScanner();
  const body = Buffer.from(text.substring(end), "latin1");
  scanner.feed(body, 0, body.length);
  return scanner.state === "done" ? 200 : 400;
}

function responseStatus(text: string): number {
  const end = parseResponseHead(text, new MessageHead(), limits);
  return end > 0 ? 200 : -end;
}

const named = (vectors: readonly Vector[]) => vectors.map((vector) => [vector.name, vector] as const);

describe("as Envoy answers, but for the differences on the list", () => {
  test.each(named(requests))("request: %s", (_, { bytes, envoy, differs }) => {
    expect(requestStatus(bytes)).toBe(differs?.ours ?? envoy);
  });

  test.each(named(responses))("response: %s", (_, { bytes, envoy, differs }) => {
    expect(responseStatus(bytes)).toBe(differs?.ours ?? envoy);
  });

  test.each([
    ["HTTP/1.1 099 X\r\n\r\n", "status"],
    ["HTTP/1.1 1000 X\r\n\r\n", "end of status line"],
    ["HTTP/1.1 20 OK\r\n\r\n", "status"],
    ["HTTP/1.1_200 OK\r\n\r\n", "status"],
    ["HTTP/1.1 200 O\0K\r\n\r\n", "end of status line"],
    ["HTTP/1.1 200 OK\r\r\n\r\n", "end of status line"],
    ["HTTX", "version"],
  ])("status line refused: %j", (text, problem) => {
    const head = new MessageHead();
    expect(parseResponseHead(text, head, limits)).toBe(-502);
    expect(head.problem).toBe(problem);
  });

  test("a difference is one, and refuses what Envoy lets through", () => {
    const differences = [...requests, ...responses].flatMap(({ envoy, differs }) =>
      differs ? [{ envoy, ...differs }] : [],
    );
    expect(differences.filter(({ envoy, ours }) => envoy === ours)).toEqual([]);
    expect(differences.filter(({ ours }) => ours === 200)).toHaveLength(2);
  });
});

describe("what a head says", () => {
  test("a request's line and fields", () => {
    const text = "POST /a?b=c HTTP/1.1\r\nHost:\t h:80 \r\nX-A:1\r\nx-a: \t2 3 \t\r\nContent-Length: 5\r\n\r\nhello";
    const head = parsed(text);
    expect(head).toMatchObject({ method: "POST", target: "/a?b=c", path: "/a?b=c", minor: 1, status: 0, count: 4 });
    expect(head).toMatchObject({ host: "h:80", authority: "h:80", hostCount: 1, contentLength: 5, chunked: false });
    expect(text.substring(head.end)).toBe("hello");
    expect(text.startsWith("Host:", head.fieldsStart)).toBe(true);
    expect([head.name(1), head.value(1), head.name(2), head.value(2)]).toEqual(["X-A", "1", "x-a", "2 3"]);
    expect([head.first("x-a"), head.joined("x-a"), head.first("none"), head.joined("none")]).toEqual([
      ...["1", "1,2 3"],
      ...[undefined, undefined],
    ]);
    expect(head.kind.slice(0, head.count)).toEqual([FieldKind.host, 0, 0, FieldKind.contentLength]);
  });

  test("names are compared without case, but not more than that", () => {
    const head = parsed("GET / HTTP/1.1\r\nHost: h\r\nA^B: caret\r\n\r\n");
    expect(head.first("a~b")).toBeUndefined();
    expect(head.first("a^b")).toBe("caret");
  });

  test("the fields that matter to a relay", () => {
    const names =
      "X HOST content-Length Connection keep-alive Proxy-Connection upgrade expect TE trailer Hosts Trailers".split(
        " ",
      );
    const head = parsed(`HTTP/1.1 200 OK\r\n${names.map((name) => `${name}: 1\r\n`).join("")}\r\n`, parseResponseHead);
    expect(head.kind).toEqual([
      ...[FieldKind.other, FieldKind.host, FieldKind.contentLength, FieldKind.connection, FieldKind.keepAlive],
      ...[FieldKind.proxyConnection, FieldKind.upgrade, FieldKind.expect, FieldKind.te, FieldKind.trailer],
      ...[FieldKind.other, FieldKind.other],
    ]);
  });

  test("a response", () => {
    const head = parsed("HTTP/1.0 404 Not  Here\xe9\r\nTransfer: x\r\nHost: a b\r\n\r\n", parseResponseHead);
    expect(head).toMatchObject({ status: 404, reason: "Not  Here\xe9", minor: 0, contentLength: -1, count: 2 });
  });

  test.each([
    ["http://A.b:81/x?y", { scheme: "http", authority: "A.b:81", path: "/x?y" }],
    ["https://a.b", { scheme: "https", authority: "a.b", path: "/" }],
    ["http://a.b?x=1", { scheme: "http", authority: "a.b", path: "?x=1" }],
    ["http://[::1]/x", { scheme: "http", authority: "[::1]", path: "/x" }],
    ["//a.b/x", { scheme: "http", authority: "h", path: "//a.b/x" }],
  ] as const)("the target %s", (target, expected) => {
    expect(parsed(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`)).toMatchObject({ ...expected, target, host: "h" });
  });

  test("CONNECT is for its target", () => {
    const head = parsed("CONNECT a.b:443 HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(head).toMatchObject({ authority: "a.b:443", path: "", host: "h" });
  });

  const none = { close: false, keepAlive: false, upgrade: "", nominated: false, hopByHop: 0, teTrailers: false };
  test.each<readonly [fields: string, expected: Partial<MessageHead>]>([
    ["", none],
    ["Connection: close\r\n", { ...none, close: true, hopByHop: 1 }],
    ["Connection: , Keep-Alive ,\tCLOSE\r\n", { ...none, close: true, keepAlive: true, hopByHop: 1 }],
    ["Connection: closed\r\n", { ...none, nominated: true, hopByHop: 1 }],
    ["Keep-Alive: 5\r\nProxy-Connection: close\r\n", { ...none, hopByHop: 2 }],
    ["Upgrade: h2c\r\n", { ...none, hopByHop: 1 }],
    ["Upgrade: h2c\r\nConnection: close\r\n", { ...none, close: true, hopByHop: 2 }],
    ["Upgrade: a\r\nConnection: UPGRADE\r\nUpgrade: b\r\n", { ...none, upgrade: "a,b", hopByHop: 3 }],
    ["Connection: TE\r\nTE: gzip, Trailers\r\n", { ...none, teTrailers: true, hopByHop: 2 }],
    ["Expect: 100-Continue\r\n", { ...none, expectContinue: true, hopByHop: 1 }],
    ["Expect: 200-ok\r\n", { ...none, expectContinue: false }],
    ["Trailer: x\r\nTransfer-Encoding: chunked\r\n", { ...none, chunked: true }],
  ])("of this hop: %j", (fields, expected) => {
    expect(parsed(`GET / HTTP/1.1\r\nHost: h\r\n${fields}\r\n`)).toMatchObject(expected);
  });

  test("nominated fields, in any of the Connection fields", () => {
    const head = parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: X-A ,x-b\r\nX-C: 1\r\nConnection:close, X-D\r\n\r\n");
    const names = ["x-a", "x-b", "x-c", "x-d", "close", "x", ""];
    expect(names.filter((name) => head.nominates(name))).toEqual(["x-a", "x-b", "x-d", "close"]);
  });

  test("HTTP/1.0 knows neither upgrades nor expectations", () => {
    const head = parsed("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\nExpect: 100-continue\r\n\r\n");
    expect(head).toMatchObject({ minor: 0, upgrade: "", expectContinue: false, hopByHop: 3, hostCount: 0 });
  });

  test("nothing stays of the last message", () => {
    const head = new MessageHead();
    const full =
      "POST http://a/b HTTP/1.0\r\nHost: h\r\nConnection: close, x, keep-alive\r\nContent-Length: 1\r\nTE: trailers\r\n\r\n";
    parseRequestHead(full, head, limits);
    const plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    parseRequestHead(plain, head, limits);
    expect(facts(head)).toEqual(facts(parsed(plain)));
    head.reset("");
    expect(facts(head)).toEqual(facts(new MessageHead()));
  });
});

describe("limits", () => {
  const text = "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n";
  test.each([
    ["as many bytes", { maxBytes: text.length, maxFields: 2 }, text.length],
    ["a byte more", { maxBytes: text.length - 1, maxFields: 2 }, -431],
    ["as many fields", { maxBytes: 1000, maxFields: 2 }, text.length],
    ["a field more", { maxBytes: 1000, maxFields: 1 }, -431],
  ] as const)("%s", (_, given, expected) => {
    expect(parseRequestHead(text, new MessageHead(), given)).toBe(expected);
  });

  test("empty lines for ever", () => {
    expect(parseRequestHead("\r\n".repeat(100), new MessageHead(), { maxBytes: 100, maxFields: 1 })).toBe(-431);
  });
});

describe("the first bytes of a connection", () => {
  test.each<readonly [string, boolean | undefined]>([
    ["", undefined],
    ["G", undefined],
    ["GET", undefined],
    ["GET ", true],
    ["get ", true],
    ["FOO /", true],
    ["\r", undefined],
    ["\r\n", undefined],
    ["\r\nGET / ", true],
    ["\rX", false],
    ["\n", false],
    ["PRI", undefined],
    ["PRI * HTTP/2", undefined],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false],
    ["PRI * HTTP/1.1\r\n", true],
    ["PRIX ", true],
    ["\x16\x03\x01\x02", false],
    ["SSH-2.0-OpenSSH_9.9\r\n", false],
    ["PING\r\n", false],
    ["*1\r\n$4\r\nPING\r\n", false],
    ["\0\0\0\x08\x04\xd2\x16\x2f", false],
    ["\0\0\0\x08\x04\xd2\x16\x2f", false],
    ["A".repeat(11), undefined],
    ["A".repeat(9_000), false],
    // Not for us, but a lenient server might take it: it isn't passed by as another protocol.
    [`${"A".repeat(20)} / HTTP/1.1`, true],
    ["G@T / HTTP/1.1", true],
    ["GET\t/ http/1.1", true],
    ["\0\0GET / HTTP/1.1", true],
    ["\nGET / HTTP/1.1\r\n", true],
  ])("%j", (text, expected) => {
    expect(looksLikeHttp(text)).toBe(expected);
  });

  test("a request that is accepted looks like one, and no prefix of it looks like anything else", () => {
    for (const { bytes } of requests.filter((vector) => requestStatus(vector.bytes) === 200)) {
      const prefixes = Array.from({ length: Math.min(bytes.length, 40) }, (_, i) =>
        looksLikeHttp(bytes.substring(0, i)),
      );
      expect(prefixes).not.toContain(false);
      expect(looksLikeHttp(bytes)).toBe(true);
    }
  });
});

/** All that a head says, without what is left in the arrays from other messages. */
function facts(head: MessageHead): unknown {
  const { lineStart, nameEnd, valueStart, valueEnd, kind, ...rest } = head;
  return {
    ...rest,
    fields: [lineStart, nameEnd, valueStart, valueEnd, kind].map((array) => array.slice(0, head.count)),
  };
}

/** The head again, from the ranges alone. */
function written(head: MessageHead): string {
  const start = head.text.substring(0, head.fieldsStart);
  const lines = Array.from({ length: head.count }, (_, field) => {
    const blanks = head.text.substring((head.nameEnd[field] ?? 0) + 1, head.valueStart[field]);
    const next = head.lineStart[field + 1] ?? -1;
    const after = head.text.substring(head.valueEnd[field] ?? 0, field + 1 < head.count ? next : head.end - 2);
    return `${head.name(field)}:${blanks}${head.value(field)}${after}`;
  });
  return `${start}${lines.join("")}\r\n`;
}

/** A head of canonical form: what we'd send if we rebuilt it. */
function rebuilt(head: MessageHead): string {
  const start =
    head.status === 0
      ? `${head.method} ${head.target} HTTP/1.${head.minor}`
      : `HTTP/1.${head.minor} ${head.status} ${head.reason}`;
  const lines = Array.from({ length: head.count }, (_, field) => `${head.name(field)}: ${head.value(field)}\r\n`);
  return `${start}\r\n${lines.join("")}\r\n`;
}

describe.each([
  ["requests", parseRequestHead, requests],
  ["responses", parseResponseHead, responses],
] as const)("any bytes: %s", (_, parse, vectors) => {
  const texts = hostileText(vectors.map(({ bytes }) => bytes).filter((bytes) => bytes.length < 1000));
  const small: HeadLimits = { maxBytes: 600, maxFields: 12 };
  const outcome = (text: string): number => parse(text, new MessageHead(), small);

  test("an error, a wish for more, or one interpretation: never an exception", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const head = new MessageHead();
        const end = parse(text, head, small);
        expect(Number.isInteger(end) && end <= text.length).toBe(true);
        expect(head.problem === "").toBe(end >= 0);
        expect(end <= 0 ? [0, -400, -426, -431, -501, -502] : [head.end]).toContain(end);
      }),
      { numRuns: 3000 },
    );
  });

  /** Once something was said it stays true, and nothing is said too early. */
  const holdsForPrefixes = (text: string): void => {
    const whole = outcome(text);
    const prefixes = Array.from({ length: text.length + 1 }, (_, length) => outcome(text.substring(0, length)));
    expect(prefixes.filter((soFar) => soFar !== 0 && soFar !== whole)).toEqual([]);
    if (whole > 0) expect(prefixes.findIndex((soFar) => soFar !== 0)).toBe(whole);
  };

  test.each(named(vectors.filter(({ bytes }) => bytes.length < 1000)))("in pieces: %s", (_, { bytes }) => {
    holdsForPrefixes(bytes);
  });

  test("however it is cut into pieces", () => {
    fc.assert(fc.property(texts, holdsForPrefixes), { numRuns: 500 });
  });

  test("what was accepted is in the ranges, byte for byte, and means the same when it is rebuilt", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const head = new MessageHead();
        const end = parse(text, head, small);
        if (end <= 0) return;
        expect(written(head)).toBe(text.substring(0, end));
        const canonical = rebuilt(head);
        const again = new MessageHead();
        expect(parse(canonical, again, { maxBytes: canonical.length, maxFields: 12 })).toBe(canonical.length);
        expect(rebuilt(again)).toBe(canonical);
        expect(meaning(again)).toEqual(meaning(head));
      }),
      { numRuns: 3000 },
    );
  });
});

function meaning(head: MessageHead): unknown {
  const { text, fieldsStart, hostStart, end, lineStart, nameEnd, valueStart, valueEnd, kind, ...rest } = head;
  return { ...rest, kinds: kind.slice(0, head.count) };
}
