// Node's own HTTP server, with the paths that test/support/http-servers.ts describes: node http-server.mjs NAME ADDRESS PORT.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";
import { pattern } from "./pattern.mjs";

const [, , name, address, port] = process.argv;
const attempts = new Map();

/** Says what came. */
async function inspect(request, response) {
  const digest = createHash("sha256");
  let length = 0;
  for await (const chunk of request) {
    digest.update(chunk);
    length += chunk.length;
  }
  const { method, url: target, rawHeaders: raw, trailers } = request;
  const pairs = raw.flatMap((text, i) => (i % 2 === 0 ? [[text, raw[i + 1]]] : []));
  const headers = pairs.filter(([key]) => key.toLowerCase() !== "host");
  response.setHeader("x-internal", "secret");
  response.setHeader("content-type", "application/json");
  const { remoteAddress, remotePort } = request.socket;
  const peer = `${remoteAddress}:${remotePort}`;
  const seen = { server: name, peer, method, target, host: request.headers.host, headers, length, trailers };
  response.end(JSON.stringify({ ...seen, sha256: digest.digest("hex") }));
}

/** Fails the first `failures` times that it is asked for `id`. */
function flaky(request, response, query) {
  const id = query.get("id");
  const attempt = (attempts.get(id) ?? 0) + 1;
  attempts.set(id, attempt);
  request.resume();
  response.statusCode = attempt <= Number(query.get("failures")) ? 503 : 200;
  response.end(`attempt ${attempt}`);
}

function slow(_, response, query) {
  const timer = setTimeout(() => response.end("late"), Number(query.get("ms")));
  response.on("close", () => clearTimeout(timer));
}

/** Answers `bytes` bytes, framed by `length`, `chunked` or `close`. */
async function answerPattern(request, response, query) {
  const bytes = Number(query.get("bytes"));
  const framing = query.get("framing") ?? "length";
  if (framing === "length") response.setHeader("content-length", bytes);
  if (framing === "close") {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.removeHeader("transfer-encoding");
  }
  if (request.method === "HEAD") response.end();
  else await pipeline(pattern(bytes), response);
}

function trailers(_, response) {
  response.setHeader("trailer", "x-sum");
  for (const part of ["one ", "two ", "three"]) response.write(part);
  response.addTrailers({ "x-sum": "three parts" });
  response.end();
}

const handlers = { "/flaky": flaky, "/slow": slow, "/pattern": answerPattern, "/trailers": trailers };

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://server");
  try {
    await (handlers[pathname] ?? inspect)(request, response, searchParams);
  } catch {
    // The client went away.
    response.destroy();
  }
}).listen(Number(port), address);
