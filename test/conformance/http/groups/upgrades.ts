// Tunnels: Upgrade and CONNECT.
import { answering, type Group, get, kept, one, protocolError, reply, request, type Setting } from "../scenario.ts";

const upgrade = (protocol: string): string =>
  get("/chat", "Connection: Upgrade", `Upgrade: ${protocol}`, "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13");
const switching = {
  backends: {
    a: {
      replies: [
        [
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
          { do: "echo" as const },
        ],
      ],
    },
  },
};

const websockets: Setting = {
  name: "upgrades",
  routes: [
    {
      match: { prefix: "/off" },
      route: { cluster: "@a", upgrade_configs: [{ upgrade_type: "websocket", enabled: false }] },
    },
    { match: { prefix: "/" }, route: { cluster: "@a", timeout: "0.3s" } },
  ],
  manager: { upgrade_configs: [{ upgrade_type: "websocket" }] },
  cases: [
    one("websocket", [upgrade("websocket"), { text: "hello" }, "ping", { text: "ping" }], "101", {
      ...switching,
      rest: "helloping",
    }),
    one("other case", [upgrade("WebSocket"), { text: "hello" }, "ping", { text: "ping" }], "101", {
      ...switching,
      rest: "helloping",
    }),
    one("bytes that come with the request", [`${upgrade("websocket")}early`, { text: "early" }], "101", {
      ...switching,
      rest: "helloearly",
    }),
    one(
      "the route's timeout ends with 101",
      [upgrade("websocket"), { text: "hello" }, { wait: 500 }, "late", { text: "late" }],
      "101",
      { ...switching, rest: "hellolate" },
    ),
    one("the client's end", [upgrade("websocket"), { text: "hello" }, "x", { text: "x" }, { do: "fin" }], "101", {
      ...switching,
      closed: "fin",
    }),
    one("the server's end", [upgrade("websocket"), { text: "bye" }], "101", {
      backends: {
        a: {
          replies: [
            [
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nbye",
              { do: "close" },
            ],
          ],
        },
      },
      rest: "bye",
      closed: "fin",
    }),
    kept(
      one("refused by the server", [upgrade("websocket"), { answers: 1 }], "403 no", {
        ...answering(reply(403, "no")),
      }),
    ),
    one("off for a route", upgrade("websocket").replace("/chat", "/off"), "403", { upstream: {} }),
    one("a type that isn't on", upgrade("other"), "403", { upstream: {} }),
    one(
      "h2c is ignored",
      get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
      "200 a",
    ),
    one("101 that wasn't asked for", get("/"), "101", {
      ...answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
      difference: { id: "strict-parsing", ours: { answers: [protocolError], closed: "open" } },
    }),
  ],
};

const noUpgrades: Setting = {
  name: "no upgrades",
  routes: [
    { match: { prefix: "/on" }, route: { cluster: "@a", upgrade_configs: [{ upgrade_type: "websocket" }] } },
    { match: { prefix: "/" }, route: { cluster: "@a" } },
  ],
  cases: [
    one("refused", upgrade("websocket"), "403", { upstream: {} }),
    one("on for a route", [upgrade("websocket").replace("/chat", "/on"), { text: "hello" }], "101", {
      ...switching,
      rest: "hello",
    }),
    one("Upgrade without Connection", get("/", "Upgrade: websocket"), "200 a"),
    kept(one("CONNECT", request("CONNECT", "h:443", ["Host: h:443"]), "404", { upstream: {} })),
  ],
};

const connects: Setting = {
  name: "CONNECT",
  routes: [
    { match: { connect_matcher: {} }, route: { cluster: "@a", upgrade_configs: [{ upgrade_type: "CONNECT" }] } },
    { match: { prefix: "/" }, route: { cluster: "@b" } },
  ],
  manager: { upgrade_configs: [{ upgrade_type: "CONNECT" }] },
  cases: [
    one("passed on", [request("CONNECT", "h:443", ["Host: h:443"]), { answers: 1 }, "ping", { text: "ping" }], "200", {
      backends: { a: { replies: [["HTTP/1.1 200 OK\r\n\r\n", { do: "echo" }]] } },
      rest: "ping",
      upstream: { a: ["CONNECT h:443"] },
    }),
    kept(
      one("refused by the server", request("CONNECT", "h:443", ["Host: h:443"]), "403 no", answering(reply(403, "no"))),
    ),
    one("another method to another route", get("/"), "200 b"),
  ],
};

export const upgrades: Group = {
  name: "upgrades and CONNECT",
  settings: [websockets, noUpgrades, connects],
};
