// Command operators in header mutations, on requests, on responses, and on answers that need no backend.
import { header, routed, sends } from "../mutation.ts";
import { at, differently, type Group, get, one, replies, reply } from "../scenario.ts";

export const operators: Group = {
  name: "command operators",
  settings: [
    {
      name: "command operators on requests",
      routes: routed({
        request_headers_to_add: [
          header("x-req", "%REQ(X-In)%"),
          header("x-alternative", "%REQ(X-None?X-In)%"),
          header("x-short", "%REQ(X-In):3%"),
          header("x-pseudo", "%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)%"),
          header("x-missing", "a%REQ(X-None)%b"),
          header("x-percent", "100%%"),
          header("x-protocol", "%PROTOCOL%"),
          header("x-route", "%ROUTE_NAME%"),
          header("x-local", "%DOWNSTREAM_LOCAL_ADDRESS%"),
          header("x-local-port", "%DOWNSTREAM_LOCAL_PORT%"),
          header("x-remote", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
          header("x-cluster", "%UPSTREAM_CLUSTER%"),
        ],
      }),
      cases: [
        sends("all", at("h.example", "/p?q", "X-In: value"), {
          ...{ "x-req": "value", "x-alternative": "value", "x-short": "val", "x-pseudo": "GET /p?q h.example" },
          ...{ "x-missing": "ab", "x-percent": "100%", "x-protocol": "HTTP/1.1", "x-route": "the-route" },
          ...{ "x-local-port": "80", "x-remote": "127.0.0.1" },
        }),
        sends("two values", get("/", "X-In: one", "X-In: two"), { "x-req": "one" }),
        differently(
          "trusted-address",
          sends("the client that x-forwarded-for names", get("/", "X-Forwarded-For: 10.1.2.3, 10.4.5.6"), {
            "x-remote": "10.4.5.6",
          }),
          { sent: { "x-remote": "127.0.0.1" } },
        ),
      ],
    },
    {
      name: "command operators on responses",
      routes: routed({
        response_headers_to_add: [
          header("x-resp", "%RESP(X-Backend)%"),
          header("x-code", "%RESPONSE_CODE%"),
          header("x-flags", "%RESPONSE_FLAGS%"),
          header("x-host", "%UPSTREAM_HOST%"),
          header("x-remote", "%UPSTREAM_REMOTE_ADDRESS%"),
          header("x-req", "%REQ(X-In)%"),
          header("x-cluster", "%UPSTREAM_CLUSTER%"),
        ],
      }),
      cases: [
        one("all", get("/", "X-In: 1"), "201", {
          backends: { a: replies(reply(201, "", "X-Backend: b")) },
          fields: { "x-resp": "b", "x-code": "201", "x-flags": "-", "x-req": "1" },
        }),
      ],
    },
    {
      name: "on answers of its own",
      configuration: { response_headers_to_add: [header("x-all", "1")] },
      routes: [
        {
          match: { path: "/none" },
          route: { cluster: "@n" },
          response_headers_to_add: [header("x-flags", "%RESPONSE_FLAGS%")],
        },
        {
          match: { path: "/redirect" },
          redirect: { host_redirect: "n" },
          response_headers_to_add: [header("x-route", "1")],
        },
        {
          match: { path: "/direct" },
          direct_response: { status: 200 },
          response_headers_to_add: [header("x-req", "%REQ(x-in)%")],
        },
      ],
      clusters: { n: { endpoints: [] } },
      cases: [
        one("no healthy upstream", get("/none"), "503 no healthy upstream", {
          fields: { "x-all": "1", "x-flags": "UH" },
        }),
        one("a redirect", get("/redirect"), "301", { fields: { "x-all": "1", "x-route": "1" } }),
        one("a direct response", get("/direct", "X-In: v"), "200", { fields: { "x-all": "1", "x-req": "v" } }),
        one("no route", get("/x"), "404", { fields: { "x-all": null } }),
      ],
    },
  ],
};
