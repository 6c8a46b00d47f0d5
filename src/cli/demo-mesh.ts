// The demo's mesh file: an Envoy bootstrap.

export const demoVips = {
  plain: "127.96.0.1:80",
  weighted: "127.96.0.2:80",
  empty: "127.96.0.3:80",
} as const;

/** The ports of the two backends on 127.0.0.1. */
export function demoMesh(v1: number, v2: number): unknown {
  return {
    static_resources: {
      listeners: [
        listener("plain", demoVips.plain, { cluster: "shop" }),
        listener("weighted", demoVips.weighted, {
          weighted_clusters: {
            clusters: [
              { name: "shop-v1", weight: 90 },
              { name: "shop-v2", weight: 10 },
            ],
          },
        }),
        listener("empty", demoVips.empty, { cluster: "shop-v3" }),
      ],
      clusters: [cluster("shop", [v1, v2]), cluster("shop-v1", [v1]), cluster("shop-v2", [v2]), cluster("shop-v3", [])],
    },
  };
}

function listener(name: string, vip: string, target: Record<string, unknown>): unknown {
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    stat_prefix: name,
    ...target,
  };
  const [address = "", port = ""] = vip.split(":");
  return {
    name,
    address: { socket_address: { address, port_value: Number(port) } },
    filter_chains: [{ filters: [{ name: "envoy.filters.network.tcp_proxy", typed_config }] }],
  };
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
