import { describe, expect, test } from "bun:test";
import { createApp } from "../../admin/app.ts";
import type { ListenerStatuses } from "../../admin/listeners.ts";
import { controlPlane, fixtureView, status } from "../../admin/view.fixture.ts";
import type { AgentStatus, AgentView, WorkloadStatus } from "../../admin/view.ts";
import type { Explanation } from "../../explain.ts";
import { formatExplanation } from "./explain.ts";
import { formatStatus } from "./status.ts";
import { formatTable, printable } from "./table.ts";
import { formatWorkloads } from "./workloads.ts";

/** As a command gets it: through JSON. */
async function ask<T>(path: string, view: AgentView = fixtureView()): Promise<T> {
  return (await (await createApp(view, "full").request(path)).json()) as T;
}

async function statusText(fields: Partial<AgentStatus> = {}): Promise<string> {
  const view = fixtureView({ status: () => ({ ...status, ...fields }) });
  return formatStatus(await ask("/status", view), await ask<ListenerStatuses>("/listeners?format=json", view));
}

describe("status", () => {
  test("whole", async () => {
    expect(await statusText()).toBe(`State: live

Source:
  mesh file mesh.yaml
  configuration 3 in effect, since 2026-01-02T03:04:10.000Z
  1 of 4 commits failed

Workloads:
  WORKLOAD    STATE     ORIGIN    CGROUP  PATH
  shop.slice  attached  config    77      /sys/fs/cgroup/shop.slice
  cart.slice  missing   enrolled  -       -

Relay:
  worker 71 listens
  worker 72 is starting

Listeners:
  DESTINATION                 ENGINE   CLUSTERS                              LISTENER         REASON
  127.96.0.1:80               connect  shop                                  plain            tcp_proxy
  [2001:db8::80]:80           connect  shop                                  plain            tcp_proxy
  127.96.0.2:80               connect  shop (90 of 100), canary (10 of 100)  weighted         tcp_proxy
  any IPv4 address port 9000  refuse   -                                     prefixes         no filter chain matches and there is no default
  10.0.0.0/8 port 9000        connect  shop                                  prefixes         tcp_proxy
  127.96.0.3:80               relay    by request                            web              relayed: virtual_hosts: no virtual host for \`*\`: the Host header decides
  0.0.0.0:15001               native   -                                     virtualOutbound  takes what no other listener does: left as it is
`);
  });

  test("problems come first", async () => {
    const problems = ["control plane x: refused", "two\nlines"];
    const text = await statusText({ state: "degraded", problems, bypass: true });
    expect(text).toStartWith(`State: degraded
  problem: control plane x: refused
  problem: two\\u{a}lines
  bypass is on: every connection is left as it is
`);
  });

  test("a control plane", async () => {
    expect(await statusText({ controlPlane, file: undefined })).toContain(`Source:
  control plane 127.0.0.1:15010 (delta): connected since 2026-01-02T03:04:10.000Z; 2 listeners (1 NACKs), 2 routes`);
    const lost = { ...controlPlane, connected: false, connectedSince: undefined, attempts: 4 };
    expect(await statusText({ controlPlane: lost })).toContain("(delta): not connected, 4 attempts;");
  });

  test("what isn't in effect", async () => {
    const snapshot: AgentStatus["snapshot"] = {
      generation: 0,
      changedAt: undefined,
      rejections: [{ type: "cluster", name: "a", path: "type", reason: "unknown" }],
      waiting: [{ type: "listener", name: "b", for: [{ type: "cluster", name: "c" }], hasPrevious: true }],
      conflicts: ["listener d: 1 of its destinations belong to listener e"],
    };
    const text = await statusText({ snapshot, file: { path: "mesh.yaml", error: "bad" } });
    expect(text).toContain(
      "  mesh file mesh.yaml (last edit refused; an earlier version is in effect)\n  nothing in effect yet\n",
    );
    expect(text).toContain(`Not in effect:
  refused cluster a: type: unknown
  waiting listener b: for cluster c; its previous version is in effect
  conflict listener d: 1 of its destinations belong to listener e
`);
  });

  test("nothing at all", async () => {
    const view = fixtureView({ compiled: () => undefined });
    const nothing = await ask<ListenerStatuses>("/listeners?format=json", view);
    expect(formatStatus({ ...status, workloads: [], relayWorkers: [] }, nothing)).toEndWith(`Workloads:
  no workload is enrolled: kmesh-edge enroll CGROUP

Listeners:
  none
`);
  });
});

