// Reads HTTP/1.1 messages out of bytes (one character a byte) for tests: lenient, so that what a proxy really wrote is seen.

export type Field = readonly [name: string, value: string];

export type Framing = "none" | "length" | "chunked" | "close";

export interface Body {
  readonly framing: Framing;
  /** Without its framing. */
  readonly text: string;
  readonly trailers: readonly Field[];
  readonly isComplete: boolean;
  /** Where the next message begins. */
  readonly end: number;
}

export interface HttpResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
  readonly body: Omit<Body, "end">;
}

/** The start line and the fields of a head. */
export function splitHead(head: string): readonly [line: string, fields: readonly Field[]] {
  const [line = "", ...rest] = head.split("\r\n");
  return [line, rest.filter((text) => text !== "").map(fieldOf)];
}

function fieldOf(text: string): Field {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1).trim()];
}

export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  const values = fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(",");
}

export function readBody(text: string, start: number, framing: Framing, length: number): Body {
  const whole = { framing, trailers: [] } as const;
  if (framing === "none") return { ...whole, text: "", isComplete: true, end: start };
  if (framing === "chunked") return readChunks(text, start);
  const end = framing === "close" ? text.length : Math.min(start + length, text.length);
  return { ...whole, text: text.slice(start, end), isComplete: framing === "length" && end - start === length, end };
}

function readChunks(text: string, start: number): Body {
  let body = "";
  const partial = (end: number): Body => ({
    ...{ framing: "chunked", text: body, trailers: [], isComplete: false, end },
  });
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return partial(text.length);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size >= 0)) return partial(text.length);
    if (size === 0) return readTrailers(text, lineEnd + 2, body) ?? partial(text.length);
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (at > text.length) return partial(text.length);
  }
}

function readTrailers(text: string, start: number, body: string): Body | undefined {
  const complete = { framing: "chunked", text: body, isComplete: true } as const;
  if (text.startsWith("\r\n", start)) return { ...complete, trailers: [], end: start + 2 };
  const end = text.indexOf("\r\n\r\n", start);
  if (end < 0) return undefined;
  return { ...complete, trailers: splitHead(`\r\n${text.slice(start, end)}`)[1], end: end + 4 };
}

/** How a request's body ends. */
export function requestFraming(fields: readonly Field[]): readonly [Framing, number] {
  if (/chunked\s*$/i.test(fieldValue(fields, "transfer-encoding") ?? "")) return ["chunked", 0];
  const length = fieldValue(fields, "content-length");
  return length === undefined ? ["none", 0] : ["length", Number.parseInt(length, 10) || 0];
}

/** How a response's body ends (RFC 9112, section 6.3). */
function responseFraming(status: number, method: string, fields: readonly Field[]): readonly [Framing, number] {
  const isEmpty = method === "HEAD" || status === 204 || status === 304 || status < 200;
  if (isEmpty || (method === "CONNECT" && status < 300)) return ["none", 0];
  const [framing, length] = requestFraming(fields);
  return framing === "none" ? ["close", 0] : [framing, length];
}

/** The responses to requests with these methods, interim ones apart, and the bytes that are none of them. */
export function readResponses(
  text: string,
  methods: readonly string[],
): { readonly responses: readonly HttpResponse[]; readonly interim: readonly number[]; readonly rest: string } {
  const responses: HttpResponse[] = [];
  const interim: number[] = [];
  let at = 0;
  for (;;) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    const start = /^HTTP\/(\d\.\d) (\d{3}) ?([^\r\n]*)/.exec(text.slice(at, at + 200));
    if (headEnd < 0 || start === null) break;
    const [, version = "", status = "", reason = ""] = start;
    const fields = splitHead(text.slice(at, headEnd))[1];
    if (status.startsWith("1") && status !== "101") {
      interim.push(Number(status));
      at = headEnd + 4;
      continue;
    }
    const method = methods[responses.length] ?? "GET";
    const { end, ...body } = readBody(text, headEnd + 4, ...responseFraming(Number(status), method, fields));
    responses.push({ version, status: Number(status), reason, fields, body });
    at = end;
    if (status === "101" || !body.isComplete) break;
  }
  return { responses, interim, rest: text.slice(at) };
}

/** The methods of the requests in what a client sends. */
export function methodsOf(text: string): readonly string[] {
  return [...text.matchAll(/^([!-~]+) [^\r\n]* HTTP\/\d\.\d\r?$/gm)].map(([, method = ""]) => method);
}
