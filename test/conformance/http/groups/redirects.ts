// Answers that need no backend: redirects, with every field, and direct responses.

import type { Json } from "../../mesh.ts";
import { at, type Case, type Group, get, kept, one, post, request } from "../scenario.ts";

function redirecting(redirect: Json, match: Json = { prefix: "/" }): readonly Json[] {
  return [{ match, redirect }];
}

const to = (host: string, path: string, location: string, status = 301): Case =>
  one(`${host}${path}`, at(host, path), `${status}`, { fields: { location }, upstream: {}, closed: "open" });

export const redirects: Group = {
  name: "redirects and direct responses",
  settings: [
    {
      name: "host_redirect",
      routes: redirecting({ host_redirect: "new.example" }),
      cases: [
        to("old", "/", "http://new.example/"),
        to("old:8080", "/a?b=c", "http://new.example/a?b=c"),
        one("HEAD", request("HEAD", "/x"), "301", { fields: { location: "http://new.example/x" } }),
        kept(
          one("POST with a body ends the connection", post("/x", "abc"), "301", { fields: { connection: "close" } }),
        ),
      ],
    },
    {
      name: "https_redirect",
      routes: redirecting({ https_redirect: true }),
      cases: [
        to("h", "/a", "https://h/a"),
        to("h:80", "/a", "https://h/a"),
        to("h:8080", "/a", "https://h:8080/a"),
        to("[::1]:80", "/a", "https://[::1]/a"),
        to("[::1]", "/a", "https://[::1]/a"),
        to("[::1]:81", "/a", "https://[::1]:81/a"),
      ],
    },
    {
      name: "scheme_redirect to http",
      routes: redirecting({ scheme_redirect: "http", host_redirect: "h2" }),
      cases: [to("h", "/a", "http://h2/a")],
    },
    {
      name: "scheme_redirect to https",
      routes: redirecting({ scheme_redirect: "https" }),
      cases: [to("h:80", "/a", "https://h/a"), to("h:443", "/a", "https://h:443/a")],
    },
    {
      name: "port_redirect",
      routes: redirecting({ port_redirect: 8443 }),
      cases: [
        to("h", "/a", "http://h:8443/a"),
        to("h:80", "/a", "http://h:8443/a"),
        to("[::1]:80", "/a", "http://[::1]:8443/a"),
      ],
    },
    {
      name: "port_redirect to the scheme's own",
      routes: redirecting({ port_redirect: 80 }),
      cases: [to("h:81", "/a", "http://h:80/a")],
    },
    {
      name: "https_redirect with a port",
      routes: redirecting({ https_redirect: true, port_redirect: 443 }),
      cases: [to("h", "/a", "https://h:443/a"), to("h:80", "/a", "https://h:443/a")],
    },
    {
      name: "path_redirect",
      routes: redirecting({ path_redirect: "/new" }),
      cases: [to("h", "/old", "http://h/new"), to("h", "/old?q=1", "http://h/new?q=1")],
    },
    {
      name: "path_redirect with a query of its own",
      routes: redirecting({ path_redirect: "/new?own=1" }),
      cases: [to("h", "/old?q=1", "http://h/new?own=1"), to("h", "/old", "http://h/new?own=1")],
    },
    {
      name: "strip_query",
      routes: redirecting({ path_redirect: "/new", strip_query: true }),
      cases: [to("h", "/old?q=1", "http://h/new")],
    },
    {
      name: "strip_query alone",
      routes: redirecting({ host_redirect: "n", strip_query: true }),
      cases: [to("h", "/old?q=1", "http://n/old"), to("h", "/old", "http://n/old")],
    },
    {
      name: "prefix_rewrite",
      routes: redirecting({ prefix_rewrite: "/new/" }, { prefix: "/old/" }),
      cases: [to("h", "/old/x?q", "http://h/new/x?q"), to("h", "/old/", "http://h/new/")],
    },
    {
      name: "prefix_rewrite of a path",
      routes: redirecting({ prefix_rewrite: "/new" }, { path: "/old" }),
      cases: [to("h", "/old?x", "http://h/new?x")],
    },
    {
      name: "prefix_rewrite without case",
      routes: redirecting({ prefix_rewrite: "/new" }, { prefix: "/OLD", case_sensitive: false }),
      cases: [to("h", "/old/x", "http://h/new/x")],
    },
    {
      name: "regex_rewrite",
      routes: redirecting({
        regex_rewrite: { pattern: { regex: "^/service/([^/]+)(/.*)$" }, substitution: "\\2/instance/\\1" },
      }),
      cases: [to("h", "/service/foo/v1/api?x", "http://h/v1/api/instance/foo?x"), to("h", "/other", "http://h/other")],
    },
    {
      name: "every field",
      routes: redirecting({
        https_redirect: true,
        host_redirect: "n.example",
        port_redirect: 9443,
        path_redirect: "/p",
        strip_query: true,
      }),
      cases: [to("h:1", "/x?y", "https://n.example:9443/p")],
    },
    ...(
      [
        ["MOVED_PERMANENTLY", 301],
        ["FOUND", 302],
        ["SEE_OTHER", 303],
        ["TEMPORARY_REDIRECT", 307],
        ["PERMANENT_REDIRECT", 308],
      ] as const
    ).map(([response_code, status]) => ({
      name: `response_code ${response_code}`,
      routes: redirecting({ host_redirect: "n", response_code }),
      cases: [to("h", "/", "http://n/", status)],
    })),
    {
      name: "direct_response",
      routes: [
        { match: { path: "/none" }, direct_response: { status: 418 } },
        { match: { path: "/body" }, direct_response: { status: 200, body: { inline_string: "hello\n" } } },
        { match: { path: "/bytes" }, direct_response: { status: 503, body: { inline_bytes: "AAH/" } } },
        { match: { path: "/204" }, direct_response: { status: 204 } },
        {
          match: { path: "/typed" },
          direct_response: { status: 200, body: { inline_string: "{}" } },
          response_headers_to_add: [
            { header: { key: "content-type", value: "application/json" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
            { header: { key: "x-route", value: "direct" } },
          ],
        },
      ],
      cases: [
        one("without a body", get("/none"), "418", {
          fields: { "content-length": "0", "content-type": null },
          closed: "open",
        }),
        one("with a body", get("/body"), "200 hello", {
          fields: { "content-length": "6", "content-type": "text/plain" },
        }),
        one("with bytes", get("/bytes"), "503 \x00\x01\xff"),
        one("204", [get("/204"), { answers: 1 }, get("/body")], "204|200 hello"),
        one("HEAD", [request("HEAD", "/body"), { answers: 1 }, get("/body")], "200|200 hello", {
          fields: { "content-length": "6" },
        }),
        one("with headers", get("/typed"), "200 {}", {
          fields: { "content-type": "application/json", "x-route": "direct" },
        }),
        kept(
          one("a body ends the connection", post("/body", "x".repeat(1000)), "200 hello", {
            fields: { connection: "close" },
          }),
        ),
        kept(
          one(
            "a chunked body ends the connection",
            request("POST", "/body", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"),
            "200 hello",
            { fields: { connection: "close" } },
          ),
        ),
        one("an empty body doesn't", [post("/body", ""), { answers: 1 }, get("/none")], "200 hello|418"),
        one(
          "before the body has come",
          [request("POST", "/body", ["Content-Length: 10"]), { answers: 1 }],
          "200 hello",
        ),
        one("Connection: close", get("/body", "Connection: close"), "200 hello", {
          closed: "fin",
          fields: { connection: "close" },
        }),
        one("pipelined, two", get("/body") + get("/body"), "200 hello|200 hello"),
        one("pipelined, two without a body", get("/none") + get("/none"), "418|418"),
        one("pipelined, four", get("/body").repeat(4), "200 hello|200 hello", {
          difference: {
            id: "pipelined-local-answers",
            ours: { answers: ["200 hello", "200 hello", "200 hello", "200 hello"], closed: "open" },
          },
          closed: "fin",
        }),
      ],
    },
  ],
};
