// The other ways to the same backend: Envoy, nginx and haproxy as TCP proxies, two workers each. And the backend itself.

import { bootstrap, staticCluster, tcpListener } from "../e2e/resources.ts";
import { Envoy } from "../support/envoy.ts";
import { type Enter, Process, runOk } from "../support/process.ts";
import type { TempDir } from "../support/temp.ts";

export const backendAddress = "127.0.1.1:8080";
export const workers = 2;
const keepaliveRequests = 1_000_000_000;

export async function startBackend(directory: TempDir, enter: Enter): Promise<Process> {
  const http = `http {
    access_log off; keepalive_requests ${keepaliveRequests}; ${httpTempPaths}
    server { listen ${backendAddress} backlog=4096; location / { return 200 "ok\\n"; } }
  }`;
  return startNginx("backend", http, directory, enter, backendAddress);
}

export async function startNginxProxy(vip: string, directory: TempDir, enter: Enter): Promise<Process> {
  const { stderr } = Bun.spawnSync(["nginx", "-V"], { stderr: "pipe" });
  const modules = /--modules-path=(\S+)/.exec(stderr.toString())?.[1] ?? "/usr/lib/nginx/modules";
  const stream = `stream { server { listen ${vip} backlog=4096; proxy_pass ${backendAddress}; } }`;
  return startNginx("nginx", stream, directory, enter, vip, `load_module ${modules}/ngx_stream_module.so;`);
}

export const httpTempPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((kind) => `${kind}_temp_path t-${kind};`)
  .join(" ");

export async function startNginx(
  name: string,
  block: string,
  directory: TempDir,
  enter: Enter,
  address: string,
  first = "",
): Promise<Process> {
  const config = directory.write(
    `${name}.conf`,
    `${first} user root; daemon off; worker_processes ${workers}; pid ${directory.join(`${name}.pid`)}; error_log stderr warn;
    worker_rlimit_nofile 16384; events { worker_connections 4096; } ${block}\n`,
  );
  const process = Process.start(["nginx", "-p", directory.path, "-e", "stderr", "-c", config], { name, enter });
  await waitForHttp(process, address, enter);
  return process;
}

export async function startHaproxy(vip: string, directory: TempDir, enter: Enter): Promise<Process> {
  const config = directory.write(
    "haproxy.cfg",
    `global
  nbthread ${workers}
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen shop
  bind ${vip} backlog 4096
  server one ${backendAddress}
`,
  );
  const process = Process.start(["haproxy", "-db", "-f", config], { name: "haproxy", enter });
  await waitForHttp(process, vip, enter);
  return process;
}

/** What Envoy and kmesh-edge read. */
export function meshTo(vip: string): string {
  return bootstrap([tcpListener("shop", vip, "shop")], [staticCluster("shop", [backendAddress], unlimited)]);
}

const unlimited = { circuit_breakers: { thresholds: [{ max_connections: 0xffffffff }] } };

export async function startEnvoy(vip: string, enter: Enter): Promise<Envoy> {
  const envoy = await Envoy.start(meshTo(vip), { enter, concurrency: workers });
  await waitForHttp(envoy.process, vip, enter);
  return envoy;
}

export async function waitForHttp(process: Process, address: string, enter: Enter): Promise<void> {
  const argv = ["curl", "--silent", "--fail", "--noproxy", "*", `http://${address}/`];
  await process.waitFor(`an answer at ${address}`, async () => (await runOk(argv, { enter })) !== "");
}
