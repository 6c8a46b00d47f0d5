// The demo's mesh file: an Envoy bootstrap.

export const demoVips = {
  plain: "127.96.0.1:80",
  weighted: "127.96.0.2:80",
  empty: "127.96.0.3:80",
  header: "127.96.0.4:80",
} as const;

/** The ports of the two backends on 127.0.0.1. */
export function demoMesh(v1: number, v2: number): unknown {
  return {
    static_resources: {
      listeners: [
        tcpListener("plain", demoVips.plain, { cluster: "shop" }),
        tcpListener("weighted", demoVips.weighted, {
          weighted_clusters: {
            clusters: [
              { name: "shop-v1", weight: 90 },
              { name: "shop-v2", weight: 10 },
            ],
          },
        }),
        tcpListener("empty", demoVips.empty, { cluster: "shop-v3" }),
        httpListener("header", demoVips.header, [
          {
            match: { prefix: "/", headers: [{ name: "x-canary", string_match: { exact: "yes" } }] },
            route: { cluster: "shop-v2" },
          },
          { match: { prefix: "/" }, route: { cluster: "shop-v1" } },
        ]),
      ],
      clusters: [cluster("shop", [v1, v2]), cluster("shop-v1", [v1]), cluster("shop-v2", [v2]), cluster("shop-v3", [])],
    },
  };
}

function tcpListener(name: string, vip: string, target: Record<string, unknown>): unknown {
  return listener(name, vip, "network.tcp_proxy", "network.tcp_proxy.v3.TcpProxy", { stat_prefix: name, ...target });
}

function httpListener(name: string, vip: string, routes: readonly unknown[]): unknown {
  return listener(
    name,
    vip,
    "network.http_connection_manager",
    "network.http_connection_manager.v3.HttpConnectionManager",
    {
      stat_prefix: name,
      http_filters: [filter("http.router", "http.router.v3.Router", {})],
      route_config: { name, virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    },
  );
}

function listener(name: string, vip: string, filterName: string, type: string, config: object): unknown {
  const [address = "", port = ""] = vip.split(":");
  return {
    name,
    address: { socket_address: { address, port_value: Number(port) } },
    filter_chains: [{ filters: [filter(filterName, type, config)] }],
  };
}

function filter(name: string, type: string, config: object): unknown {
  const typed_config = { "@type": `type.googleapis.com/envoy.extensions.filters.${type}`, ...config };
  return { name: `envoy.filters.${name}`, typed_config };
}

function cluster(name: string, ports: readonly number[]): unknown {
  const endpoints = ports.map((port_value) => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value } } },
  }));
  return {
    name,
    type: "STATIC",
    lb_policy: "ROUND_ROBIN",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
  };
}
