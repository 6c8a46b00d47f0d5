import { describe, expect, test } from "bun:test";
import type { CorsConfig } from "../../model/http.ts";
import { addCorsHeaders, decideCors } from "./cors.ts";
import { Fields } from "./fields.ts";
import { Patterns } from "./patterns.ts";
import { type Pairs, randoms, request } from "./request.fixture.ts";

const patterns = new Patterns();
const policy: CorsConfig = {
  type: "cors_policy",
  allowOrigins: [{ match: "exact", value: "http://o", ignoreCase: false }],
  allowMethods: "GET",
  allowHeaders: "*",
  exposeHeaders: "x-e",
  maxAge: "5",
  allowCredentials: true,
  forwardNotMatchingPreflights: true,
  filterEnabled: undefined,
  shadowEnabled: undefined,
};
const preflight: Pairs = [
  ["origin", "http://o"],
  ["access-control-request-method", "PUT"],
  ["access-control-request-headers", "x-q"],
];

/** The preflight's reply as text, or what else is decided. */
function decide(config: CorsConfig, method: string, fields: Pairs): string {
  const decision = decideCors(config, request(fields, { method }), randoms(0.5), patterns);
  return decision.type === "preflight" ? decision.reply.fields.toString() : decision.type;
}

describe("decideCors, asked of Envoy 1.40", () => {
  const answer =
    "access-control-allow-origin: http://o\r\naccess-control-allow-credentials: true\r\naccess-control-allow-methods: GET\r\n" +
    "access-control-allow-headers: x-q\r\naccess-control-max-age: 5\r\naccess-control-expose-headers: x-e\r\ncontent-length: 0\r\n";
  const elsewhere: Pairs = [
    ["origin", "http://bad"],
    ["access-control-request-method", "PUT"],
  ];
  const cases: readonly (readonly [string, Partial<CorsConfig>, method: string, Pairs, expected: string])[] = [
    ["preflight", {}, "OPTIONS", preflight, answer],
    ["request", {}, "GET", [["origin", "http://o"]], "response"],
    ["no origin", {}, "GET", [], "none"],
    ["another origin", {}, "GET", [["origin", "http://p"]], "none"],
    ["OPTIONS without a method asked for", {}, "OPTIONS", [["origin", "http://o"]], "response"],
    ["another origin's preflight goes on", {}, "OPTIONS", elsewhere, "none"],
    [
      "another origin's preflight is answered",
      { forwardNotMatchingPreflights: false, allowHeaders: "", allowCredentials: false },
      "OPTIONS",
      elsewhere,
      "access-control-allow-methods: GET\r\naccess-control-max-age: 5\r\ncontent-length: 0\r\n",
    ],
    [
      "* allows every origin",
      { allowOrigins: [{ match: "exact", value: "*", ignoreCase: false }] },
      "GET",
      elsewhere,
      "response",
    ],
    ["switched off by chance", { filterEnabled: { numerator: 50, denominator: 100 } }, "OPTIONS", preflight, "none"],
  ];
  test.each(cases)("%s", (_, about, method, fields, expected) => {
    expect(decide({ ...policy, ...about }, method, fields)).toBe(expected);
  });

  test("response headers replace the server's", () => {
    const fields = Fields.of([["Access-Control-Allow-Origin", "*"]]);
    addCorsHeaders(fields, policy, "http://o");
    expect(fields.toString()).toBe(
      "Access-Control-Allow-Origin: http://o\r\naccess-control-allow-credentials: true\r\naccess-control-expose-headers: x-e\r\n",
    );
  });
});
