// Real HTTP clients, each sending the same list of requests over one session of its own and telling the answers in one form.
// A program reads a line for each request, words between tabs: METHOD, URL, body (`none`, `text WORDS`, `fixed BYTES`, `chunked
// BYTES`), and `name: value` for each header; it writes a line for each answer: status, length and SHA-256 of the body, whether
// the connection had been used before, the body's first 64 KiB in base64, then `i STATUS`, `h name: value`, `t name: value` for
// informational answers, headers and trailers; or `error` and what it was.
import { join } from "node:path";
import { binDir, type Enter, run } from "./process.ts";
import { TempDir } from "./temp.ts";

export type Body = "none" | `text ${string}` | `fixed ${number}` | `chunked ${number}`;

export interface Ask {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
}

export interface Told {
  readonly status: number;
  readonly length: number;
  readonly sha256: string;
  /** Undefined where the client doesn't tell. */
  readonly isReused: boolean | undefined;
  readonly text: string;
  readonly informational: readonly number[];
  /** By lower-case name; several values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
}

export type ClientAnswer = Told | { readonly error: string };

/** What a client is able to do or to show. */
export interface ClientAbilities {
  readonly expect: boolean;
  readonly trailers: boolean;
  readonly keepAlive: boolean;
  readonly chunkedUpload: boolean;
}

const able: ClientAbilities = { expect: true, trailers: true, keepAlive: true, chunkedUpload: true };
const programs = join(import.meta.dir, "programs");
/** Debian's and openEuler's own, which has their packages, whatever stands before it on the path. */
export const systemPython = "/usr/bin/python3";

interface Client {
  readonly abilities: ClientAbilities;
  readonly argv: readonly string[];
}

const clients = {
  curl: { abilities: able, argv: ["curl", "--http1.1"] },
  "curl with HTTP/1.0": {
    abilities: { expect: false, trailers: false, keepAlive: false, chunkedUpload: false },
    argv: ["curl", "--http1.0"],
  },
  "Python http.client": {
    abilities: { ...able, expect: false, trailers: false },
    argv: [systemPython, join(programs, "http-client.py"), "http.client"],
  },
  "Python requests": {
    abilities: { ...able, expect: false, trailers: false },
    argv: [systemPython, join(programs, "http-client.py"), "requests"],
  },
  "Node http": { abilities: able, argv: ["node", join(programs, "http-client.mjs"), "http"] },
  "Node fetch (undici)": {
    abilities: { ...able, expect: false, trailers: false },
    argv: ["node", join(programs, "http-client.mjs"), "fetch"],
  },
  "Go net/http": { abilities: able, argv: [join(binDir, "go-http"), "request"] },
  "Java HttpClient": {
    abilities: { ...able, trailers: false },
    argv: ["java", join(programs, "HttpClientProgram.java")],
  },
} as const satisfies Record<string, Client>;

export type HttpClientName = keyof typeof clients;
export const httpClientNames = Object.keys(clients) as readonly HttpClientName[];

export function abilitiesOf(client: HttpClientName): ClientAbilities {
  return clients[client].abilities;
}

/** A proxy of the environment would be asked instead of the address. */
const noProxy = { http_proxy: "", HTTP_PROXY: "", no_proxy: "*", NO_PROXY: "*" };

/** Sends the requests one after the other, in one run of the client. */
export async function askAll(
  client: HttpClientName,
  asks: readonly Ask[],
  enter: Enter,
): Promise<readonly ClientAnswer[]> {
  const { argv } = clients[client];
  if (argv[0] === "curl") return await curlAll(argv, asks, enter);
  const stdin = asks.map((ask) => `${lineOf(ask)}\n`).join("");
  const { status, stdout, stderr } = await run(argv, { enter, env: noProxy, stdin });
  if (status !== 0) throw new Error(`${client}: exit status ${status}: ${stderr}${stdout.slice(-500)}`);
  return stdout.trimEnd().split("\n").map(answerOf);
}

export async function ask(client: HttpClientName, request: Ask, enter: Enter): Promise<Told> {
  const [answer = { error: "it says nothing" }] = await askAll(client, [request], enter);
  return told(answer);
}

/** The answer, which mustn't be an error. */
export function told(answer: ClientAnswer | undefined): Told {
  if (answer === undefined) throw new Error("no answer");
  if ("error" in answer) throw new Error(answer.error);
  return answer;
}

function lineOf({ method, url, headers = {}, body = "none" }: Ask): string {
  return [method, url, body, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join("\t");
}

function answerOf(line: string): ClientAnswer {
  const [status = "", length = "", sha256 = "", reused = "", text = "", ...fields] = line.split("\t");
  if (status === "error") return { error: length };
  const ofKind = (kind: string) => fields.flatMap((field) => (field.startsWith(kind) ? [field.slice(2)] : []));
  return {
    status: Number(status),
    length: Number(length),
    sha256,
    isReused: reused === "unknown" ? undefined : reused === "true",
    text: Buffer.from(text, "base64").toString(),
    informational: ofKind("i ").map(Number),
    headers: fieldsOf(ofKind("h ")),
    trailers: fieldsOf(ofKind("t ")),
  };
}

function fieldsOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  return fields;
}

/** curl takes the list as its configuration, each request with files of its own. */
async function curlAll(argv: readonly string[], asks: readonly Ask[], enter: Enter): Promise<readonly ClientAnswer[]> {
  using directory = new TempDir();
  const config = asks.map((request, i) => curlConfig(request, i, directory)).join("next\n");
  const { stdout } = await run([...argv, "--config", "-"], { enter, env: noProxy, stdin: config });
  const lines = stdout.trimEnd().split("\n");
  return await Promise.all(asks.map((request, i) => curlAnswer(lines[i], request, i, directory)));
}

function curlConfig({ method, url, headers = {}, body = "none" }: Ask, i: number, directory: TempDir): string {
  const [kind = "", rest = ""] = body.split(/ (.*)/s);
  const lines = [
    ...["silent", "globoff", "max-time = 60", `url = "${url}"`, 'user-agent = "curl"'],
    method === "HEAD" ? "head" : `request = ${method}`,
    ...Object.entries(headers).map(([name, value]) => `header = "${name}: ${value}"`),
    ...[`output = "${directory.join(`body-${i}`)}"`, `dump-header = "${directory.join(`head-${i}`)}"`],
    String.raw`write-out = "%{http_code}\t%{num_connects}\t%{errormsg}\n"`,
  ];
  if (kind === "text") lines.push(`data-raw = "${rest}"`);
  if (kind === "fixed" || kind === "chunked") {
    const file = directory.join(`upload-${i}`);
    Bun.spawnSync(["cp", "/dev/stdin", file], { stdin: patternBytes(Number(rest)) });
    lines.push(`data-binary = "@${file}"`);
    if (kind === "chunked") lines.push('header = "transfer-encoding: chunked"');
  }
  return `${lines.join("\n")}\n`;
}

async function curlAnswer(
  line: string | undefined,
  { method }: Ask,
  i: number,
  directory: TempDir,
): Promise<ClientAnswer> {
  const [status = "", connects = "", error = ""] = (line ?? "").split("\t");
  if (status === "000" || status === "" || error !== "") return { error: error || "curl told nothing" };
  const head = await Bun.file(directory.join(`head-${i}`)).text();
  const bodyFile = Bun.file(directory.join(`body-${i}`));
  // For HEAD it writes the head there too.
  const body = method !== "HEAD" && (await bodyFile.exists()) ? await bodyFile.bytes() : new Uint8Array();
  const [blocks, trailers] = splitHeads(head);
  return {
    ...{ status: Number(status), length: body.length, sha256: sha256Of(body), isReused: connects === "0" },
    text: Buffer.from(body.subarray(0, 65536)).toString(),
    informational: blocks.slice(0, -1).map((block) => Number(block.split(" ")[1])),
    headers: fieldsOf((blocks.at(-1) ?? "").split("\r\n").slice(1)),
    trailers: fieldsOf(trailers),
  };
}

/** The heads that curl wrote one after the other, and the trailers that it wrote after the last. */
function splitHeads(text: string): [heads: readonly string[], trailers: readonly string[]] {
  const blocks = text.split("\r\n\r\n");
  const heads = blocks.filter((block) => block.startsWith("HTTP/"));
  const rest = blocks.filter((block) => block !== "" && !block.startsWith("HTTP/"));
  return [heads, rest.flatMap((block) => block.split("\r\n").filter(Boolean))];
}

/** A prime, so that no buffer size of a program in between is a multiple of it: swapped or repeated pieces change the digest. */
const blockSize = 65521;
const block = Uint8Array.from({ length: blockSize }, (_, i) => i * 167 + (i >> 8) * 13);

/** The body that the programs send for `fixed` and `chunked`, and that the servers answer at /pattern. */
export function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += blockSize) bytes.set(block.subarray(0, length - at), at);
  return bytes;
}

export function patternDigest(length: number): string {
  return sha256Of(patternBytes(length));
}

function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
