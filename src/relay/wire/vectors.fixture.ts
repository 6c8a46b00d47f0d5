// Raw requests and responses with what Envoy 1.40 does with them, observed by sending them to it (200: it was forwarded or routed),
// and the short list of those that we refuse on purpose.

export interface Vector {
  readonly name: string;
  readonly bytes: string;
  /** Envoy's status. */
  readonly envoy: number;
  /** Ours, where it differs, and why. */
  readonly differs?: { readonly ours: number; readonly because: string };
}

const ambiguous = "recipients disagree on it, which is what request smuggling is made of";
const illegal = "RFC 9112 doesn't allow it, and every recipient that is lenient is so in its own way";

type Row = readonly [name: string, bytes: string, envoy: number, ours?: number, because?: string];

function vectors(rows: readonly Row[]): readonly Vector[] {
  return rows.map(([name, bytes, envoy, ours, because = illegal]) =>
    ours === undefined ? { name, bytes, envoy } : { name, bytes, envoy, differs: { ours, because } },
  );
}

/** A GET whose head has these lines too. */
const get = (lines: string): string => `GET /p HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
const post = (lines: string, body: string): string => `POST /p HTTP/1.1\r\nHost: h\r\n${lines}\r\n${body}`;
const line = (requestLine: string, fields = "Host: h\r\n"): string => `${requestLine}\r\n${fields}\r\n`;
const chunks = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
const many = (count: number): string => Array.from({ length: count }, (_, i) => `X${i}: a\r\n`).join("");
const ok = (lines: string, body = ""): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;

export const requests: readonly Vector[] = vectors([
  // Plain requests.
  ["GET", line("GET /ok HTTP/1.1"), 200],
  ["fields repeated, in any case", get("X-MiXed: a\r\nx-mixed: b\r\nCookie: a\r\nCookie: b\r\n"), 200],
  ["HEAD", line("HEAD /head HTTP/1.1"), 200],
  ["GET with a body", get("Content-Length: 3\r\n"), 200],
  ["POST without a body", post("", ""), 200],
  ["Expect: 100-continue", post("Content-Length: 3\r\nExpect: 100-continue\r\n", ""), 200],
  ["Expect twice", get("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 200],
  ["another expectation", post("Content-Length: 3\r\nExpect: foo\r\n", "abc"), 200],
  ["pipelined", get("") + get(""), 200],
  ["upgrade", get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), 200],
  ["Connection: close", get("Connection: close\r\n"), 200],
  ["8-bit value", get("X: \xc3\xa9\r\n"), 200],
  ["HTAB in a value", get("X: a\tb\r\n"), 200],
  ["empty value", get("X:\r\n"), 200],
  ["underscore in a name", get("a_b: c\r\n"), 200],
  ["empty line first", `\r\n\r\n${line("GET /ok HTTP/1.1")}`, 200],

  // Versions.
  ["HTTP/1.0", line("GET /ten HTTP/1.0", ""), 426],
  ["HTTP/1.0 kept alive", line("GET /ten HTTP/1.0", "Host: h\r\nConnection: keep-alive\r\n"), 426],
  ["HTTP/1.2", line("GET / HTTP/1.2"), 426],
  ["HTTP/2.0", line("GET / HTTP/2.0"), 426],
  ["HTTP/0.9", "GET /\r\n\r\n", 426],
  ["http/1.1", line("GET / http/1.1"), 400],
  ["HTTP/01.1", line("GET / HTTP/01.1"), 400],
  ["HTTP/1.", line("GET / HTTP/1."), 400],
  ["HTTP/a.b", line("GET / HTTP/a.b"), 400],
  ["HTTPS/1.1", line("GET / HTTPS/1.1"), 400],

  // Request lines.
  ["method in lower case", line("get / HTTP/1.1"), 400],
  ["unknown method", line("FOO / HTTP/1.1"), 400],
  ["unknown method QUERY", line("QUERY / HTTP/1.1"), 400],
  ["method with @", line("G@T / HTTP/1.1"), 400],
  ["PURGE", line("PURGE / HTTP/1.1"), 200],
  ["the longest method", line("UNSUBSCRIBE / HTTP/1.1"), 200],
  ["space first", line(" GET / HTTP/1.1"), 400],
  ["two spaces before the target", line("GET  / HTTP/1.1"), 200, 400],
  ["two spaces after the target", line("GET /  HTTP/1.1"), 200, 400],
  ["space after the version", line("GET / HTTP/1.1 "), 200, 400],
  ["no target", line("GET "), 400],
  ["fragment", line("GET /a#b HTTP/1.1"), 400],
  ["8-bit target", line("GET /\xe9 HTTP/1.1"), 400],
  ["space in the target", line("GET /a b HTTP/1.1"), 400],
  ["HTAB in the target", line("GET /a\tb HTTP/1.1"), 400],
  ["FF in the target", line("GET /a\x0cb HTTP/1.1"), 400],
  ["any other visible ASCII in the target", line('GET /"<>\\^`{|} HTTP/1.1'), 200],
  ["dots and escapes in the target", line("GET //a/../b%2fc HTTP/1.1"), 200],
  ["TLS hello", `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"a".repeat(100)}`, 400],

  // Forms of the target.
  ["absolute-form", line("GET http://abs.example/x HTTP/1.1"), 200],
  ["absolute-form without a path", line("GET http://a.b HTTP/1.1"), 200],
  ["absolute-form, scheme in upper case", line("GET HTTP://A.b:81/x HTTP/1.1"), 200],
  ["absolute-form, https", line("GET https://a.b/ HTTP/1.1"), 200],
  ["absolute-form, IPv6", line("GET http://[::1]:80/x HTTP/1.1"), 200],
  ["absolute-form, another scheme", line("GET ftp://a.b/ HTTP/1.1"), 400],
  ["absolute-form, no host", line("GET http:///x HTTP/1.1"), 400],
  ["absolute-form, a port alone", line("GET http://:80/ HTTP/1.1"), 400],
  ["absolute-form, port too large", line("GET http://a.b:65536/ HTTP/1.1"), 400],
  ["absolute-form, empty port", line("GET http://a.b:/ HTTP/1.1"), 400],
  ["absolute-form, port 0", line("GET http://a.b:0/ HTTP/1.1"), 200],
  [
    "absolute-form, user information",
    line("GET http://u@a.b/ HTTP/1.1"),
    200,
    400,
    "what is before the @ passes for a host",
  ],
  [
    "absolute-form, no Host field",
    line("GET http://a.b/x HTTP/1.1", ""),
    200,
    400,
    "RFC 9112, section 3.2 demands 400",
  ],
  [
    "absolute-form, query without a path",
    line("GET http://a.b?x=1 HTTP/1.1"),
    404,
    200,
    "the head is right: that no route matches its path ?x=1 is found out later, in Envoy too",
  ],
  ["asterisk-form", line("OPTIONS * HTTP/1.1"), 404, 200, "the route decides: 404 there"],
  ["asterisk-form with GET", line("GET * HTTP/1.1"), 400],
  ["asterisk and more", line("OPTIONS *x HTTP/1.1"), 404, 400],
  ["no form", line("GET foo HTTP/1.1"), 400],
  ["CONNECT", line("CONNECT h:443 HTTP/1.1"), 200],
  ["CONNECT, IPv6", line("CONNECT [::1]:1 HTTP/1.1"), 200],
  ["CONNECT, no port", line("CONNECT h HTTP/1.1"), 400],
  ["CONNECT, no host", line("CONNECT :443 HTTP/1.1"), 400],
  ["CONNECT, a path", line("CONNECT /x HTTP/1.1"), 400],
  ["CONNECT, absolute-form", line("CONNECT http://h:80/ HTTP/1.1"), 400],
  ["CONNECT, empty body", line("CONNECT h:1 HTTP/1.1", "Host: h\r\nContent-Length: 0\r\n"), 200],
  ["CONNECT, a body", line("CONNECT h:1 HTTP/1.1", "Host: h\r\nContent-Length: 3\r\n"), 400],
  ["CONNECT, chunked", line("CONNECT h:1 HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n"), 501],
  ["CONNECT, no Host field", line("CONNECT h:1 HTTP/1.1", ""), 200, 400, "RFC 9112, section 3.2 demands 400"],

  // Host.
  ["no Host", line("GET / HTTP/1.1", ""), 400],
  [
    "two Host",
    line("GET / HTTP/1.1", "Host: a\r\nHost: b\r\n"),
    200,
    400,
    "Envoy joins them; others take the first or last",
  ],
  [
    "two Host that agree",
    line("GET / HTTP/1.1", "Host: h\r\nHost: h\r\n"),
    200,
    400,
    "RFC 9112, section 3.2 demands 400",
  ],
  ["empty Host", line("GET / HTTP/1.1", "Host:\r\n"), 200],
  ["space in Host", line("GET / HTTP/1.1", "Host: a b\r\n"), 400],
  ["slash in Host", line("GET / HTTP/1.1", "Host: h/x\r\n"), 400],
  ["8-bit Host", line("GET / HTTP/1.1", "Host: \xe9\r\n"), 400],
  ["comma in Host", line("GET / HTTP/1.1", "Host: a,b\r\n"), 200],
  ["a word for Host's port", line("GET / HTTP/1.1", "Host: h:abc\r\n"), 200],
  ["@ in Host", line("GET / HTTP/1.1", "Host: u@h\r\n"), 200, 400, "what is before the @ passes for a host"],

  // Content-Length and Transfer-Encoding.
  ["Content-Length, then chunked", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["chunked, then Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), 400],
  ["two Content-Length that agree", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400],
  ["two Content-Length", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400],
  ["two Content-Length of 0", post("Content-Length: 0\r\nContent-Length: 0\r\n", ""), 400],
  ["Content-Length, a list", post("Content-Length: 3, 3\r\n", "abc"), 400],
  ["Content-Length with a sign", post("Content-Length: +3\r\n", "abc"), 400],
  ["Content-Length, hexadecimal", post("Content-Length: 0x3\r\n", "abc"), 400],
  ["Content-Length below 0", post("Content-Length: -1\r\n", "abc"), 400],
  ["Content-Length, empty", post("Content-Length: \r\n", ""), 400],
  ["Content-Length 2^64", post("Content-Length: 18446744073709551616\r\n", ""), 400],
  [
    "Content-Length 2^53",
    post("Content-Length: 9007199254740992\r\n", ""),
    200,
    400,
    "the first that a double can't tell from the next; 8 PiB is no request",
  ],
  ["Content-Length with zeros in front", post("Content-Length: 00000000000000000003\r\n", "abc"), 200],
  ["chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 501],
  ["two Transfer-Encoding", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 501],
  ["gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501],
  ["identity", post("Transfer-Encoding: identity\r\n", ""), 501],
  ["identity, chunked", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"), 501],
  ["xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501],
  ["empty Transfer-Encoding", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 501],
  ["VT before chunked", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), 400],
  ["Chunked", post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), 200],
  [
    "chunked in HTTP/1.0",
    "POST /p HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    426,
    400,
    "faulty framing (RFC 9112, section 6.1) also where HTTP/1.0 is accepted, which Envoy forwards",
  ],

  // Field lines.
  ["space before the colon", post("Content-Length : 3\r\n", "abc"), 400],
  ["HTAB before the colon", get("X\t: a\r\n"), 400],
  ["obs-fold", get("X-A: a\r\n b\r\n"), 200, 400, ambiguous],
  ["obs-fold of the first line", "GET / HTTP/1.1\r\n X: a\r\nHost: h\r\n\r\n", 400],
  ["bare LF", "GET / HTTP/1.1\nHost: h\n\n", 200, 400, ambiguous],
  ["bare LF once", get("X: a\nY: b\r\n"), 200, 400, ambiguous],
  ["bare LF before the head", "\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, 400, ambiguous],
  ["bare LF after the fields", "GET / HTTP/1.1\r\nHost: h\r\n\n", 200, 400, ambiguous],
  ["bare CR in a value", get("X: a\rb\r\n"), 200, 400, ambiguous],
  ["bare CR before the head", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, 400, ambiguous],
  ["CR CR LF", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", 200, 400, ambiguous],
  ["CR and no LF after the fields", "GET / HTTP/1.1\r\nHost: h\r\n\rX\r\n\r\n", 400],
  ["NUL in a value", get("X: a\x00b\r\n"), 400],
  ["control in a value", get("X: a\x01b\r\n"), 400],
  ["VT in a value", get("X: a\x0bb\r\n"), 400],
  ["DEL in a value", get("X: a\x7fb\r\n"), 400],
  ["empty name", get(": a\r\n"), 400],
  ["no token for a name", get("a(b: c\r\n"), 400],
  ["8-bit name", get("X\xe9: a\r\n"), 400],
  ["no colon", get("abc\r\n"), 400],

  // Connection.
  ["a field for this hop", get("Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n"), 200],
  ["9 members", get("Connection: a,b,c,d,e,f,g,h,i\r\n"), 200],
  ["10 members", get("Connection: a,b,c,d,e,f,g,h,i,j\r\n"), 400],
  ["10 members in two fields", get("Connection: a,b,c,d,e\r\nConnection: f,g,h,i,j\r\n"), 400],
  ["empty members", get("Connection: a,,,,,,,,,,,,b\r\n"), 200],
  ["Host for this hop", get("Connection: Host\r\n"), 400],
  ["X-Forwarded-For for this hop", get("Connection: X-Forwarded-For\r\n"), 400],
  ["a pseudo-header for this hop", get("Connection: :path\r\n"), 400],
  [
    "Content-Length for this hop",
    post("Connection: content-length\r\nContent-Length: 3\r\n", "abc"),
    200,
    400,
    "who removes it, as Envoy does, forwards a body without its length",
  ],

  // Limits.
  ["value of 50 KiB", get(`X: ${"a".repeat(50_000)}\r\n`), 200],
  ["value of 70 KiB", get(`X: ${"a".repeat(70_000)}\r\n`), 431],
  ["100 fields", get(many(99)), 200],
  ["101 fields", get(many(100)), 431],
  ["target of 66 KiB", line(`GET /${"a".repeat(66_000)} HTTP/1.1`), 431],

  // Chunked bodies.
  ["chunks, an extension, a trailer", chunks("3;a=b\r\nabc\r\n0\r\nX-T: v\r\n\r\n"), 200],
  ["chunk size ended by LF", chunks("3\nabc\r\n0\r\n\r\n"), 400],
  ["chunk size 0x3", chunks("0x3\r\nabc\r\n0\r\n\r\n"), 400],
  ["LF in an extension", chunks("3;a\nb\r\nabc\r\n0\r\n\r\n"), 400],
  ["chunk size with zeros in front", chunks("00000000000000003\r\nabc\r\n0\r\n\r\n"), 200],
  ["chunk size above 2^64", chunks("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400],
  ["more data than the chunk's size", chunks("3\r\nabcd\r\n0\r\n\r\n"), 200, 400, ambiguous],
  ["space after the chunk size", chunks("3 \r\nabc\r\n0\r\n\r\n"), 200, 400, ambiguous],
  [
    "Content-Length as a trailer",
    chunks("0\r\nContent-Length: 5\r\n\r\n"),
    200,
    400,
    "Envoy drops all trailers; we forward them, so that none may frame or route",
  ],
]);

export const responses: readonly Vector[] = vectors([
  ["fields repeated, own reason", "HTTP/1.1 200 Fine Thanks\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", 200],
  ["chunked", ok("Transfer-Encoding: chunked\r\n"), 200],
  ["until the connection ends", ok("X-A: 1\r\n"), 200],
  ["204", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", 200],
  ["304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 200],
  ["103", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", 200],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nX-A: a\r\n\r\nold", 200],
  ["no reason", "HTTP/1.1 200 \r\n\r\n", 200],
  ["no reason and no space", "HTTP/1.1 200\r\n\r\n", 200],
  ["204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 502],
  ["204 with length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 200],
  ["204, chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 502],
  ["Content-Length and chunked", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 502],
  ["two Content-Length", ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 502],
  ["two Content-Length that agree", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 502],
  ["bare LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, 502, ambiguous],
  ["obs-fold", ok("X-A: a\r\n b\r\nContent-Length: 5\r\n", "hello"), 200, 502, ambiguous],
  ["space before the colon", ok("X-A : a\r\n"), 502],
  ["NUL in a value", ok("X-A: a\x00b\r\n"), 502],
  ["no status line", "garbage\r\n\r\n", 502],
  ["an empty line first", `\r\n${ok("Content-Length: 0\r\n")}`, 502],
  ["another transfer coding", ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 502],
  ["101 fields", ok(many(101)), 502],
  ["a status of its own", "HTTP/1.1 600 X\r\n\r\n", 200],
  ["a length in 1xx", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", 502],
  ["10 members of Connection", ok("Connection: a,b,c,d,e,f,g,h,i,j\r\n"), 200],
  ["Content-Length for this hop", ok("Connection: content-length\r\nContent-Length: 0\r\n"), 200, 502, ambiguous],
  [
    "chunked in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    200,
    502,
    "faulty framing (RFC 9112, section 6.1)",
  ],
  ["HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 502, "there is no such version"],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 502, "not in this syntax"],
]);
