// Envoy resources for scenarios, short to write: backends go by their letters, a cluster is a list of endpoints or localities.

export type Json = Readonly<Record<string, unknown>>;

const typeBase = "type.googleapis.com/envoy.extensions";
const backendPort = 8080;

/** a … h speak first; v … z answer HTTP. */
const tcpLetters = "abcdefgh";
const httpLetters = "vwxyz";

export const tcpBackends = [...tcpLetters].map((name) => ({ name, address: hostOf(name), port: backendPort }));
export const httpBackends = [...httpLetters].map((name) => ({
  ...{ name, address: hostOf(name), port: backendPort },
  mode: "http" as const,
}));
/** Over IPv6. */
export const v6Backends = ["six", "seven", "eight"].map((name, i) => ({
  ...{ name, address: `fd01::${i + 1}`, port: backendPort },
}));

/** At an address that no listener has. */
export const nativeBackend = { name: "native", address: "127.96.99.1", port: 8090 };

function hostOf(letter: string): string {
  const tcp = tcpLetters.indexOf(letter);
  return tcp >= 0 ? `127.0.1.${tcp + 1}` : `127.0.1.${httpLetters.indexOf(letter) + 21}`;
}

/** Where nobody listens. */
const gone = `127.0.1.99:${backendPort}`;

function addressOf(name: string): string {
  const v6 = v6Backends.find((backend) => backend.name === name);
  if (v6 !== undefined) return `[${v6.address}]:${v6.port}`;
  return name === "gone" ? gone : `${hostOf(name)}:${backendPort}`;
}

export interface EndpointSpec {
  readonly name: string;
  readonly weight?: number;
  readonly health?: "HEALTHY" | "UNHEALTHY" | "DEGRADED" | "DRAINING" | "TIMEOUT" | "UNKNOWN";
  readonly metadata?: Json;
}

export interface LocalitySpec {
  readonly endpoints: readonly (string | EndpointSpec)[];
  readonly zone?: string;
  readonly weight?: number;
  readonly priority?: number;
}

export interface ClusterSpec {
  readonly policy?: "ROUND_ROBIN" | "RANDOM" | "LEAST_REQUEST" | "RING_HASH" | "MAGLEV";
  /** Endpoints of one locality, or localities. */
  readonly endpoints?: LocalitySpec["endpoints"];
  readonly localities?: readonly LocalitySpec[];
  readonly overprovisioning?: number;
  /** Further fields of the cluster. */
  readonly more?: Json;
}

export function cluster(name: string, spec: ClusterSpec): Json {
  const localities = spec.localities ?? [{ endpoints: spec.endpoints ?? [] }];
  const policy =
    spec.overprovisioning === undefined ? {} : { policy: { overprovisioning_factor: spec.overprovisioning } };
  return {
    name,
    connect_timeout: "2s",
    type: "STATIC",
    lb_policy: spec.policy ?? "ROUND_ROBIN",
    load_assignment: { cluster_name: name, endpoints: localities.map(localityOf), ...policy },
    ...spec.more,
  };
}

function localityOf({ endpoints, zone, weight, priority }: LocalitySpec): Json {
  return {
    ...(zone === undefined ? {} : { locality: { region: "r", zone } }),
    ...(weight === undefined ? {} : { load_balancing_weight: weight }),
    ...(priority === undefined ? {} : { priority }),
    lb_endpoints: endpoints.map(endpointOf),
  };
}

function endpointOf(given: string | EndpointSpec): Json {
  const { name, weight, health, metadata } = typeof given === "string" ? { name: given } : (given as EndpointSpec);
  return {
    endpoint: { address: socketAddress(addressOf(name)) },
    ...(weight === undefined ? {} : { load_balancing_weight: weight }),
    ...(health === undefined ? {} : { health_status: health }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** One cluster, or clusters with weights. */
export type Target = string | Readonly<Record<string, number>>;

export function tcpProxy(target: Target, more: Json = {}): Json {
  const specifier =
    typeof target === "string"
      ? { cluster: target }
      : { weighted_clusters: { clusters: Object.entries(target).map(([name, weight]) => ({ name, weight })) } };
  return filter("envoy.filters.network.tcp_proxy", "filters.network.tcp_proxy.v3.TcpProxy", {
    ...{ stat_prefix: "tcp", ...specifier, ...more },
  });
}

/** What RING_HASH and MAGLEV hash. */
export const hashSource: Json = { hash_policy: [{ source_ip: {} }] };

/** Every request goes to `target`. */
export function httpManager(target: Target, routeMore: Json = {}): Json {
  const action =
    typeof target === "string"
      ? { cluster: target }
      : { weighted_clusters: { clusters: Object.entries(target).map(([name, weight]) => ({ name, weight })) } };
  const routes = [{ match: { prefix: "/" }, route: { ...action, ...routeMore } }];
  return httpManagerWith([{ name: "all", domains: ["*"], routes }]);
}

export function httpManagerWith(virtualHosts: readonly Json[]): Json {
  const router = filter("envoy.filters.http.router", "filters.http.router.v3.Router", {});
  return filter(
    "envoy.filters.network.http_connection_manager",
    "filters.network.http_connection_manager.v3.HttpConnectionManager",
    { stat_prefix: "http", route_config: { name: "r", virtual_hosts: virtualHosts }, http_filters: [router] },
  );
}

function filter(name: string, type: string, config: Json): Json {
  return { name, typed_config: { "@type": `${typeBase}.${type}`, ...config } };
}

export interface ChainSpec {
  readonly filter: Json;
  readonly prefixes?: readonly string[];
  readonly port?: number;
}

export function chain({ filter, prefixes = [], port }: ChainSpec): Json {
  const match = {
    ...(prefixes.length === 0 ? {} : { prefix_ranges: prefixes.map(prefixRange) }),
    ...(port === undefined ? {} : { destination_port: port }),
  };
  return { filters: [filter], ...(Object.keys(match).length === 0 ? {} : { filter_chain_match: match }) };
}

function prefixRange(text: string): Json {
  const [address_prefix, length] = text.split("/");
  return { address_prefix, prefix_len: Number(length) };
}

export function listener(name: string, at: string, chains: readonly ChainSpec[], more: Json = {}): Json {
  return { name, address: socketAddress(at), filter_chains: chains.map(chain), ...more };
}

/** `1.2.3.4:80` or `[::1]:80`. */
export function socketAddress(text: string): Json {
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { socket_address: { address, port_value: Number(text.slice(colon + 1)) } };
}

export function bootstrap(listeners: readonly Json[], clusters: readonly Json[]): string {
  return `${JSON.stringify({ static_resources: { listeners, clusters } }, null, 1)}\n`;
}
