// Node's HTTP clients: node http-client.mjs http|fetch. Lines in and out as test/support/http-clients.ts describes them.
import { createHash } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pattern } from "./pattern.mjs";

const shownBytes = 65536;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function bodyOf(text) {
  const [kind, rest = ""] = text.split(/ (.*)/s);
  if (kind === "none") return { isChunked: false, length: 0, chunks: undefined };
  if (kind === "text") return { isChunked: false, length: rest.length, chunks: [Buffer.from(rest)] };
  return { isChunked: kind === "chunked", length: Number(rest), chunks: pattern(Number(rest)) };
}

async function read(stream) {
  const digest = createHash("sha256");
  const shown = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < shownBytes) shown.push(chunk);
    length += chunk.length;
    digest.update(chunk);
  }
  const text = Buffer.concat(shown).subarray(0, shownBytes).toString("base64");
  return { length, sha256: digest.digest("hex"), text };
}

function line({ status, reused, body, informational = [], headers, trailers = [] }) {
  const listed = (kind, pairs) => pairs.map(([name, value]) => `${kind} ${name}: ${value}`);
  const first = [status, body.length, body.sha256, reused, body.text];
  return [...first, ...informational, ...listed("h", headers), ...listed("t", trailers)].join("\t");
}

function pairs(raw) {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]]] : []));
}

async function byHttp(method, url, fields, { isChunked, length, chunks }) {
  const request = httpRequest(url, { method, agent });
  for (const [name, value] of fields) request.setHeader(name, value);
  if (chunks !== undefined && !isChunked) request.setHeader("content-length", length);
  const informational = [];
  request.on("information", ({ statusCode }) => informational.push(`i ${statusCode}`));
  const answered = new Promise((resolve, reject) => request.on("response", resolve).on("error", reject));
  const waits = fields.some(([name]) => name.toLowerCase() === "expect");
  if (waits) await new Promise((resolve) => request.on("continue", resolve).flushHeaders());
  if (waits) informational.push("i 100");
  if (chunks === undefined) request.end();
  else await pipeline(chunks, request);
  const response = await answered;
  const body = await read(response);
  const { statusCode: status, rawHeaders, rawTrailers } = response;
  const seen = { headers: pairs(rawHeaders), trailers: pairs(rawTrailers), informational };
  return line({ status, reused: request.reusedSocket, body, ...seen });
}

/** undici, as Node has it inside. */
async function byFetch(method, url, fields, { isChunked, length, chunks }) {
  const whole = isChunked || chunks === undefined ? undefined : Buffer.concat([...chunks], length);
  const body = isChunked ? Readable.toWeb(Readable.from(chunks)) : whole;
  const response = await fetch(url, { method, headers: fields, body, redirect: "manual", duplex: "half" });
  const answer = await read(response.body ?? []);
  return line({ status: response.status, reused: "unknown", body: answer, headers: [...response.headers] });
}

const exchange = process.argv[2] === "fetch" ? byFetch : byHttp;

for await (const text of createInterface({ input: process.stdin })) {
  const [method, url, body, ...headers] = text.split("\t");
  const fields = headers.map((header) => header.split(/: (.*)/s).slice(0, 2));
  const answer = await exchange(method, url, fields, bodyOf(body)).catch((error) => `error\t${error.cause ?? error}`);
  process.stdout.write(`${answer}\n`);
}
agent.destroy();
