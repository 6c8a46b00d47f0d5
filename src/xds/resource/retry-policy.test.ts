import { describe, expect, test } from "bun:test";
import { forward, toCluster } from "../../model/http.fixture.ts";
import type { RetryPolicy } from "../../model/route.ts";
import { modelOf } from "./testdata/decode-yaml.ts";
import { configuration, forwarding, host, route, routesOf } from "./testdata/route-yaml.ts";

describe("what a retry policy becomes", () => {
  const unset: RetryPolicy = {
    conditions: [],
    retries: 1,
    perTryTimeoutMs: 0,
    perTryIdleTimeoutMs: 0,
    statusCodes: [],
    retriableHeaders: [],
    retriableRequestHeaders: [],
    backOff: { baseMs: 25, maxMs: 250 },
    rateLimitedBackOff: undefined,
    avoidPreviousHosts: false,
    hostSelectionAttempts: 1,
  };
  const cases: readonly [policy: string, expected: Partial<RetryPolicy>][] = [
    ["", {}],
    ["retry_on: ' 5xx, nope ,reset'", { conditions: ["5xx", "reset"] }],
    ["num_retries: 0, per_try_timeout: 1s", { retries: 0, perTryTimeoutMs: 1000 }],
    ["per_try_idle_timeout: 2s", { perTryIdleTimeoutMs: 2000 }],
    ["retriable_status_codes: [503, 429]", { statusCodes: [503, 429] }],
    ["retry_back_off: { base_interval: 2s }", { backOff: { baseMs: 2000, maxMs: 20_000 } }],
    ["retry_back_off: { base_interval: 0.0001s, max_interval: 3s }", { backOff: { baseMs: 1, maxMs: 3000 } }],
    [
      "rate_limited_retry_back_off: { reset_headers: [{ name: Retry-After }, { name: x, format: UNIX_TIMESTAMP }] }",
      {
        rateLimitedBackOff: {
          maxMs: 300_000,
          headers: [
            { name: "retry-after", format: "seconds" },
            { name: "x", format: "unix_timestamp" },
          ],
        },
      },
    ],
    ["retry_host_predicate: [{ name: envoy.retry_host_predicates.previous_hosts }]", { avoidPreviousHosts: true }],
    ["host_selection_retry_max_attempts: 3", { hostSelectionAttempts: 3 }],
    [
      "retriable_headers: [{ name: X-R }], retriable_request_headers: [{ name: X-Q }]",
      {
        retriableHeaders: [{ name: "x-r", condition: { match: "present" }, invert: false, missingIsEmpty: false }],
        retriableRequestHeaders: [
          { name: "x-q", condition: { match: "present" }, invert: false, missingIsEmpty: false },
        ],
      },
    ],
  ];
  test.each([...cases])("%s", (policy, expected) => {
    const { action } = routesOf(route(forwarding(`retry_policy: { ${policy} }`)))[0] ?? {};
    expect(action).toEqual(forward(toCluster("c"), { retry: { ...unset, ...expected } }));
  });

  test("a route has its virtual host's where it has none", () => {
    const hosts = host(
      `${route(forwarding(""))}, ${route(forwarding("retry_policy: { num_retries: 7 }"))}`,
      "retry_policy: { num_retries: 5 },",
    );
    const routes = modelOf("route", configuration(hosts)).virtualHosts[0]?.routes ?? [];
    const retries = routes.map(({ action }) => (action.type === "forward" ? action.retry?.retries : undefined));
    expect(retries).toEqual([5, 7]);
  });
});
