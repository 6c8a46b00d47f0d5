// HTTPRoute's actions: each is seen in what the client is told and in what the server was sent.
import { expect } from "bun:test";
import { assertFits } from "../../support/stats.ts";
import { hostOf, resource } from "../istio-resources.ts";
import { acting, type IstioCase, type Service } from "./case.ts";
import { inspection, type ServiceAsk } from "./world.ts";

type Fields = Readonly<Record<string, string>>;

/** The value of a header that the server got; several joined. */
async function sent(
  service: Service,
  ask: ServiceAsk,
  names: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const [answer] = await service.ask(ask);
  const { headers } = answer === undefined ? { headers: [] } : inspection(answer);
  return names.map((name) => {
    const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(",");
  });
}

async function target(service: Service, ask: ServiceAsk): Promise<string> {
  const [answer] = await service.ask(ask);
  return answer === undefined ? "" : inspection(answer).target;
}

/** Where redirects lead. */
const leads =
  (to: (host: string) => string, status = 301): IstioCase["check"] =>
  async ({ ask, host }) => {
    const [answer] = await ask("/old/a?x=1");
    expect([answer?.status, answer?.headers.location]).toEqual([status, to(host)]);
  };

const origin = "https://shop.example";
const crossing = (method: string, headers: Fields) => ({ path: "/", method, headers });

