import { describe, expect, test } from "bun:test";
import { type Access, createApp } from "./app.ts";
import { maxBodyBytes } from "./guard.ts";
import type { ProcessUsage } from "./process-usage.ts";
import { jsonType, textType } from "./route.ts";
import { changedAt, fixtureView, status } from "./view.fixture.ts";
import type { AgentView } from "./view.ts";

const usage: ProcessUsage = { residentBytes: 1, virtualBytes: 2, cpuSeconds: 3, openFiles: 4 };
const host = { now: () => new Date(changedAt.getTime() + 20_000), usage: () => usage };

function ask(path: string, init: RequestInit = {}, view: AgentView = fixtureView(), access: Access = "full") {
  return createApp(view, access, host).request(path, init);
}

const post = (body: string): RequestInit => ({ method: "POST", body });

describe("answers", () => {
  test.each([
    ["/", 200, textType, "GET /config_dump"],
    ["/ready", 200, textType, "LIVE\n"],
    ["/healthz", 200, textType, "OK\n"],
    ["/server_info", 200, jsonType, '"uptime_current_epoch": "25s"'],
    ["/server_info", 200, jsonType, '"version": "abcdef/0.1.0/Modified/RELEASE/none"'],
    ["/listeners", 200, textType, "plain::127.96.0.1:80\nplain::[2001:db8::80]:80\n"],
    ["/listeners?format=json", 200, jsonType, '"engine": "connect"'],
    ["/clusters", 200, textType, "shop::127.0.0.1:9001::cx_active::2\n"],
    ["/clusters", 200, textType, "canary::[2001:db8::1]:80::health_flags::healthy\n"],
    ["/clusters", 200, textType, "shop::127.0.0.1:9003::health_flags::/failed_eds_health\n"],
    ["/clusters?format=json", 200, jsonType, '"eds_health_status":"UNHEALTHY"'],
    ["/stats", 200, textType, "cluster.shop.upstream_cx_total: 9\n"],
    ["/stats?filter=cx_over&usedonly", 200, textType, /^cluster\.shop\.upstream_cx_overflow: 4\n$/],
    ["/stats?format=json&filter=^listener\\.", 200, jsonType, '"name": "listener.127.96.0.1_80.downstream_cx_total"'],
    [
      "/stats?format=prometheus&filter=bypass",
      200,
      "text/plain; version=0.0.4; charset=utf-8",
      "kmesh_edge_bypass 0\n",
    ],
    ["/stats/prometheus", 200, "text/plain; version=0.0.4; charset=utf-8", "kmesh_edge_ready 1\n"],
    ["/workloads", 200, jsonType, '"target": "shop.slice"'],
    ["/capabilities", 200, jsonType, '"sinceKernel": "4.13"'],
    ["/explain?destination=127.96.0.2:80", 200, jsonType, '"probability": 0.9'],
    ["/explain?destination=[2001:db8::80]:80", 200, jsonType, '"listener": "plain"'],
    ["/status", 200, jsonType, '"changedAt": "2026-01-02T03:04:10.000Z"'],
    ["/logging", 200, jsonType, '"level": "info"'],
  ] as const)("%s", async (path, code, contentType, content) => {
    const response = await ask(path);
    expect(response.status).toBe(code);
    expect(response.headers.get("content-type")).toBe(contentType);
    const body = await response.text();
    if (typeof content === "string") expect(body).toContain(content);
    else expect(body).toMatch(content);
  });

  test("HTML for a browser, without scripts", async () => {
    const response = await ask("/", { headers: { accept: "text/html,application/xhtml+xml" } });
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).toContain('<a href="/config_dump">');
  });

  test("not ready yet", async () => {
    const view = fixtureView({ status: () => ({ ...status, isReady: false, state: "initializing" }) });
    const response = await ask("/ready", {}, view);
    expect([response.status, await response.text()]).toEqual([503, "INITIALIZING\n"]);
  });

  test("before anything is compiled there is nothing, and no error", async () => {
    const view = fixtureView({ compiled: () => undefined, counters: () => undefined });
    for (const path of ["/listeners", "/clusters", "/stats", "/stats/prometheus", "/config_dump"]) {
      expect([path, (await ask(path, {}, view)).status]).toEqual([path, 200]);
    }
    expect(await (await ask("/listeners?format=json", {}, view)).json()).toEqual({ listener_statuses: [] });
  });
});

describe("changes", () => {
  test("a workload is enrolled and left alone again", async () => {
    const view = fixtureView();
    const enrolled = await ask("/workloads", post('{"target": "new.slice"}'), view);
    expect(enrolled.status).toBe(200);
    expect(await enrolled.json()).toMatchObject({ target: "new.slice", state: "attached" });
    expect(await (await ask("/workloads", {}, view)).text()).toContain("new.slice");
    const removal = { method: "DELETE" };
    expect((await ask("/workloads?target=new.slice", removal, view)).status).toBe(200);
    const again = await ask("/workloads?target=new.slice", removal, view);
    expect([again.status, await again.json()]).toEqual([
      404,
      { error: "[admin] unenroll new.slice: it isn't enrolled" },
    ]);
  });

  test("the log level", async () => {
    const view = fixtureView();
    expect(await (await ask("/logging?level=debug", { method: "POST" }, view)).json()).toEqual({ level: "debug" });
    expect(view.logLevel).toBe("debug");
  });
});