describe("explain", () => {
  test.each([
    [
      "127.96.0.2:80",
      `127.96.0.2:80: balanced in the kernel (engine connect)
  because: tcp_proxy
  listener: weighted
  filter chain: filter_chains[0]
  cluster shop: 90 % of the connections, round_robin, at most 100 connections
    ENDPOINT        SHARE  HEALTH
    127.0.0.1:9001  25 %   healthy
    127.0.0.1:9002  75 %   healthy
  cluster canary: 10 % of the connections, least_request
    ENDPOINT          SHARE  HEALTH
    [2001:db8::1]:80  100 %  healthy
`,
    ],
    [
      "127.96.0.3:80",
      `127.96.0.3:80: relayed request by request (engine relay)
  because: relayed: virtual_hosts: no virtual host for \`*\`: the Host header decides
  listener: web
  filter chain: filter_chains[0]
  request: GET 127.96.0.3:80/
  action: answered 404: no virtual host has this Host
  while the relay is down: connections are refused
`,
    ],
    [
      `127.96.0.3:80&path=/a?b&headers=${encodeURIComponent("Host: web.example\nX-Canary: 1")}`,
      `127.96.0.3:80: relayed request by request (engine relay)
  because: relayed: virtual_hosts: no virtual host for \`*\`: the Host header decides
  listener: web
  filter chain: filter_chains[0]
  virtual host: web.example
  request: GET web.example/a?b
  route: routes[0] canaries
  action: forwarded to cluster canary; timeout 15000 ms
  while the relay is down: connections are refused
  cluster canary: 100 % of the requests, least_request
    ENDPOINT          SHARE  HEALTH
    [2001:db8::1]:80  100 %  healthy
`,
    ],
    ["9.9.9.9:9", "9.9.9.9:9: left as it is (native)\n  because: no listener has this destination\n"],
    [
      "11.1.1.1:9000",
      "11.1.1.1:9000: refused: connect() fails\n  because: no filter chain matches and there is no default\n  listener: prefixes\n",
    ],
  ])("%s", async (destination, text) => {
    expect(formatExplanation(await ask<Explanation>(`/explain?destination=${destination}`))).toBe(text);
  });

  test("priorities are shown where they matter, and an empty cluster says so", () => {
    const base = { probability: 1 / 3, policy: "random", maxConnections: undefined, endpoints: [] };
    const priorities = [
      { healthy: 40, degraded: 10, panic: false },
      { healthy: 50, degraded: 0, panic: true },
      { healthy: 0, degraded: 0, panic: false },
    ];
    const explanation = {
      destination: "1.1.1.1:1",
      result: "refused",
      reason: "why",
      clusters: [{ name: "c", ...base, priorities }],
    } as const;
    expect(formatExplanation(explanation)).toEndWith(`  cluster c: 33.3 % of the connections, random
    priority 0: 40 % healthy, 10 % degraded
    priority 1: 50 % healthy, 0 % degraded, panic: health is ignored
    no usable endpoint
`);
  });
});

test("workloads", () => {
  expect(formatWorkloads([])).toBe("no workload is enrolled: kmesh-edge enroll CGROUP\n");
  const one: WorkloadStatus = { target: "a", path: "/a", cgroupId: "1", state: "adopted", origin: "enrolled" };
  expect(formatWorkloads([one])).toBe(
    "WORKLOAD  STATE    ORIGIN    CGROUP  PATH\na         adopted  enrolled  1       /a\n",
  );
});

test.each([
  ["plain text: ünïcode", "plain text: ünïcode"],
  ["\u001b[31mred", "\\u{1b}[31mred"],
  ["a\nb\tc", "a\\u{a}b\\u{9}c"],
  ["\u202edesrever", "\\u{202e}desrever"],
])("names can't steer the terminal: %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(formatTable(["NAME"], [[text]])).toBe(`NAME\n${shown}\n`);
});
