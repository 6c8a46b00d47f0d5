import { describe, expect, test } from "bun:test";
import { type Cluster, defaultLimits, type HealthCheck, type OutlierDetection } from "../../model/cluster.ts";
import { modelOf, rejectionsOf } from "./testdata/decode-yaml.ts";

const clusterOf = (fields: string): Cluster => modelOf("cluster", `name: c\n${fields}`);
const refused = (fields: string): string[] => rejectionsOf("cluster", `name: c\n${fields}`);

describe("circuit breakers", () => {
  const unlimited = Number.POSITIVE_INFINITY;
  const cases: readonly [thresholds: string, expected: Pick<Cluster, "maxConnections" | "limits">][] = [
    ["", { maxConnections: undefined, limits: { default: defaultLimits, high: defaultLimits } }],
    [
      "{ max_connections: 5, max_pending_requests: 0, max_requests: 4294967295, max_retries: 7 }",
      {
        maxConnections: 5,
        limits: {
          default: { connections: 5, pendingRequests: 0, requests: unlimited, retries: 7, retryBudget: undefined },
          high: defaultLimits,
        },
      },
    ],
    // The first of a priority counts.
    [
      "{ priority: HIGH, max_requests: 2 }, { priority: HIGH, max_requests: 3 }",
      {
        maxConnections: undefined,
        limits: { default: defaultLimits, high: { ...defaultLimits, requests: 2 } },
      },
    ],
    [
      "{ retry_budget: {} }, { priority: HIGH, retry_budget: { budget_percent: { value: 12.5 }, min_retry_concurrency: 0 } }",
      {
        maxConnections: undefined,
        limits: {
          default: { ...defaultLimits, retryBudget: { percent: 20, minimum: 3 } },
          high: { ...defaultLimits, retryBudget: { percent: 12.5, minimum: 0 } },
        },
      },
    ],
  ];
  test.each([...cases])("%s", (thresholds, expected) => {
    expect(clusterOf(`circuit_breakers: { thresholds: [${thresholds}] }`)).toMatchObject(expected);
  });
});

describe("outlier detection", () => {
  const unset: OutlierDetection = {
    consecutive5xx: 5,
    consecutiveGatewayFailure: 5,
    consecutiveLocalOriginFailure: 5,
    enforcing5xx: 100,
    enforcingGatewayFailure: 0,
    enforcingLocalOriginFailure: 100,
    splitLocalOriginErrors: false,
    intervalMs: 10_000,
    baseEjectionMs: 30_000,
    maxEjectionMs: 300_000,
    maxEjectionPercent: 10,
    alwaysEjectOne: false,
    successRate: { enforcing: 100, minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 },
    failurePercentage: undefined,
  };
  const cases: readonly [fields: string, expected: Partial<OutlierDetection>][] = [
    ["", {}],
    [
      "consecutive_5xx: 3, interval: 5s, base_ejection_time: 400s, max_ejection_percent: 0, enforcing_success_rate: 0",
      {
        consecutive5xx: 3,
        intervalMs: 5000,
        baseEjectionMs: 400_000,
        maxEjectionMs: 400_000,
        maxEjectionPercent: 0,
        successRate: undefined,
      },
    ],
    [
      "enforcing_failure_percentage: 50, failure_percentage_threshold: 60, split_external_local_origin_errors: true, always_eject_one_host: true",
      {
        failurePercentage: { enforcing: 50, threshold: 60, minimumHosts: 5, requestVolume: 50 },
        splitLocalOriginErrors: true,
        alwaysEjectOne: true,
      },
    ],
  ];
  test.each([...cases])("%s", (fields, expected) => {
    expect(clusterOf(`outlier_detection: { ${fields} }`).outlierDetection).toEqual({ ...unset, ...expected });
  });

  test("there is none where it is unset", () => {
    expect(clusterOf("").outlierDetection).toBeUndefined();
  });
});

const TIMES = "timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 3";
const check = (fields: string): string => `health_checks: [{ ${TIMES}, ${fields} }]`;

