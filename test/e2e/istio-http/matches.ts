// HTTPMatchRequest, field by field, at its boundaries.
import { expect } from "bun:test";
import { type IstioCase, matching } from "./case.ts";

const with_ = (headers: Readonly<Record<string, string>>) => ({ path: "/", headers });
const by = (method: string) => ({ path: "/", method });

export const matches: readonly IstioCase[] = [
  matching("uri exact", [{ uri: { exact: "/exact" } }], ["/exact", "/exact?x=1"], ["/exact/", "/Exact", "/exac", "/"]),
  matching(
    "uri prefix",
    [{ uri: { prefix: "/pre" } }],
    ["/pre", "/pre/a", "/prefix", "/pre?x"],
    ["/Pre", "/a/pre", "/pr"],
  ),
  matching("uri regex", [{ uri: { regex: "/r/[0-9]+" } }], ["/r/1", "/r/42?x=y"], ["/r/", "/r/1/a", "/a/r/1", "/r/x"]),
  matching(
    "ignoreUriCase",
    [
      { uri: { exact: "/Case" }, ignoreUriCase: true },
      { uri: { prefix: "/Pre/" }, ignoreUriCase: true },
    ],
    ["/case", "/CASE", "/pRE/x"],
    ["/case/", "/pre"],
  ),
  matching("scheme", [{ scheme: { exact: "http" } }], ["/"], []),
  matching("scheme, another one", [{ scheme: { exact: "https" } }], [], ["/"]),
  matching("method exact", [{ method: { exact: "DELETE" } }], [by("DELETE")], [by("GET"), by("PUT")]),
  matching("method regex", [{ method: { regex: "P(U|OS)T" } }], [by("PUT"), by("POST")], [by("PATCH"), by("GET")]),
  matching(
    "headers exact",
    [{ headers: { "x-user": { exact: "alice" } } }],
    [with_({ "x-user": "alice" }), with_({ "X-User": "alice" })],
    [with_({ "x-user": "Alice" }), with_({ "x-user": "alice2" }), "/"],
  ),
  matching(
    "headers prefix and regex, both",
    [{ headers: { "x-a": { prefix: "be" }, "x-b": { regex: "[a-c]{2}" } } }],
    [with_({ "x-a": "begin", "x-b": "ca" })],
    [with_({ "x-a": "begin" }), with_({ "x-a": "begin", "x-b": "cad" }), with_({ "x-b": "ca" })],
  ),
  matching("headers present", [{ headers: { "x-any": {} } }], [with_({ "x-any": "thing" })], ["/"]),
  matching(
    "withoutHeaders",
    [{ withoutHeaders: { "x-debug": { exact: "on" } } }],
    ["/", with_({ "x-debug": "off" })],
    [with_({ "x-debug": "on" })],
  ),
  matching(
    "cookie by headers regex",
    [{ headers: { cookie: { regex: "^(.*?;)?\\s*(user=jason)(;.*)?$" } } }],
    [with_({ cookie: "user=jason" }), with_({ cookie: "a=b; user=jason; c=d" })],
    [with_({ cookie: "user=jasons" }), "/"],
  ),
  matching(
    "queryParams exact, prefix and regex",
    [{ queryParams: { a: { exact: "1" }, b: { prefix: "x" }, c: { regex: "\\d+" } } }],
    ["/?a=1&b=xyz&c=12", "/p?c=7&b=x&a=1&d"],
    ["/?a=1&b=xyz", "/?a=2&b=x&c=1", "/?a=1&b=x&c=1a", "/"],
  ),
  matching("port", [{ port: 80 }], ["/"], []),
  matching("port, another one", [{ port: 81 }], [], ["/"]),
  matching(
    "any of several, each of all its parts",
    [{ uri: { prefix: "/api" }, headers: { "x-v": { exact: "2" } } }, { uri: { exact: "/two" } }],
    [{ path: "/api/x", headers: { "x-v": "2" } }, "/two"],
    ["/api/x", { path: "/other", headers: { "x-v": "2" } }],
  ),
  {
    name: "authority",
    rules: ({ to, host }) => ({
      http: [
        { match: [{ authority: { exact: `${host}:80` } }], route: [to("v2")] },
        { match: [{ authority: { regex: "case-[0-9]+" } }], route: [to("v3")] },
        { route: [to("v1")] },
      ],
    }),
    check: async ({ who, host }) => {
      const hosts = [`${host}:80`, host, host.split(".")[0] ?? ""];
      expect(await who(...hosts.map((Host) => with_({ Host })))).toEqual(["v2", "v1", "v3"]);
    },
  },
];
