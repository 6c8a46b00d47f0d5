// What the connection manager writes and removes where it is asked to: ids, addresses, via, server, odd names.
import { type Group, get, one, replies, reply } from "../scenario.ts";

const uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

export const manager: Group = {
  name: "fields of the connection manager",
  settings: [
    {
      name: "generate_request_id",
      manager: { generate_request_id: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("written", get("/"), "200 a", { sentMatches: { "x-request-id": uuid } }),
        one("a client's own stays", get("/", "X-Request-Id: mine"), "200 a", { sent: { "x-request-id": "mine" } }),
      ],
    },
    {
      name: "generate_request_id, always_set_request_id_in_response",
      manager: { generate_request_id: true, always_set_request_id_in_response: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("written", get("/"), "200 a", { matches: { "x-request-id": uuid }, isRandom: true }),
        one("a client's own", get("/", "X-Request-Id: mine"), "200 a", { fields: { "x-request-id": "mine" } }),
      ],
    },
    {
      name: "generate_request_id and use_remote_address",
      manager: { generate_request_id: true, use_remote_address: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("a client's own", get("/", "X-Request-Id: mine"), "200 a", { sentMatches: { "x-request-id": uuid } }),
      ],
    },
    {
      name: "preserve_external_request_id",
      manager: { generate_request_id: true, use_remote_address: true, preserve_external_request_id: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [one("a client's own", get("/", "X-Request-Id: mine"), "200 a", { sent: { "x-request-id": "mine" } })],
    },
    {
      name: "server_name",
      manager: { server_name: "mesh" },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("overwrites", get("/"), "200", {
          backends: { a: replies(reply(200, "", "Server: nginx")) },
          fields: { server: "mesh" },
        }),
        one("is written", get("/"), "200 a", { fields: { server: "mesh" } }),
      ],
    },
    {
      name: "server_header_transformation",
      manager: { server_name: "mesh", server_header_transformation: "APPEND_IF_ABSENT" },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("a server's own stays", get("/"), "200", {
          backends: { a: replies(reply(200, "", "Server: nginx")) },
          fields: { server: "nginx" },
        }),
        one("is written", get("/"), "200 a", { fields: { server: "mesh" } }),
      ],
    },
    {
      name: "add_user_agent",
      manager: { add_user_agent: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [one("a client's own", get("/", "User-Agent: curl"), "200 a", { sent: { "user-agent": "curl" } })],
    },
    {
      name: "use_remote_address",
      manager: { use_remote_address: true },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("x-forwarded-for is begun", get("/"), "200 a", { sent: { "x-forwarded-for": "127.0.0.1" } }),
        one("x-forwarded-for is appended to", get("/", "X-Forwarded-For: 10.0.0.1"), "200 a", {
          sent: { "x-forwarded-for": "10.0.0.1,127.0.0.1" },
        }),
      ],
    },
    {
      name: "x-forwarded-for by itself",
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("stays", get("/", "X-Forwarded-For: 10.0.0.1"), "200 a", { sent: { "x-forwarded-for": "10.0.0.1" } }),
      ],
    },
    {
      name: "via",
      manager: { via: "mesh" },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("both ways", get("/", "Via: 1.1 x"), "200 a", { sent: { via: "1.1 x, mesh" }, fields: { via: "mesh" } }),
      ],
    },
    {
      name: "headers_with_underscores_action",
      manager: { common_http_protocol_options: { headers_with_underscores_action: "DROP_HEADER" } },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [one("dropped", get("/", "a_b: 1", "a-b: 2"), "200 a", { sent: { a_b: null, "a-b": "2" } })],
    },
    {
      name: "headers_with_underscores_action: reject",
      manager: { common_http_protocol_options: { headers_with_underscores_action: "REJECT_REQUEST" } },
      routes: [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }],
      cases: [
        one("refused", get("/", "a_b: 1"), "400 Bad Request", { upstream: {} }),
        one("without", get("/"), "200 a"),
      ],
    },
  ],
};
