// What every client is to do through the mesh of http-shop.ts, and what it has to be told.
import { expect } from "bun:test";
import { type Ask, type Body, type ClientAbilities, patternDigest, type Told } from "../support/http-clients.ts";
import { assertFits } from "../support/stats.ts";
import { headerOf, inspection, MiB, shop, uploaded } from "./http-shop.ts";

export interface Task {
  readonly name: string;
  /** Not for clients that can't. */
  readonly needs?: keyof ClientAbilities;
  readonly asks: (id: string) => readonly Ask[];
  readonly check: (answers: readonly Told[]) => void;
}

const get = (path: string, headers: Ask["headers"] = {}): Ask => ({
  method: "GET",
  url: `http://${shop}${path}`,
  headers,
});
const post = (path: string, body: Body, headers: Ask["headers"] = {}): Ask => ({
  ...{ method: "POST", url: `http://${shop}${path}`, body },
  headers: { "content-type": "application/octet-stream", ...headers },
});
const servers = (answers: readonly Told[]): readonly string[] => answers.map((answer) => inspection(answer).server);

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** One answer, with these things true of it. */
const is = (expected: Partial<Told>) => (answers: readonly Told[]) => {
  expect(answers).toEqual([expect.objectContaining(expected)]);
};

export const tasks: readonly Task[] = [
  {
    name: "canary by header",
    asks: () => [get("/canary", { "x-canary": "yes" }), get("/canary", { "x-canary": "yes, sir" }), get("/canary")],
    check: (answers) => expect(servers(answers)).toEqual(["node", "go", "go"]),
  },
  {
    name: "weighted split",
    asks: () => Array.from({ length: 200 }, () => get("/split")),
    check: (answers) => assertFits(countsOf(servers(answers)), { go: 80, node: 20 }),
  },
  {
    name: "prefix rewrite",
    asks: () => [get("/rewrite/a%20b/c?x=1&y=%2F")],
    check: ([answer]) => expect(inspection(answer).target).toBe("/inspect/a%20b/c?x=1&y=%2F"),
  },
  {
    name: "header mutations",
    asks: () => [get("/mutate", { "x-tier": "silver", "x-secret": "s3cret", "x-kept": "as it was" })],
    check: ([answer]) => {
      const seen = inspection(answer);
      const values = ["x-mesh", "x-tier", "x-secret", "x-kept"].map((name) => headerOf(seen, name));
      expect(values).toEqual(["edge", "gold", undefined, "as it was"]);
      expect(answer?.headers["x-answer"]).toBe("through the mesh");
      expect(answer?.headers).not.toHaveProperty("x-internal");
    },
  },
  {
    name: "retry on 503",
    asks: (id) => [get(`/flaky?id=${id}&failures=2`)],
    check: is({ status: 200, text: "attempt 3" }),
  },
  {
    name: "retry on 503 with a body",
    asks: (id) => [post(`/flaky?id=${id}-post&failures=3`, "text once more")],
    check: is({ status: 200, text: "attempt 4" }),
  },
  {
    name: "no more retries than allowed",
    asks: (id) => [get(`/flaky?id=${id}-many&failures=9`)],
    check: is({ status: 503, text: "attempt 4" }),
  },
  {
    name: "redirect",
    asks: () => [get("/old/stock?id=7")],
    check: (answers) => {
      is({ status: 302, length: 0 })(answers);
      expect(answers[0]?.headers.location).toBe(`http://${shop}/new?id=7`);
    },
  },
  { name: "direct response", asks: () => [get("/direct")], check: is({ status: 418, text: "short and stout\n" }) },
  {
    name: "timeout",
    asks: () => [get("/slow?ms=20000")],
    check: is({ status: 504, text: "upstream request timeout" }),
  },
  { name: "upload of 10 MiB", asks: () => [post("/upload", `fixed ${10 * MiB}`)], check: uploaded(10 * MiB) },
  {
    name: "upload of 10 MiB in chunks",
    needs: "chunkedUpload",
    asks: () => [post("/upload", `chunked ${10 * MiB}`)],
    check: uploaded(10 * MiB),
  },
  {
    name: "upload after 100 Continue",
    needs: "expect",
    asks: () => [post("/upload", `fixed ${2 * MiB}`, { expect: "100-continue" })],
    check: (answers) => {
      uploaded(2 * MiB)(answers);
      expect(headerOf(inspection(answers[0]), "expect")).toBeUndefined();
    },
  },
  {
    name: "download of 10 MiB",
    asks: () => [get(`/pattern?bytes=${10 * MiB}`)],
    check: is({ status: 200, length: 10 * MiB, sha256: patternDigest(10 * MiB) }),
  },
  {
    name: "download of 10 MiB in chunks",
    asks: () => [get(`/pattern?bytes=${10 * MiB}&framing=chunked`)],
    check: is({ status: 200, length: 10 * MiB, sha256: patternDigest(10 * MiB) }),
  },
  {
    name: "HEAD",
    asks: () => [{ ...get("/pattern?bytes=1000"), method: "HEAD" }, get("/direct")],
    check: ([head, next]) => {
      expect(head).toMatchObject({ status: 200, length: 0 });
      expect(head?.headers["content-length"]).toBe("1000");
      expect(next).toMatchObject({ status: 418 });
    },
  },
  {
    name: "trailers",
    needs: "trailers",
    asks: () => [get("/trailers")],
    check: is({ status: 200, text: "one two three", trailers: { "x-sum": "three parts" } }),
  },
  {
    name: "one connection for everything",
    needs: "keepAlive",
    asks: () => [get("/canary"), get("/canary"), get("/canary")],
    check: (answers) => expect(answers.map(({ isReused }) => isReused ?? true)).toEqual([true, true, true]),
  },
];
