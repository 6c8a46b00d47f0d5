import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import type { ModelOf, ResourceType } from "../../model/snapshot.ts";
import { decodeResource } from "./decode.ts";
import { MAX_PROBLEMS } from "./report.ts";
import { encodeJson, encodeYaml } from "./testdata/decode-yaml.ts";

const kinds = [
  ["listener", "istio-listeners.json"],
  ["cluster", "istio-clusters.json"],
  ["endpoint", "istio-endpoints.json"],
  ["route", "istio-routes.json"],
] as const;

describe("what a stock istiod sends is accepted", () => {
  const resources = kinds.flatMap(([type, file]) => {
    const items: JsonValue[] = JSON.parse(readFileSync(join(import.meta.dir, "testdata", file), "utf8"));
    return items.map((value) => [type, nameIn(value), value] as const);
  });
  test.each(resources)("%s %s", (type, name, value) => {
    const decoded = decodeResource(type, encodeJson(type, value));
    expect("rejections" in decoded ? decoded.rejections : []).toEqual([]);
    expect(decoded.name).toBe(name);
  });
});

describe("what a stock istiod puts on every listener and route needs no per-request engine", () => {
  const decoded = <T extends ResourceType>(type: T, file: string): ModelOf[T][] => {
    const items: JsonValue[] = JSON.parse(readFileSync(join(import.meta.dir, "testdata", file), "utf8"));
    return items.map((value) => {
      const result = decodeResource(type, encodeJson(type, value));
      if ("rejections" in result) throw new Error(JSON.stringify(result.rejections));
      return result.model;
    });
  };

  test("outbound listeners", () => {
    const managers = decoded("listener", "istio-listeners.json")
      .filter(({ role }) => role === "outbound")
      .flatMap(({ filterChains }) => filterChains.map(({ filter }) => filter))
      .filter((filter) => filter.type === "http_connection_manager");
    expect(managers.length).toBeGreaterThan(0);
    for (const { needs, filters, options } of managers) {
      expect(needs).toEqual([]);
      expect(filters.map(({ name }) => name)).toEqual(["envoy.filters.http.fault", "envoy.filters.http.cors"]);
      expect(options).toMatchObject({ normalizePath: true, upgrades: ["websocket"], generateRequestId: false });
    }
  });

  test("clusters, but those with a DestinationRule's limits", () => {
    const clusters = decoded("cluster", "istio-clusters.json");
    const unlimited = clusters.filter(({ needs }) => needs.length === 0).map(({ name }) => name);
    expect(unlimited).toEqual([
      "outbound|9000||tcpecho.default.svc.cluster.local",
      "BlackHoleCluster",
      "PassthroughCluster",
      "InboundPassthroughCluster",
    ]);
  });

  test("virtual hosts, and the routes that say no more than Istio's defaults", () => {
    const hosts = decoded("route", "istio-routes.json").flatMap(({ virtualHosts }) => virtualHosts);
    const needs = hosts.flatMap((host) =>
      [host, ...host.routes].map((it) => [it.name, it.needs.map(({ path }) => path)]),
    );
    expect(needs).toEqual([
      ["echo.default.svc.cluster.local:80", []],
      ["canary-header", []],
      // `timeout: 3s` and `retries` of the VirtualService.
      ["split", ["route.timeout", "route.retry_policy.per_try_timeout", "route.retry_policy.retry_on"]],
      ["allow_any", []],
      ["allow_any", []],
    ]);
  });
});

describe("bytes that are no such resource", () => {
  const types: readonly ResourceType[] = ["listener", "route", "cluster", "endpoint"];
  test.each([...types])("%s without a name", (type) => {
    const path = type === "endpoint" ? "cluster_name" : "name";
    expect(decodeResource(type, new Uint8Array())).toEqual({
      name: "",
      rejections: [{ type, name: "", path, reason: "must not be empty" }],
    });
  });
  test.each([...types])("%s cut off", (type) => {
    const decoded = decodeResource(type, new Uint8Array([0x0a, 0x7f, 0x61]));
    expect(decoded).toMatchObject({
      name: "",
      rejections: [{ type, path: "", reason: expect.stringMatching(/^can't be read: /) }],
    });
  });
});

test("a field that is newer than the API is ignored and said", () => {
  const known = encodeYaml("cluster", "name: c");
  const decoded = decodeResource("cluster", new Uint8Array([...known, 0xf8, 0x7f, 0x01])); // field 2047, varint 1
  expect(decoded).toMatchObject({ name: "c", findings: [{ severity: "ignored", path: "unknown field 2047" }] });
});

test("problems are bounded", () => {
  const endpoints = Array.from({ length: 1000 }, () => "{}").join(", ");
  const decoded = decodeResource(
    "endpoint",
    encodeYaml("endpoint", `cluster_name: a\nendpoints: [{ lb_endpoints: [${endpoints}] }]`),
  );
  expect("rejections" in decoded ? decoded.rejections.length : 0).toBe(MAX_PROBLEMS);
});

const holdingBytes: readonly [type: ResourceType, yaml: string][] = [
  [
    "endpoint",
    'cluster_name: a\nendpoints: [{ lb_endpoints: [{ endpoint: { hostname: h, address: { socket_address: { address: "::1", port_value: 1 } } } }] }]',
  ],
  [
    "route",
    "name: a\nvirtual_hosts: [{ name: v, domains: [d], routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_bytes: AQID } } }] }]",
  ],
  [
    "cluster",
    "name: a\nhealth_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: { send: { binary: AQID }, receive: [{ binary: BAUG }] } }]",
  ],
];

test.each([...holdingBytes])("nothing of the response's bytes stays in a model: %s", (type, yaml) => {
  const bytes = encodeYaml(type, yaml);
  const decoded = decodeResource(type, bytes);
  const before = JSON.stringify(decoded);
  bytes.fill(0xff);
  expect(JSON.stringify(decoded)).toBe(before);
});

function nameIn(value: JsonValue): string {
  const named = value as { readonly name?: string; readonly cluster_name?: string };
  return named.name ?? named.cluster_name ?? "";
}
