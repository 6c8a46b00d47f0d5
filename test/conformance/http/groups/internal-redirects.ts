// Redirects that are followed on the way instead of being passed to the client.
import { type Group, get, one, post, reply } from "../scenario.ts";

const moved = (location: string, status = 302): Readonly<Record<string, { replies: string[][] }>> => ({
  a: { replies: [[reply(status, "", `Location: ${location}`)]] },
});

export const internalRedirects: Group = {
  name: "internal redirects",
  settings: [
    {
      name: "internal redirect",
      routes: [
        { match: { prefix: "/new" }, route: { cluster: "@b" } },
        { match: { prefix: "/again" }, route: { cluster: "@c", internal_redirect_policy: {} } },
        {
          match: { prefix: "/all" },
          route: { cluster: "@a", internal_redirect_policy: { redirect_response_codes: [301, 303, 307] } },
        },
        {
          match: { prefix: "/two" },
          route: { cluster: "@a", internal_redirect_policy: { max_internal_redirects: 2 } },
        },
        { match: { prefix: "/" }, route: { cluster: "@a", internal_redirect_policy: {} } },
      ],
      cases: [
        one("followed", get("/old"), "200 b", {
          backends: moved("http://h/new?x"),
          upstream: { a: ["GET /old"], b: ["GET /new?x"] },
        }),
        one("to another host", get("/old"), "200 b", { backends: moved("http://other.example/new") }),
        one("to a relative location", get("/old"), "302", { backends: moved("/new"), fields: { location: "/new" } }),
        one("to another scheme", get("/old"), "302", { backends: moved("https://h/new") }),
        one("without a location", get("/old"), "302", { backends: { a: { replies: [[reply(302)]] } } }),
        one("301 isn't followed by default", get("/old"), "301", { backends: moved("http://h/new", 301) }),
        one("301 where it is said", get("/all"), "200 b", { backends: moved("http://h/new", 301) }),
        one("303", get("/all"), "200 b", { backends: moved("http://h/new", 303) }),
        one("303 turns POST into GET", post("/all", "x"), "200 b", {
          backends: moved("http://h/new", 303),
          upstream: { a: ["POST /all"], b: ["GET /new"] },
        }),
        one("307 keeps POST and its body", post("/all", "x"), "200 b", {
          backends: moved("http://h/new", 307),
          upstream: { a: ["POST /all"], b: ["POST /new"] },
        }),
        one("not twice", get("/old"), "302", {
          backends: {
            a: { replies: [[reply(302, "", "Location: http://h/again")]] },
            c: { replies: [[reply(302, "", "Location: http://h/new")]] },
          },
        }),
        one("to nowhere", get("/old"), "302", { backends: moved("http://never.invalid:1/x") }),
      ],
    },
  ],
};
