// HTTP proxies with one and the same rule: requests with `x-canary: true` go to the canary, all others to the stable version. Each
// is set up as its own manual does for speed: two workers, connections kept alive on both sides, no access log.

import { httpListener, pathRoute } from "../e2e/http-resources.ts";
import { bootstrap, type Json, staticCluster } from "../e2e/resources.ts";
import { Envoy } from "../support/envoy.ts";
import { type Enter, Process } from "../support/process.ts";
import type { TempDir } from "../support/temp.ts";
import { httpTempPaths, startNginx, waitForHttp, workers } from "./peers.ts";

export const versions = { stable: "127.0.1.1:8080", canary: "127.0.1.2:8080" } as const;
/** What a version answers with: its name in a few bytes, or so much. */
export const bodies = { small: "/", "16 KB": "/16k" } as const;
export type Body = keyof typeof bodies;
export const canaryField = "x-canary: true";

const unlimitedRequests = 1_000_000_000;
/** Idle upstream connections that a worker may keep: more than any load here opens. */
const pooled = 256;

/** Both versions of the service. */
export async function startVersions(directory: TempDir, enter: Enter): Promise<Process> {
  directory.write("16k", "0123456789abcdef".repeat(1024));
  const server = (name: string, address: string) => `server { listen ${address} backlog=4096;
    location = ${bodies.small} { return 200 "${name}\\n"; } location = ${bodies["16 KB"]} { root ${directory.path}; } }`;
  const block = `http { access_log off; keepalive_requests ${unlimitedRequests}; sendfile on; tcp_nopush on;
    ${httpTempPaths} open_file_cache max=8; open_file_cache_valid 1h;
    ${Object.entries(versions)
      .map(([name, address]) => server(name, address))
      .join("\n")} }`;
  return startNginx("versions", block, directory, enter, versions.canary);
}

/** What Envoy and kmesh-edge read: a header decides per request, so that an HTTP proxy is needed. */
export function canaryMesh(vip: string): string {
  const isCanary = { name: "x-canary", string_match: { exact: "true" } };
  const canary: Json = { match: { prefix: "/", headers: [isCanary] }, route: { cluster: "canary" } };
  const clusters = Object.entries(versions).map(([name, address]) => staticCluster(name, [address]));
  return bootstrap([httpListener("shop", vip, [canary, pathRoute("/", "stable")])], clusters);
}

export async function startCanaryEnvoy(vip: string, enter: Enter): Promise<Envoy> {
  const envoy = await Envoy.start(canaryMesh(vip), { enter, concurrency: workers });
  await waitForHttp(envoy.process, vip, enter);
  return envoy;
}

export async function startCanaryNginx(vip: string, directory: TempDir, enter: Enter): Promise<Process> {
  const upstreams = Object.entries(versions).map(
    ([name, address]) =>
      `upstream ${name} { server ${address}; keepalive ${pooled}; keepalive_requests ${unlimitedRequests}; }`,
  );
  const block = `http { access_log off; keepalive_requests ${unlimitedRequests}; ${httpTempPaths} ${upstreams.join(" ")}
    map $http_x_canary $version { "true" canary; default stable; }
    server { listen ${vip} backlog=4096; location / { proxy_pass http://$version; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; } } }`;
  return startNginx("canary-nginx", block, directory, enter, vip);
}

export async function startCanaryHaproxy(vip: string, directory: TempDir, enter: Enter): Promise<Process> {
  const backends = Object.entries(versions).map(([name, address]) => `backend ${name}\n  server one ${address}`);
  const config = directory.write(
    "canary-haproxy.cfg",
    `global
  nbthread ${workers}
  maxconn 4096
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend shop
  bind ${vip} backlog 4096
  use_backend canary if { req.hdr(x-canary) -m str true }
  default_backend stable
${backends.join("\n")}
`,
  );
  const process = Process.start(["haproxy", "-db", "-f", config], { name: "canary-haproxy", enter });
  await waitForHttp(process, vip, enter);
  return process;
}