describe("health checks", () => {
  const times = {
    timeoutMs: 1000,
    intervalMs: 5000,
    noTrafficIntervalMs: 60_000,
    unhealthyIntervalMs: 5000,
    unhealthyThreshold: 2,
    healthyThreshold: 3,
  };
  const http = {
    type: "http",
    path: "/h",
    host: "",
    method: "GET",
    expectedStatuses: [[200, 201]],
    requestHeaders: [],
  } as const;
  const tcp = { type: "tcp", send: new Uint8Array(), receive: [] } as const;
  const cases: readonly [fields: string, expected: HealthCheck][] = [
    ["tcp_health_check: {}", { ...times, check: tcp }],
    [
      "tcp_health_check: { send: { text: 00fF }, receive: [{ binary: AQI= }, { text: '03' }] }, no_traffic_interval: 2s, unhealthy_interval: 0.0001s",
      {
        ...times,
        noTrafficIntervalMs: 2000,
        unhealthyIntervalMs: 1,
        check: {
          ...tcp,
          send: new Uint8Array([0, 255]),
          receive: [new Uint8Array([1, 2]), new Uint8Array([3])],
        },
      },
    ],
    ["http_health_check: { path: /h }", { ...times, check: http }],
    [
      "http_health_check: { path: /h, host: h, method: HEAD, expected_statuses: [{ start: 100, end: 200 }, { start: 404, end: 600 }], request_headers_to_add: [{ header: { key: X-A, value: '100%%' } }] }",
      {
        ...times,
        check: {
          ...http,
          host: "h",
          method: "HEAD",
          expectedStatuses: [
            [100, 200],
            [404, 600],
          ],
          requestHeaders: [["X-A", "100%"]],
        },
      },
    ],
  ];
  test.each([...cases])("%s", (fields, expected) => {
    expect(clusterOf(check(fields)).healthChecks).toEqual([expected]);
  });
});

describe("the relay's connections to endpoints", () => {
  const typed = (fields: string): string =>
    `typed_extension_protocol_options: { o: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http_protocol_options: {} }, ${fields} } }`;
  const unset = { idleTimeoutMs: 3_600_000, maxConnectionMs: 0, maxRequestsPerConnection: 0 };
  const cases: readonly [fields: string, expected: Partial<Cluster["http"]>][] = [
    ["", {}],
    ["max_requests_per_connection: 3", { maxRequestsPerConnection: 3 }],
    ["common_http_protocol_options: { idle_timeout: 0s }", { idleTimeoutMs: 0 }],
    [
      typed("common_http_protocol_options: { max_requests_per_connection: 10, max_connection_duration: 1s }"),
      { maxRequestsPerConnection: 10, maxConnectionMs: 1000 },
    ],
    // The typed options replace the deprecated fields as a whole.
    [`max_requests_per_connection: 3\n${typed("")}`, {}],
  ];
  test.each([...cases])("%s", (fields, expected) => {
    expect(clusterOf(fields).http).toEqual({ ...unset, ...expected });
  });

  test("connect timeout", () => {
    expect(clusterOf("").connectTimeoutMs).toBe(5000);
    expect(clusterOf("connect_timeout: 0.25s").connectTimeoutMs).toBe(250);
  });
});

