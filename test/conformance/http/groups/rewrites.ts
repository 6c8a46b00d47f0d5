// What a route changes of a request on its way: path, host.

import type { Json } from "../../mesh.ts";
import { at, type Group, get, one } from "../scenario.ts";

function rewriting(match: Json, route: Json, more: Json = {}): readonly Json[] {
  return [
    { match, route: { cluster: "@a", ...route }, ...more },
    { match: { prefix: "/" }, route: { cluster: "@b" } },
  ];
}

const becomes = (path: string, rewritten: string) =>
  one(`${path} becomes ${rewritten}`, get(path), "200 a", { upstream: { a: [`GET ${rewritten}`] } });

export const rewrites: Group = {
  name: "rewrites",
  settings: [
    {
      name: "prefix_rewrite",
      routes: rewriting({ prefix: "/old" }, { prefix_rewrite: "/new" }),
      cases: [
        ...[
          becomes("/old", "/new"),
          becomes("/old/x", "/new/x"),
          becomes("/olds", "/news"),
          becomes("/old?a=/old", "/new?a=/old"),
        ],
        becomes("/old/%2f%20", "/new/%2f%20"),
      ],
    },
    {
      name: "prefix_rewrite to /",
      routes: rewriting({ prefix: "/old/" }, { prefix_rewrite: "/" }),
      cases: [becomes("/old/", "/"), becomes("/old/x?y", "/x?y"), becomes("/old//x", "//x")],
    },
    {
      name: "prefix_rewrite to / without the slash",
      routes: rewriting({ prefix: "/old" }, { prefix_rewrite: "/" }),
      cases: [becomes("/old/x", "//x"), becomes("/oldx", "/x"), becomes("/old", "/")],
    },
    {
      name: "prefix_rewrite of a whole path",
      routes: rewriting({ path: "/old" }, { prefix_rewrite: "/new/path" }),
      cases: [becomes("/old", "/new/path"), becomes("/old?x", "/new/path?x")],
    },
    {
      name: "prefix_rewrite of a separated prefix",
      routes: rewriting({ path_separated_prefix: "/old" }, { prefix_rewrite: "/new" }),
      cases: [becomes("/old", "/new"), becomes("/old/x", "/new/x")],
    },
    {
      name: "prefix_rewrite of a regular expression",
      routes: rewriting({ safe_regex: { regex: "/o[a-z]+" } }, { prefix_rewrite: "/new" }),
      cases: [becomes("/old?x=y", "/new?x=y")],
    },
    {
      name: "prefix_rewrite without case",
      routes: rewriting({ prefix: "/OLD", case_sensitive: false }, { prefix_rewrite: "/new" }),
      cases: [becomes("/Old/x", "/new/x")],
    },
    {
      name: "regex_rewrite",
      routes: rewriting(
        { prefix: "/" },
        { regex_rewrite: { pattern: { regex: "/v([0-9]+)" }, substitution: "/version\\1\\0" } },
      ),
      cases: [
        becomes("/v1/x", "/version1/v1/x"),
        becomes("/v1/v22", "/version1/v1/version22/v22"),
        becomes("/x", "/x"),
        becomes("/v1?a=/v2", "/version1/v1?a=/v2"),
      ],
    },
    {
      name: "regex_rewrite, anchored, without case",
      routes: rewriting(
        { prefix: "/" },
        { regex_rewrite: { pattern: { regex: "(?i)^/aaa/(.*)" }, substitution: "/\\1/bbb" } },
      ),
      cases: [becomes("/AAA/c/d?e", "/c/d/bbb?e"), becomes("/x/aaa/c", "/x/aaa/c")],
    },
    {
      name: "host_rewrite_literal",
      routes: rewriting({ prefix: "/" }, { host_rewrite_literal: "new.example:81" }),
      cases: [
        one("the host", at("old.example"), "200 a", { sent: { host: "new.example:81", "x-forwarded-host": null } }),
        one("the absolute form", get("http://old.example/x", "Host: h"), "200 a", { sent: { host: "new.example:81" } }),
      ],
    },
    {
      name: "append_x_forwarded_host",
      routes: rewriting({ prefix: "/" }, { host_rewrite_literal: "new.example", append_x_forwarded_host: true }),
      cases: [
        one("added", at("old.example"), "200 a", { sent: { host: "new.example", "x-forwarded-host": "old.example" } }),
        one("appended", at("old.example", "/", "X-Forwarded-Host: first"), "200 a", {
          sent: { "x-forwarded-host": "first,old.example" },
        }),
        one("the same host", at("new.example"), "200 a"),
      ],
    },
    {
      name: "host_rewrite_header",
      routes: rewriting({ prefix: "/" }, { host_rewrite_header: "X-Host" }),
      cases: [
        one("there", at("old", "/", "X-Host: new.example"), "200 a", {
          sent: { host: "new.example", "x-host": "new.example" },
        }),
        one("missing", at("old"), "200 a", { sent: { host: "old" } }),
        one("empty", at("old", "/", "X-Host:"), "200 a", { sent: { host: "old" } }),
        one("twice", at("old", "/", "X-Host: one", "X-Host: two"), "200 a"),
      ],
    },
    {
      name: "host_rewrite_path_regex",
      routes: rewriting(
        { prefix: "/" },
        { host_rewrite_path_regex: { pattern: { regex: "^/(.+)/.+$" }, substitution: "\\1.example" } },
      ),
      cases: [
        one("part of the path", at("old", "/one/x?y=/two/"), "200 a", { sent: { host: "one.example" } }),
        one("no match", at("old", "/one"), "200 a", { sent: { host: "/one" } }),
      ],
    },
    {
      name: "host_rewrite_literal of a weighted cluster",
      routes: [
        {
          match: { prefix: "/" },
          route: {
            weighted_clusters: { clusters: [{ name: "@a", weight: 1, host_rewrite_literal: "weighted.example" }] },
          },
        },
      ],
      cases: [one("the host", at("old"), "200 a", { sent: { host: "weighted.example" } })],
    },
    {
      name: "path and host together",
      routes: rewriting({ prefix: "/old" }, { prefix_rewrite: "/new", host_rewrite_literal: "n" }),
      cases: [one("both", at("h", "/old/x"), "200 a", { upstream: { a: ["GET /new/x"] }, sent: { host: "n" } })],
    },
  ],
};
