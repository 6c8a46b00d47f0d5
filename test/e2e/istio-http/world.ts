// Istiod and everything that it governs in one network namespace: services with three versions each, and a client whose requests go
// through real Envoy or through the compiled agent, both following this Istiod.

import { join } from "node:path";
import { Agent } from "../../support/agent.ts";
import { Cgroup } from "../../support/cgroup.ts";
import { Envoy } from "../../support/envoy.ts";
import { type Ask, askAll, type Told, told } from "../../support/http-clients.ts";
import type { Inspection } from "../../support/http-servers.ts";
import { Istiod } from "../../support/istiod.ts";
import { Netns } from "../../support/netns.ts";
import { binDir, compose, type Enter, Process, run, runOk } from "../../support/process.ts";
import { type GovernorName, managedListener, routerFilter } from "../http-resources.ts";
import type { Json } from "../resources.ts";

export const versions = ["v1", "v2", "v3"] as const;
export type Version = (typeof versions)[number];
export const addressOf = (version: Version): string => `127.0.1.${versions.indexOf(version) + 1}`;
const meshConfig = "enableAutoMtls: false\ntrustDomain: cluster.local\n";

/** What a server remembers of a request. */
export interface Recorded {
  readonly host: string;
  readonly method: string;
  readonly target: string;
  readonly length: number;
}

/** A request to a service: a path, or more. */
export type ServiceAsk = string | (Partial<Omit<Ask, "url">> & { readonly path: string });

export class IstioWorld implements AsyncDisposable {
  readonly istiod: Istiod;
  readonly namespace: Netns;
  readonly agent: Agent | undefined;
  readonly #enter: Enter;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    istiod: Istiod,
    namespace: Netns,
    agent: Agent | undefined,
    enter: Enter,
    stack: AsyncDisposableStack,
  ) {
    this.istiod = istiod;
    this.namespace = namespace;
    this.agent = agent;
    this.#enter = enter;
    this.#stack = stack;
  }

  static async create(governor: GovernorName, resources: Readonly<Record<string, string>>): Promise<IstioWorld> {
    await using stack = new AsyncDisposableStack();
    const namespace = stack.use(await Netns.create("istio"));
    const cgroup = stack.use(Cgroup.create("istio"));
    for (const version of versions) stack.use(startServer(version, `${addressOf(version)}:8080`, namespace.enter));
    // What only Istio's build of Envoy has, and what changes no answer.
    const env = governor === "Envoy" ? { PILOT_ENABLE_METADATA_EXCHANGE: "false" } : {};
    const istiod = stack.use(await Istiod.start(resources, meshConfig, { enter: namespace.enter, env }));
    let agent: Agent | undefined;
    if (governor === "Envoy") stack.use(await Envoy.start(envoyBootstrap(istiod.address), { enter: namespace.enter }));
    else {
      // One worker, as Envoy has one thread here: each would allow an endpoint a connection of its own, whatever the limit.
      const config = "relay: {workers: 1}\n";
      const options = { controller: istiod.address, cgroups: [cgroup.path], enter: namespace.enter, config };
      agent = stack.use(await Agent.start(options));
    }
    return new IstioWorld(istiod, namespace, agent, compose(cgroup.enter, namespace.enter), stack.move());
  }

  /** One run of curl, over as few connections as it needs. */
  async ask(address: string, host: string, asks: readonly ServiceAsk[]): Promise<readonly Told[]> {
    const requests = asks.map((ask): Ask => {
      const { path, method = "GET", headers, ...more } = typeof ask === "string" ? { path: ask } : ask;
      return { method, url: `http://${address}${path}`, headers: { Host: host, ...headers }, ...more } as Ask;
    });
    return (await askAll("curl", requests, this.#enter)).map(told);
  }

  /** What came to a version's server with `id` in its query. */
  async records(version: Version, id: string): Promise<readonly Recorded[]> {
    const url = `http://${addressOf(version)}:8080/records?id=${id}`;
    const { stdout } = await run(["curl", "-sS", "--noproxy", "*", url], { enter: this.namespace.enter });
    return JSON.parse(stdout) as readonly Recorded[];
  }

  /** Lets the servers answer what they hold under this id. */
  async release(id: string): Promise<void> {
    for (const version of versions) {
      const url = `http://${addressOf(version)}:8080/release?id=${id}`;
      await runOk(["curl", "-sSf", "--noproxy", "*", url], { enter: this.namespace.enter });
    }
  }

  /** Starts another server, gone with the world. */
  serve(name: string, address: string): void {
    this.#stack.use(startServer(name, address, this.namespace.enter));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function startServer(name: string, address: string, enter: Enter): Process {
  return Process.start([join(binDir, "go-http"), "serve", name, address], { name: `server-${name}`, enter });
}

/** What the server says that it was sent. */
export function inspection({ text }: Told): Inspection {
  return JSON.parse(text) as Inspection;
}

/**
 * Istiod's clusters and its routes of port 80, in a listener of our own: Istio's has filters that only Istio's build of Envoy has.
 * They change no answer; the order of the others is Istio's.
 */
function envoyBootstrap(istiod: string): string {
  const { istiodCluster, ads, adsConfig } = controlPlane(istiod);
  const more = {
    rds: { route_config_name: "80", config_source: ads },
    http_filters: [httpFilter("fault", "HTTPFault"), httpFilter("cors", "Cors"), routerFilter],
    // As Istio says it for every sidecar.
    ...{ normalize_path: true, path_with_escaped_slashes_action: "KEEP_UNCHANGED", use_remote_address: false },
    upgrade_configs: [{ upgrade_type: "websocket" }],
  };
  const listener = managedListener("0.0.0.0_80", "0.0.0.0:80", more);
  return JSON.stringify({
    node: {
      id: "sidecar~127.0.0.1~envoy.default~default.svc.cluster.local",
      cluster: "envoy.default",
      metadata: { NAMESPACE: "default", INSTANCE_IPS: "127.0.0.1", CLUSTER_ID: "Kubernetes" },
    },
    dynamic_resources: { cds_config: ads, ads_config: adsConfig },
    static_resources: { listeners: [listener], clusters: [istiodCluster] },
  });
}

function httpFilter(name: string, message: string): Json {
  const type = `type.googleapis.com/envoy.extensions.filters.http.${name}.v3.${message}`;
  return { name: `envoy.filters.http.${name}`, typed_config: { "@type": type } };
}

function controlPlane(istiod: string): { readonly istiodCluster: Json; readonly ads: Json; readonly adsConfig: Json } {
  const [address, port] = istiod.split(":");
  const socket_address = { address, port_value: Number(port) };
  const lb_endpoints = [{ endpoint: { address: { socket_address } } }];
  const http2: Json = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  return {
    istiodCluster: {
      ...{ name: "istiod", type: "STATIC", connect_timeout: "5s", typed_extension_protocol_options: http2 },
      load_assignment: { cluster_name: "istiod", endpoints: [{ lb_endpoints }] },
    },
    ads: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
    adsConfig: {
      ...{ api_type: "DELTA_GRPC", transport_api_version: "V3" },
      grpc_services: [{ envoy_grpc: { cluster_name: "istiod" } }],
    },
  };
}
