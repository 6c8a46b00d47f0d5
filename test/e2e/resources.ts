// Envoy resources as these tests need them, in JSON: for a mesh file (in `bootstrap`) or for a control plane (`typed`).

export type Json = Readonly<Record<string, unknown>>;

const typeBase = "type.googleapis.com";
const tcpProxyType = `${typeBase}/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`;
const ads = { ads: {}, resource_api_version: "V3" };

/** `target`: one cluster, or clusters with weights. */
export function tcpListener(
  name: string,
  destination: string,
  target: string | Readonly<Record<string, number>>,
): Json {
  const clusters =
    typeof target === "string"
      ? { cluster: target }
      : { weighted_clusters: { clusters: Object.entries(target).map(([name, weight]) => ({ name, weight })) } };
  const tcp = { "@type": tcpProxyType, stat_prefix: name, ...clusters };
  return {
    name,
    address: socketAddress(destination),
    filter_chains: [{ filters: [{ name: "envoy.filters.network.tcp_proxy", typed_config: tcp }] }],
  };
}

/** With its endpoints inside; `more`: further fields. */
export function staticCluster(name: string, endpoints: readonly string[], more: Json = {}): Json {
  return { name, connect_timeout: "1s", type: "STATIC", load_assignment: assignment(name, endpoints), ...more };
}

export function edsCluster(name: string, more: Json = {}): Json {
  return { name, connect_timeout: "1s", type: "EDS", eds_cluster_config: { eds_config: ads }, ...more };
}

export function assignment(cluster: string, endpoints: readonly string[]): Json {
  const lb_endpoints = endpoints.map((endpoint) => ({ endpoint: { address: socketAddress(endpoint) } }));
  return { cluster_name: cluster, endpoints: [{ lb_endpoints }] };
}

/** `1.2.3.4:80` or `[::1]:80`. */
function socketAddress(text: string): Json {
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { socket_address: { address, port_value: Number(text.slice(colon + 1)) } };
}

/** A mesh file. */
export function bootstrap(listeners: readonly Json[], clusters: readonly Json[]): string {
  return `${JSON.stringify({ static_resources: { listeners, clusters } }, null, 2)}\n`;
}

export interface Resources {
  readonly listeners?: readonly Json[];
  readonly clusters?: readonly Json[];
  readonly assignments?: readonly Json[];
}

/** For a control plane. */
export function typed({ listeners = [], clusters = [], assignments = [] }: Resources): Json[] {
  const as = (type: string, resources: readonly Json[]): Json[] =>
    resources.map((resource) => ({ "@type": `${typeBase}/envoy.config.${type}`, ...resource }));
  return [
    ...as("cluster.v3.Cluster", clusters),
    ...as("endpoint.v3.ClusterLoadAssignment", assignments),
    ...as("listener.v3.Listener", listeners),
  ];
}