export const actions: readonly IstioCase[] = [
  {
    name: "route, by weight over subsets",
    rules: ({ to }) => ({ http: [{ route: [to("v1", { weight: 75 }), to("v2", { weight: 25 })] }] }),
    check: async ({ who }) => {
      const counts: Record<string, number> = {};
      for (const name of await who(...Array.from({ length: 300 }, () => "/"))) counts[name] = (counts[name] ?? 0) + 1;
      assertFits(counts, { v1: 75, v2: 25 });
    },
  },
  {
    name: "route, headers of a weighted destination",
    rules: ({ to }) => {
      const headers = { request: { set: { "x-version": "two" } }, response: { add: { "x-from": "two" } } };
      return { http: [{ route: [to("v1", { weight: 0 }), to("v2", { weight: 100, headers })] }] };
    },
    check: async (service) => {
      expect(await sent(service, "/", ["x-version"])).toEqual(["two"]);
      expect((await service.ask("/"))[0]?.headers["x-from"]).toBe("two");
    },
  },
  acting(
    "headers, request and response",
    {
      headers: {
        request: { set: { "x-set": "new" }, add: { "x-add": "more" }, remove: ["x-gone"] },
        response: { set: { "content-type": "text/x" }, add: { "x-internal": "twice" }, remove: ["date"] },
      },
    },
    async (service) => {
      const ask = { path: "/", headers: { "x-set": "old", "x-add": "one", "x-gone": "here", "x-kept": "kept" } };
      const names = ["x-set", "x-add", "x-gone", "x-kept"];
      expect(await sent(service, ask, names)).toEqual(["new", "one,more", undefined, "kept"]);
      const [answer] = await service.ask(ask);
      expect(answer?.headers["content-type"]).toBe("text/x");
      expect(answer?.headers["x-internal"]).toBe("secret, twice");
    },
  ),
  acting("rewrite authority", { rewrite: { authority: "inner.test" } }, async ({ ask }) => {
    const [answer] = await ask("/");
    expect(answer && inspection(answer).host).toBe("inner.test");
  }),
  {
    name: "rewrite uri, of a prefix and of an exact match",
    rules: ({ to }) => ({
      http: [
        { match: [{ uri: { prefix: "/from/" } }], rewrite: { uri: "/to/" }, route: [to("v1")] },
        { match: [{ uri: { exact: "/one" } }], rewrite: { uri: "/two" }, route: [to("v1")] },
      ],
    }),
    check: async (service) => {
      expect(await target(service, "/from/a/b?x=1")).toBe("/to/a/b?x=1");
      expect(await target(service, "/one?x=1")).toBe("/two?x=1");
    },
  },
  acting(
    "rewrite uriRegexRewrite",
    { rewrite: { uriRegexRewrite: { match: "/user/([^/]+)/(.*)", rewrite: "/u?n=\\1&rest=\\2" } } },
    async (service) => {
      expect(await target(service, "/user/joe/a/b")).toBe("/u?n=joe&rest=a/b");
      expect(await target(service, "/nobody/joe")).toBe("/nobody/joe");
    },
  ),
  {
    name: "redirect uri and authority",
    rules: () => ({ http: [{ redirect: { uri: "/new", authority: "other.test", redirectCode: 307 } }] }),
    check: leads(() => "http://other.test/new?x=1", 307),
  },
  {
    name: "redirect scheme and port",
    rules: () => ({ http: [{ redirect: { scheme: "https", port: 8443 } }] }),
    check: leads((host) => `https://${host}:8443/old/a?x=1`),
  },
  {
    name: "redirect of a prefix",
    rules: () => ({
      http: [{ match: [{ uri: { prefix: "/old/" } }], redirect: { prefixRewrite: "/new/", redirectCode: 308 } }],
    }),
    check: leads((host) => `http://${host}/new/a?x=1`, 308),
  },
  {
    name: "directResponse",
    rules: ({ to }) => ({
      http: [
        { match: [{ uri: { prefix: "/teapot" } }], directResponse: { status: 418, body: { string: "no coffee" } } },
        { match: [{ uri: { prefix: "/empty" } }], directResponse: { status: 503 } },
        { route: [to("v1")] },
      ],
    }),
    check: async ({ ask }) => {
      expect(await ask("/teapot", "/empty", "/")).toMatchObject([
        { status: 418, text: "no coffee" },
        { status: 503, text: "" },
        { status: 200 },
      ]);
    },
  },
  acting(
    "corsPolicy",
    {
      corsPolicy: {
        allowOrigins: [{ exact: origin }, { regex: "https://[a-z]+\\.example\\.org" }, { prefix: "http://dev" }],
        allowMethods: ["GET", "PUT"],
        allowHeaders: ["x-a", "x-b"],
        exposeHeaders: ["x-internal"],
        maxAge: "24h",
        allowCredentials: true,
      },
    },
    async ({ ask }) => {
      const wants = { "access-control-request-method": "PUT" };
      const [preflight, simple, regex, foreign] = await ask(
        crossing("OPTIONS", { origin, ...wants }),
        crossing("GET", { origin }),
        crossing("GET", { origin: "https://a.example.org" }),
        crossing("GET", { origin: "https://evil.test" }),
      );
      expect(preflight).toMatchObject({ status: 200, length: 0 });
      expect(preflight?.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-a,x-b",
        "access-control-max-age": "86400",
        "access-control-allow-credentials": "true",
      });
      expect(simple?.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-internal",
      });
      expect(regex?.headers["access-control-allow-origin"]).toBe("https://a.example.org");
      expect(foreign?.status).toBe(200);
      expect(foreign?.headers).not.toHaveProperty("access-control-allow-origin");
    },
  ),
  {
    name: "delegate",
    rules: ({ to, host }) => ({
      http: [{ match: [{ uri: { prefix: "/inner" } }], delegate: { name: "inner" } }, { route: [to("v1")] }],
      more: resource("VirtualService", "inner", {
        http: [
          { match: [{ uri: { prefix: "/inner/two" } }], route: [{ destination: { host, subset: "v2" } }] },
          { route: [{ destination: { host, subset: "v3" } }] },
        ],
      }),
    }),
    check: async ({ who }) => {
      expect(await who("/inner/two", "/inner", "/other")).toEqual(["v2", "v3", "v1"]);
    },
  },
  {
    name: "another service as the destination",
    rules: () => ({ http: [{ route: [{ destination: { host: hostOf("plain") } }], timeout: "5s" }] }),
    check: async ({ who }) => expect(await who("/")).toEqual(["v3"]),
  },
];
