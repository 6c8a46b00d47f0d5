import { describe, expect, test } from "bun:test";
import { xxHash64 } from "../../compile/hash.ts";
import type { HashPolicy } from "../../model/route.ts";
import { requestHash } from "./hash.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, request, socketAddress } from "./request.fixture.ts";

const patterns = new Patterns();
const remote = socketAddress("10.0.0.1:5000");
const local = socketAddress("127.0.0.1:80");

const header: HashPolicy = { hash: "header", name: "x-k", rewrite: undefined, terminal: false };
const query: HashPolicy = { hash: "query_parameter", name: "k", terminal: false };
const sourceIp: HashPolicy = { hash: "source_ip", terminal: false };
const cookie: HashPolicy = {
  hash: "cookie",
  name: "sess",
  ttlSeconds: 3600,
  path: "/p",
  attributes: [
    { name: "SameSite", value: "Lax" },
    { name: "Secure", value: "" },
  ],
  terminal: false,
};

function rotated(hash: bigint): bigint {
  return BigInt.asUintN(64, (hash << 1n) | (hash >> 63n));
}

describe("requestHash, asked of Envoy 1.40", () => {
  const two: Pairs = [
    ["x-k", "b"],
    ["X-K", "a"],
  ];
  const made = xxHash64("10.0.0.1:5000127.0.0.1:80").toString(16).padStart(16, "0");
  type Case = readonly [string, readonly HashPolicy[], Pairs, path: string, expected: bigint | undefined];
  const cases: readonly Case[] = [
    ["no policy", [], [], "/", undefined],
    ["nothing found", [header, query, { ...cookie, ttlSeconds: undefined }], [], "/?j=1", undefined],
    ["header", [header], [["x-k", "v"]], "/", xxHash64("v")],
    ["two values, in whatever order", [header], two, "/", xxHash64("b", xxHash64("a"))],
    ["bytes, not characters", [header], [["x-k", "\xc3\xa9"]], "/", xxHash64("é")],
    ["pseudo-header", [{ ...header, name: ":path" }], [], "/x", xxHash64("/x")],
    [
      "rewritten",
      [{ ...header, rewrite: { pattern: "^v(.*)", substitution: "\\1" } }],
      [["x-k", "v1"]],
      "/",
      xxHash64("1"),
    ],
    ["query", [query], [], "/?k=1&k=2", xxHash64("1")],
    ["query, not decoded", [query], [], "/?k=%20", xxHash64("%20")],
    ["query without value", [query], [], "/?k", xxHash64("")],
    ["source", [sourceIp], [], "/", xxHash64("10.0.0.1")],
    ["cookie", [cookie], [["cookie", 'a=1; sess="q"']], "/", xxHash64("q")],
    ["cookie made", [cookie], [], "/", xxHash64(made)],
    ["both", [header, sourceIp], [["x-k", "v"]], "/", rotated(xxHash64("v")) ^ xxHash64("10.0.0.1")],
    ["twice the same isn't nothing", [header, header], [["x-k", "v"]], "/", rotated(xxHash64("v")) ^ xxHash64("v")],
    ["terminal", [{ ...header, terminal: true }, sourceIp], [["x-k", "v"]], "/", xxHash64("v")],
    ["terminal without a hash", [{ ...header, terminal: true }, sourceIp], [], "/", xxHash64("10.0.0.1")],
  ];
  test.each(cases)("%s", (_, policies, fields, path, expected) => {
    expect(requestHash(policies, { request: request(fields, { path }), remote, local }, patterns).hash).toBe(expected);
  });

  test("the cookies that it makes", () => {
    const policies: readonly HashPolicy[] = [cookie, { ...cookie, name: "b", ttlSeconds: 0, path: "", attributes: [] }];
    const { setCookies } = requestHash(policies, { request: request(), remote, local }, patterns);
    expect(setCookies).toEqual([
      `sess="${made}"; Max-Age=3600; Path=/p; SameSite=Lax; Secure; HttpOnly`,
      `b="${made}"; HttpOnly`,
    ]);
  });
});