describe("refusals are one line of JSON", () => {
  const long = "x".repeat(5000);
  test.each([
    ["/nowhere", {}, 404, "[usage] no such path: /nowhere; / lists them"],
    ["/ready", { method: "PUT" }, 405, "[usage] /ready is asked by GET, not PUT"],
    ["/ready?x=1", {}, 400, '[usage] query parameter "x": unknown; /ready has none'],
    ["/listeners?format=yaml", {}, 400, '[usage] query parameter "format": expected text or json'],
    ["/listeners?format=json&format=json", {}, 400, '[usage] query parameter "format": given twice'],
    ["/stats?__proto__=1", {}, 400, '[usage] query parameter "__proto__": unknown; there are format, filter, usedonly'],
    ["/explain", {}, 400, '[usage] query parameter "destination": missing: IP:PORT or [IPV6]:PORT'],
    ["/explain?destination=shop:80", {}, 400, "[usage] query parameter destination: expected IP:PORT or [IPV6]:PORT"],
    [
      "/explain?destination=127.0.0.1:80&path=cart",
      {},
      400,
      "[usage] query parameter path: expected one that begins with /",
    ],
    [
      "/explain?destination=127.0.0.1:80&headers=x",
      {},
      400,
      "[usage] query parameter headers: expected `name: value` on each line",
    ],
    [
      "/config_dump?name_regex=(a",
      {},
      400,
      "[usage] query parameter name_regex: not an RE2 regular expression: missing closing ): `(a`",
    ],
    ["/config_dump?name_regex=(?=a)", {}, 400, "not an RE2 regular expression"],
    [
      `/config_dump?name_regex=${"a".repeat(129)}`,
      {},
      400,
      '[usage] query parameter "name_regex": longer than 128 characters',
    ],
    ["/config_dump?resource=secrets", {}, 400, '[usage] query parameter "resource": expected static_clusters or '],
    [`/stats?filter=${long}`, {}, 414, "[usage] the URL is longer than 4096 characters"],
    ["/workloads", post("{"), 400, "[usage] body: is not JSON"],
    ["/workloads", post("[1]"), 400, '[usage] body: expected {"target": "CGROUP"}'],
    ["/workloads", post('{"target": 1}'), 400, '[usage] body: expected {"target": "CGROUP"}'],
    ["/workloads", post('{"target": "a", "more": "b"}'), 400, '[usage] body: expected {"target": "CGROUP"}'],
    ["/workloads", post('{"target": ""}'), 400, "[usage] body: target: expected 1 to 4096 characters"],
    ["/workloads", post('{"target": "nowhere.slice"}'), 400, "[config] workload nowhere.slice: no such cgroup"],
    ["/workloads", post("x".repeat(maxBodyBytes + 1)), 413, `[usage] the body is longer than ${maxBodyBytes} bytes`],
    [
      "/logging?level=loud",
      { method: "POST" },
      400,
      '[usage] query parameter "level": expected debug or info or warn or error',
    ],
  ] as const)("%s", async (path, init, code, reason) => {
    const response = await ask(path, init);
    expect(response.status).toBe(code);
    expect(response.headers.get("content-type")).toBe(jsonType);
    const body = await response.text();
    expect(body).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(body).error).toContain(reason);
  });

  test("a fault of the agent shows neither stack nor cause", async () => {
    const view = fixtureView({
      capabilities: () => {
        throw new TypeError("no such thing", { cause: new Error("a secret") });
      },
    });
    const response = await ask("/capabilities", {}, view);
    expect([response.status, await response.text()]).toEqual([500, '{"error":"[unexpected] no such thing"}\n']);
  });
});

describe("where only reading is allowed", () => {
  const read = (path: string, headers: Record<string, string>, method = "GET") =>
    ask(path, { method, headers }, fixtureView(), "read");

  test.each(["localhost", "LOCALHOST:15000", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:15000"])(
    "Host %s",
    async (name) => {
      expect((await read("/ready", { host: name })).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "[2001:db8::1]",
    "0.0.0.0",
    "localhost:80@evil",
    "",
  ])("foreign Host %p", async (name) => {
    const response = await read("/ready", { host: name });
    expect([response.status, await response.json()]).toEqual([403, { error: "[admin] foreign Host" }]);
  });

  test("no Host", async () => {
    expect((await read("/ready", {})).status).toBe(403);
  });

  test.each([
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://localhost:15000" }, 200],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
  ])("from a page: %j", async (headers, code) => {
    expect((await read("/ready", { host: "localhost:15000", ...headers })).status).toBe(code);
  });

  test.each([
    ["POST", "/workloads", 405],
    ["DELETE", "/workloads?target=shop.slice", 405],
    ["POST", "/logging?level=debug", 405],
    ["HEAD", "/ready", 200],
  ])("%s %s", async (method, path, code) => {
    const response = await read(path, { host: "localhost" }, method);
    expect(response.status).toBe(code);
    if (code === 405) expect(response.headers.get("allow")).toBe("GET, HEAD");
  });

  test("what can't be asked for isn't listed", async () => {
    expect(await (await read("/", { host: "localhost" })).text()).not.toContain("POST");
  });
});
