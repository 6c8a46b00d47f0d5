// The cors filter: preflights that it answers or passes on, and what it adds to answers.
import { corsFilter, corsPolicy, override, preflight, toA } from "../filter.ts";
import { type Group, get, one, replies, reply, request } from "../scenario.ts";

export const cors: Group = {
  name: "cors",
  settings: [
    {
      name: "cors",
      filters: [corsFilter],
      host: override("cors", "cors.v3.CorsPolicy", corsPolicy),
      routes: [
        {
          ...toA,
          match: { prefix: "/own" },
          ...override("cors", "cors.v3.CorsPolicy", {
            allow_origin_string_match: [{ safe_regex: { regex: ".*" } }],
            allow_methods: "DELETE",
          }),
        },
        {
          ...toA,
          match: { prefix: "/strict" },
          ...override("cors", "cors.v3.CorsPolicy", { ...corsPolicy, forward_not_matching_preflights: false }),
        },
        {
          ...toA,
          match: { prefix: "/off" },
          ...override("cors", "cors.v3.CorsPolicy", {
            ...corsPolicy,
            filter_enabled: { default_value: { numerator: 0 } },
          }),
        },
        toA,
      ],
      cases: [
        one("a preflight", preflight("/", "http://good.example"), "200", {
          upstream: {},
          fields: {
            ...{ "access-control-allow-origin": "http://good.example", "access-control-allow-methods": "GET, PUT" },
            ...{ "access-control-allow-headers": "x-one, x-two", "access-control-max-age": "600" },
            ...{ "access-control-allow-credentials": "true", "access-control-expose-headers": "x-out" },
          },
        }),
        one("a preflight by regular expression", preflight("/", "https://abc.test"), "200", { upstream: {} }),
        one("a preflight from elsewhere is passed on", preflight("/", "http://bad.example"), "200 a", {
          upstream: { a: ["OPTIONS /"] },
        }),
        one("a preflight from elsewhere is answered", preflight("/strict", "http://bad.example"), "200", {
          upstream: {},
        }),
        one(
          "a preflight without a method is passed on",
          request("OPTIONS", "/", ["Origin: http://good.example"]),
          "200 a",
        ),
        one(
          "a preflight of a route's own policy, field by field before the virtual host's",
          preflight("/own", "http://any.example"),
          "200",
          {
            fields: { "access-control-allow-methods": "DELETE", "access-control-allow-credentials": "true" },
          },
        ),
        one("a preflight where it is off", preflight("/off", "http://good.example"), "200 a"),
        one(
          "a preflight for a private network",
          preflight("/", "http://good.example", "Access-Control-Request-Private-Network: true"),
          "200",
        ),
        one("a request", get("/", "Origin: http://good.example"), "200 a", {
          fields: { "access-control-allow-origin": "http://good.example", "access-control-expose-headers": "x-out" },
        }),
        one("a request from elsewhere", get("/", "Origin: http://bad.example"), "200 a", {
          fields: { "access-control-allow-origin": null },
        }),
        one("a request without an origin", get("/"), "200 a", { fields: { "access-control-allow-origin": null } }),
        one("a server's own field is overwritten", get("/", "Origin: http://good.example"), "200", {
          backends: { a: replies(reply(200, "", "Access-Control-Allow-Origin: *")) },
          fields: { "access-control-allow-origin": "http://good.example" },
        }),
      ],
    },
  ],
};
