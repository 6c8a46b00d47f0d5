// The rbac filter: each action, permission and principal, and overrides.
import type { Json } from "../../mesh.ts";
import { httpFilter } from "../config.ts";
import { byHeader, denied, override, rbac, toA } from "../filter.ts";
import { type Case, differently, type Group, get, kept, one, post, request } from "../scenario.ts";

function rules(name: string, filter: Json, cases: readonly Case[]): Group["settings"][number] {
  return { name: `rbac: ${name}`, filters: [filter], routes: [toA], cases };
}

export const rbacs: Group = {
  name: "rbac",
  settings: [
    rules("allow by header", rbac("ALLOW", byHeader), [
      one("who has it", get("/", "X-Role: admin"), "200 a"),
      one("who hasn't", get("/"), denied, { upstream: {}, fields: { "content-type": "text/plain" }, closed: "open" }),
      one("one of two values", get("/", "X-Role: x", "X-Role: admin"), "200 a"),
      kept(one("POST", post("/", "abc"), denied)),
    ]),
    rules("deny by header", rbac("DENY", byHeader), [
      one("who has it", get("/", "X-Role: admin"), denied),
      one("who hasn't", get("/"), "200 a"),
      one("one of two values", get("/", "X-Role: admin", "X-Role: x"), denied),
    ]),
    rules("log only", rbac("LOG", byHeader), [one("anybody", get("/", "X-Role: admin"), "200 a")]),
    rules("no policies", httpFilter("rbac", "rbac.v3.RBAC", { rules: { action: "ALLOW" } }), [
      one("nobody", get("/"), denied),
    ]),
    rules("no rules", httpFilter("rbac", "rbac.v3.RBAC", {}), [one("anybody", get("/"), "200 a")]),
    rules("url_path", rbac("ALLOW", { url_path: { path: { prefix: "/open" } } }), [
      one("matches", get("/open/x?y"), "200 a"),
      one("doesn't", get("/x?/open"), denied),
      one("isn't normalised", get("/open/../x"), "200 a"),
    ]),
    rules(
      "and, or, not",
      rbac("ALLOW", {
        and_rules: {
          rules: [
            { or_rules: { rules: [byHeader, { url_path: { path: { exact: "/public" } } }] } },
            { not_rule: { header: { name: ":method", string_match: { exact: "DELETE" } } } },
          ],
        },
      }),
      [
        one("first of or", get("/", "X-Role: admin"), "200 a"),
        one("second of or", get("/public"), "200 a"),
        one("neither", get("/"), denied),
        one("not", request("DELETE", "/public"), denied),
      ],
    ),
    rules("destination_port", rbac("ALLOW", { destination_port: 80 }), [one("the listener's", get("/"), "200 a")]),
    rules("destination_port_range", rbac("DENY", { destination_port_range: { start: 80, end: 81 } }), [
      one("in it", get("/"), denied),
    ]),
    rules("destination_ip", rbac("ALLOW", { destination_ip: { address_prefix: "127.96.0.0", prefix_len: 16 } }), [
      one("the VIP", get("/"), "200 a"),
    ]),
    rules(
      "another destination_ip",
      rbac("ALLOW", { destination_ip: { address_prefix: "127.97.0.0", prefix_len: 16 } }),
      [one("not the VIP", get("/"), denied)],
    ),
    rules(
      "principal by address",
      rbac("ALLOW", { any: true }, { direct_remote_ip: { address_prefix: "127.0.0.0", prefix_len: 8 } }),
      [one("loopback", get("/"), "200 a")],
    ),
    rules(
      "principal by remote_ip",
      rbac("ALLOW", { any: true }, { remote_ip: { address_prefix: "10.0.0.0", prefix_len: 8 } }),
      [
        one("not loopback", get("/"), denied),
        differently(
          "trusted-address",
          one("x-forwarded-for names it", get("/", "X-Forwarded-For: 10.1.2.3"), "200 a"),
          { answers: [denied] },
        ),
        one("the last of x-forwarded-for", get("/", "X-Forwarded-For: 10.1.2.3, 11.0.0.1"), denied),
      ],
    ),
    rules(
      "principal by header",
      rbac(
        "ALLOW",
        { any: true },
        { and_ids: { ids: [{ header: { name: "x-id", present_match: true } }, { not_id: byHeader }] } },
      ),
      [one("and not", get("/", "X-Id: 1"), "200 a"), one("not", get("/", "X-Id: 1", "X-Role: admin"), denied)],
    ),
    rules("rules can't be passed by what isn't HTTP", rbac("ALLOW", byHeader), [
      one("a method that is no token", request("G@T", "/"), "400 Bad Request", { upstream: {} }),
      one("a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", denied, {
        upstream: {},
        difference: { id: "strict-parsing", ours: { upstream: {} } },
      }),
      one("NULs before a request", `\x00\x00${get("/")}`, "400 Bad Request", { upstream: {}, isRandom: true }),
    ]),
    {
      name: "rbac: overrides",
      filters: [rbac("DENY", { any: true })],
      routes: [
        { ...toA, match: { prefix: "/free" }, ...override("rbac", "rbac.v3.RBACPerRoute", {}) },
        {
          ...toA,
          match: { prefix: "/off" },
          typed_per_filter_config: {
            "envoy.filters.http.rbac": {
              "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
              disabled: true,
            },
          },
        },
        toA,
      ],
      cases: [
        one("none", get("/"), denied),
        one("an empty one", get("/free"), "200 a"),
        one("disabled", get("/off"), "200 a"),
      ],
    },
  ],
};
