// Which route serves a request, by its query parameters, cookies, and chance.

import type { Json } from "../../mesh.ts";
import { type Case, type Group, get, one } from "../scenario.ts";

function matching(match: Json): readonly Json[] {
  return [
    { match: { prefix: "/", ...match }, route: { cluster: "@a" } },
    { match: { prefix: "/" }, route: { cluster: "@b" } },
  ];
}

const exact = (name: string, value: string): Json => ({ name, string_match: { exact: value } });
const yes = (path: string): Case => one(`${path} matches`, get(path), "200 a");
const no = (path: string): Case => one(`${path} doesn't`, get(path), "200 b");
const cookie = (value: string, ...more: readonly string[]): string =>
  get("/", `Cookie: ${value}`, ...more.map((line) => `Cookie: ${line}`));

export const queries: Group = {
  name: "query parameters, cookies, fractions",
  settings: [
    {
      name: "exact parameter",
      routes: matching({ query_parameters: [exact("k", "v")] }),
      cases: [
        ...[
          yes("/?k=v"),
          yes("/?a=1&k=v&b"),
          no("/?k=V"),
          no("/?K=v"),
          no("/?k=vv"),
          no("/?k"),
          no("/?k="),
          no("/"),
          no("/?"),
        ],
        ...[
          yes("/?k=v&k=w"),
          no("/?k=w&k=v"),
          no("/?xk=v"),
          no("/?k=v#k"),
          no("/?k=v;x"),
          no("/?k=%76"),
          no("/?%6b=v"),
          no("/k=v"),
        ].filter(({ name }) => !name.includes("#")),
      ],
    },
    {
      name: "present parameter",
      routes: matching({ query_parameters: [{ name: "k", present_match: true }] }),
      cases: [yes("/?k"), yes("/?k="), yes("/?a&k=1"), no("/?kk=1"), no("/"), yes("/?a=b&&k")],
    },
    {
      name: "name alone",
      routes: matching({ query_parameters: [{ name: "k" }] }),
      cases: [yes("/?k=1"), no("/?j")],
    },
    {
      name: "values are compared as they were sent",
      routes: matching({ query_parameters: [exact("k", "a b")] }),
      cases: [no("/?k=a%20b"), no("/?k=a+b")],
    },
    {
      name: "prefix and regex parameters",
      routes: matching({
        query_parameters: [
          { name: "p", string_match: { prefix: "ab", ignore_case: true } },
          { name: "r", string_match: { safe_regex: { regex: "[0-9]+" } } },
        ],
      }),
      cases: [yes("/?p=ABc&r=12"), no("/?p=abc"), no("/?p=abc&r=x"), no("/?r=1&p=b")],
    },
    {
      name: "cookie",
      routes: matching({ cookies: [exact("k", "v")] }),
      cases: [
        one("alone", cookie("k=v"), "200 a"),
        one("among others", cookie("a=b; k=v; c=d"), "200 a"),
        one("without spaces", cookie("a=b;k=v"), "200 a"),
        one("another value", cookie("k=w"), "200 b"),
        one("case", cookie("K=v"), "200 b"),
        one("quoted", cookie('k="v"'), "200 a"),
        one("twice: the first counts", cookie("k=w; k=v"), "200 b"),
        one("in a second field", cookie("a=b", "k=v"), "200 a"),
        one("absent", get("/"), "200 b"),
      ],
    },
    {
      name: "inverted cookie",
      routes: matching({ cookies: [{ ...exact("k", "v"), invert_match: true }] }),
      cases: [
        one("its value", cookie("k=v"), "200 b"),
        one("another", cookie("k=w"), "200 a"),
        one("absent", get("/"), "200 a"),
      ],
    },
    {
      name: "runtime_fraction 0",
      routes: matching({ runtime_fraction: { default_value: { numerator: 0 } } }),
      cases: [no("/")],
    },
    {
      name: "runtime_fraction 100",
      routes: matching({ runtime_fraction: { default_value: { numerator: 100 } } }),
      cases: [yes("/")],
    },
    {
      name: "runtime_fraction of a million",
      routes: matching({ runtime_fraction: { default_value: { numerator: 1_000_000, denominator: "MILLION" } } }),
      cases: [yes("/")],
    },
    {
      name: "runtime_fraction 30",
      routes: matching({ runtime_fraction: { default_value: { numerator: 30 } } }),
      cases: [one("by chance", [get("/").repeat(400), { answers: 400 }], "", { shares: { a: 30, b: 70 } })],
    },
  ],
};
