// The mesh that the tests of real clients and servers have between them: one VIP with a route for each thing that a mesh is
// bought for, and one VIP for each server.
import { expect } from "bun:test";
import { patternDigest, type Told, told } from "../support/http-clients.ts";
import { goServer, type Inspection, nginxServer, nodeServer, webSocketServer } from "../support/http-servers.ts";
import { everything, httpListener, marked, pathRoute } from "./http-resources.ts";
import { bootstrap, type Json, staticCluster } from "./resources.ts";

export const MiB = 1 << 20;
export const shop = "127.96.0.1";
export const vips = { go: "127.96.0.2", node: "127.96.0.3", nginx: "127.96.0.4", websockets: "127.96.0.5" } as const;
/** Envoy drops trailers unless it is told not to, on both sides. */
const acceptOld = { http_protocol_options: { accept_http_10: true, enable_trailers: true } };
const keepTrailers = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http_protocol_options: { enable_trailers: true } },
    },
  },
};
const upgrades = { http_protocol_options: { enable_trailers: true }, upgrade_configs: [{ upgrade_type: "websocket" }] };

const routes: readonly Json[] = [
  {
    match: { prefix: "/canary", headers: [{ name: "x-canary", string_match: { exact: "yes" } }] },
    route: { cluster: "node" },
  },
  pathRoute("/canary", "go"),
  {
    match: { prefix: "/split" },
    route: {
      weighted_clusters: {
        clusters: [
          { name: "go", weight: 80 },
          { name: "node", weight: 20 },
        ],
      },
    },
  },
  pathRoute("/rewrite/", "go", { prefix_rewrite: "/inspect/" }),
  {
    ...pathRoute("/mutate", "go"),
    request_headers_to_add: [
      { header: { key: "x-mesh", value: "edge" } },
      { header: { key: "x-tier", value: "gold" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
    ],
    request_headers_to_remove: ["x-secret"],
    response_headers_to_add: [{ header: { key: "x-answer", value: "through the mesh" } }],
    response_headers_to_remove: ["x-internal"],
  },
  pathRoute("/flaky", "go", { retry_policy: { retry_on: "5xx", num_retries: 3 } }),
  { match: { prefix: "/old" }, redirect: { path_redirect: "/new", response_code: "FOUND" } },
  {
    match: { path: "/direct" },
    direct_response: { status: 418, body: { inline_string: "short and stout\n" } },
  },
  pathRoute("/slow", "go", { timeout: "0.3s" }),
  pathRoute("/", "go", { timeout: "0s" }),
];

/** Everything to one server, by the relay. */
function throughTo({ name, address }: { readonly name: string; readonly address: string }): readonly [Json, Json] {
  const vip = vips[name as keyof typeof vips];
  const route = { match: everything, route: { cluster: name, timeout: "0s" }, ...marked };
  return [httpListener(name, `${vip}:80`, [route], upgrades), staticCluster(name, [address], keepTrailers)];
}

const through = [goServer, nodeServer, nginxServer, webSocketServer].map(throughTo);
export const mesh = bootstrap(
  [httpListener("shop", `${shop}:80`, routes, acceptOld), ...through.map(([listener]) => listener)],
  through.map(([, cluster]) => cluster),
);

/** What the server says that it was sent. */
export const inspection = (answer: Told | undefined): Inspection => JSON.parse(told(answer).text) as Inspection;

export function headerOf({ headers }: Inspection, name: string): string | undefined {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** The server got a body of so many known bytes. */
export const uploaded = (length: number) => (answers: readonly Told[]) => {
  expect(answers.map(inspection)).toEqual([expect.objectContaining({ length, sha256: patternDigest(length) })]);
};