describe("what takes HTTP to the relay", () => {
  const thresholds = "circuit_breakers.thresholds[0]";
  const options = 'typed_extension_protocol_options["o"].common_http_protocol_options';
  const cases: readonly [fields: string, ...needs: string[]][] = [
    [""],
    // What Istio puts on every cluster.
    [
      "circuit_breakers: { thresholds: [{ max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295, track_remaining: true }] }\ncommon_lb_config: {}\nconnect_timeout: 10s",
    ],
    ["outlier_detection: {}", "outlier_detection"],
    [
      "circuit_breakers: { thresholds: [{ max_connections: 5, max_pending_requests: 0, max_requests: 1024, max_retries: 3 }] }",
      `${thresholds}.max_connections`,
      `${thresholds}.max_pending_requests`,
      `${thresholds}.max_requests`,
      `${thresholds}.max_retries`,
    ],
    ["circuit_breakers: { thresholds: [{ retry_budget: {} }] }", `${thresholds}.retry_budget`],
    // A route of priority HIGH takes the relay itself.
    ["circuit_breakers: { thresholds: [{ priority: HIGH, max_requests: 1 }] }"],
    [
      "circuit_breakers: { thresholds: [{ priority: HIGH }, { max_requests: 1 }] }",
      "circuit_breakers.thresholds[1].max_requests",
    ],
    ["max_requests_per_connection: 3", "max_requests_per_connection"],
    ["max_requests_per_connection: 0"],
    [
      "max_requests_per_connection: 3\ncommon_http_protocol_options: { max_requests_per_connection: 4 }",
      "common_http_protocol_options.max_requests_per_connection",
    ],
    [
      `typed_extension_protocol_options: { o: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http_protocol_options: {} }, common_http_protocol_options: { max_requests_per_connection: 10, max_connection_duration: 1s, idle_timeout: 1s } } }`,
      `${options}.max_requests_per_connection`,
      `${options}.max_connection_duration`,
    ],
  ];
  test.each([...cases])("%s", (fields, ...needs) => {
    expect(clusterOf(fields).needs.map(({ path }) => path)).toEqual(needs);
  });
});

describe("what is refused, and where", () => {
  const cases: readonly [fields: string, ...problems: string[]][] = [
    [
      "outlier_detection: { base_ejection_time: 10s, max_ejection_time: 5s }",
      "outlier_detection.max_ejection_time: must not be less than base_ejection_time",
    ],
    ["outlier_detection: { max_ejection_percent: 101 }", "outlier_detection.max_ejection_percent: must be at most 100"],
    [
      check("http_health_check: { path: '/a b' }"),
      "health_checks[0].http_health_check.path: must have no spaces and only ASCII characters",
    ],
    [
      check("http_health_check: {}"),
      "health_checks[0].http_health_check.path: must not be empty",
      "health_checks[0].http_health_check.path: must have no spaces and only ASCII characters",
    ],
    [
      check("http_health_check: { path: /, expected_statuses: [{ start: 200, end: 601 }] }"),
      "health_checks[0].http_health_check.expected_statuses[0]: must be start to end (exclusive) within 100 to 600",
    ],
    [
      check("http_health_check: { path: /, codec_client_type: HTTP2 }"),
      "health_checks[0].http_health_check.codec_client_type: must be HTTP1: checks speak HTTP/1.1",
    ],
    [
      check("http_health_check: { path: /, request_headers_to_add: [{ header: { key: a, value: '%HOSTNAME%' } }] }"),
      "health_checks[0].http_health_check.request_headers_to_add[0].header.value: must be literal: checks have no command operators",
    ],
    [
      check("tcp_health_check: { send: { text: xyz } }"),
      "health_checks[0].tcp_health_check.send.text: must be bytes in hexadecimal",
    ],
    [
      check("grpc_health_check: {}"),
      "health_checks[0].grpc_health_check: must be http_health_check or tcp_health_check",
    ],
    [check("tcp_health_check: {}, tls_options: {}"), "health_checks[0].tls_options: checks are plaintext"],
    [
      check("tcp_health_check: {}, alt_port: 1"),
      "health_checks[0].alt_port: every endpoint is checked at its own address and port",
    ],
    [
      `health_checks: [{ tcp_health_check: {} }]`,
      "health_checks[0].timeout: must be set",
      "health_checks[0].interval: must be set",
      "health_checks[0].unhealthy_threshold: must be set",
      "health_checks[0].healthy_threshold: must be set",
    ],
  ];
  test.each([...cases])("%s", (fields, ...problems) => {
    expect(refused(fields)).toEqual(problems);
  });
});
