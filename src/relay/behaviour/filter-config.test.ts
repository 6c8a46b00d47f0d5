import { describe, expect, test } from "bun:test";
import type { BufferConfig, CorsConfig, FilterOverrides, HttpFilter } from "../../model/http.ts";
import { effectiveFilters } from "./filter-config.ts";

const limit = (maxBytes: number): BufferConfig => ({ type: "buffer", maxBytes });
const filter = (about: Partial<HttpFilter> = {}): HttpFilter => ({
  name: "b",
  disabled: false,
  config: limit(1),
  ...about,
});
const cors = (about: Partial<CorsConfig>): CorsConfig => ({
  type: "cors_policy",
  allowOrigins: [],
  allowMethods: "",
  allowHeaders: "",
  exposeHeaders: "",
  maxAge: "",
  allowCredentials: undefined,
  forwardNotMatchingPreflights: undefined,
  filterEnabled: undefined,
  shadowEnabled: undefined,
  ...about,
});

describe("effectiveFilters", () => {
  const cases: readonly (readonly [string, HttpFilter, readonly FilterOverrides[], readonly unknown[]])[] = [
    ["as in the chain", filter(), [{}, {}], [limit(1)]],
    ["the most specific wins", filter(), [{}, { b: limit(2) }, { b: limit(3) }], [limit(2)]],
    ["by its name", filter(), [{ other: limit(2) }], [limit(1)]],
    ["disabled for a route", filter(), [{ b: { type: "disabled" } }], []],
    ["enabled again below", filter(), [{ b: limit(2) }, { b: { type: "disabled" } }], [limit(2)]],
    ["disabled in the chain", filter({ disabled: true }), [{}], []],
    ["enabled by an override", filter({ disabled: true }), [{}, { b: limit(2) }], [limit(2)]],
    ["cors without policy", filter({ config: { type: "cors" } }), [{}], []],
    [
      "cors fills up from the next level",
      filter({ config: { type: "cors" } }),
      [{ b: cors({ allowMethods: "GET", allowCredentials: true }) }, { b: cors({ allowMethods: "PUT", maxAge: "5" }) }],
      [cors({ allowMethods: "GET", maxAge: "5", allowCredentials: true })],
    ],
    [
      "cors: what is switched off is no gap",
      filter({ config: { type: "cors" } }),
      [
        { b: cors({ allowCredentials: false }) },
        { b: cors({ allowCredentials: true, forwardNotMatchingPreflights: false }) },
      ],
      [cors({ allowCredentials: false, forwardNotMatchingPreflights: false })],
    ],
  ];
  test.each(cases)("%s", (_, one, levels, expected) => {
    expect(effectiveFilters([one], levels)).toEqual(expected as never);
  });
});
