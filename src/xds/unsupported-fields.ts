// The fields that are known and not honoured, by message, with what happens when they are set:
//   degraded  resilience that was asked for and isn't given; the place stays right, and it is reported
//   need      a decision or change per request: the owner needs a per-request engine
//   rejected  it would change where or whether traffic goes: the resource is refused
export interface Fate {
  readonly kind: "ignored" | "degraded" | "need" | "rejected";
  readonly reason: string;
}

const degraded = (reason: string): Fate => ({ kind: "degraded", reason });
const need = (reason: string): Fate => ({ kind: "need", reason });
const rejected = (reason: string): Fate => ({ kind: "rejected", reason });

const MUTATION = need("changes headers");
const REWRITE = need("rewrites requests");
const MIRROR = need("mirrors requests");
const RATE_LIMITS = need("limits the rate of requests");
const CORS = need("answers CORS requests");
const RETRY = need("asks for retries of its own");
const HEDGE = need("hedges requests");
const SLOW_START = rejected("slow start isn't done: weights would be wrong");
const HASH_BALANCE = rejected("bounded loads aren't balanced: set it to 0");
const SOURCE_MATCH = need("matches the client's address, which isn't known when a connection is opened");
const OTHER_SOURCE = rejected("endpoints, routes and extensions come from the mesh file or by ADS only: use ads: {}");
const EXTENSION_DISCOVERY = rejected("extension discovery isn't done: use typed_config");

type Table = Readonly<Record<string, Readonly<Record<string, Fate>>>>;

export const unsupportedFields: Table = {
  "envoy.config.cluster.v3.Cluster": {
    transport_socket_matcher: rejected("transport sockets are chosen by transport_socket_matches only"),
    cluster_type: rejected("custom cluster types aren't supported: use STATIC, EDS or ORIGINAL_DST"),
    original_dst_lb_config: rejected("ORIGINAL_DST keeps the address that the application asked for"),
    health_checks: rejected("endpoints aren't checked actively: let the control plane set health_status, or remove it"),
    // Istio sets it on its inbound clusters, which no governed listener uses.
    upstream_bind_config: degraded("connections leave from the application's own address"),
    upstream_config: rejected("upstream connection pools can't be replaced"),
    outlier_detection: degraded("endpoints that fail aren't ejected"),
    upstream_connection_options: degraded("TCP keepalive isn't set on the application's connections"),
    http2_protocol_options: degraded(
      "HTTP isn't translated: the application's protocol reaches the upstream unchanged",
    ),
  },
  "envoy.config.cluster.v3.Cluster.RoundRobinLbConfig": { slow_start_config: SLOW_START },
  "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig": { slow_start_config: SLOW_START },
  "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin": { slow_start_config: SLOW_START },
  "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest": { slow_start_config: SLOW_START },
  "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash": { hash_balance_factor: HASH_BALANCE },
  "envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig": {
    hash_balance_factor: HASH_BALANCE,
    hash_policy: rejected("hash policies are set on the listener's tcp_proxy"),
  },
  "envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig": { hash_balance_factor: HASH_BALANCE },
  "envoy.config.cluster.v3.Cluster.CommonLbConfig": {
    close_connections_on_host_set_change: degraded("connections stay open when the endpoints change"),
  },
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig": {
    subset_selectors: rejected("endpoints aren't chosen by metadata: use one cluster per subset"),
  },
  "envoy.config.cluster.v3.CircuitBreakers": {
    per_host_thresholds: degraded("connections aren't limited per endpoint"),
  },
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds": { retry_budget: degraded("requests aren't retried") },
  "envoy.config.cluster.v3.Filter": { config_discovery: EXTENSION_DISCOVERY },

  "envoy.config.core.v3.ConfigSource": {
    path: OTHER_SOURCE,
    path_config_source: OTHER_SOURCE,
    api_config_source: OTHER_SOURCE,
    self: OTHER_SOURCE,
  },
  "envoy.config.core.v3.HttpProtocolOptions": { headers_with_underscores_action: MUTATION },
  "envoy.config.core.v3.Address": {
    pipe: rejected("must be a socket_address"),
    envoy_internal_address: rejected("must be a socket_address"),
  },
  "envoy.config.core.v3.SocketAddress": {
    named_port: rejected("must be a port_value"),
    resolver_name: rejected("names aren't resolved: address must be an IP address"),
    network_namespace_filepath: rejected("connections are governed in the application's own network namespace"),
  },

  "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy": {
    drop_overloads: rejected("connections aren't dropped at random"),
    weighted_priority_health: rejected("priorities go by the number of healthy endpoints, not by their weight"),
    endpoint_stale_after: degraded("endpoints stay until the control plane removes them"),
  },
  "envoy.config.endpoint.v3.LocalityLbEndpoints": {
    load_balancer_endpoints: rejected("must be lb_endpoints"),
    leds_cluster_locality_config: rejected("must be lb_endpoints: locality endpoint discovery isn't done"),
  },
  "envoy.config.endpoint.v3.LbEndpoint": { endpoint_name: rejected("must be an endpoint with an address") },
  "envoy.config.endpoint.v3.Endpoint": {
    additional_addresses: degraded("only the first address is tried"),
  },

  "envoy.config.listener.v3.Listener": {
    fcds_config: rejected("filter chain discovery isn't done"),
    filter_chain_matcher: rejected("filter chains are chosen by filter_chain_match only"),
    udp_listener_config: rejected("UDP isn't governed"),
    api_listener: rejected("API listeners aren't governed: give it an address"),
    internal_listener: rejected("internal listeners aren't governed: give it an address"),
  },
  "envoy.config.listener.v3.FilterChainMatch": {
    address_suffix: rejected("is not implemented, in Envoy neither"),
    suffix_len: rejected("is not implemented, in Envoy neither"),
    direct_source_prefix_ranges: SOURCE_MATCH,
    source_type: SOURCE_MATCH,
    source_prefix_ranges: SOURCE_MATCH,
    source_ports: SOURCE_MATCH,
    server_names: need("matches the TLS server name, which isn't known when a connection is opened"),
  },
  "envoy.config.listener.v3.Filter": { config_discovery: EXTENSION_DISCOVERY },
  "envoy.config.listener.v3.ListenerFilter": { config_discovery: EXTENSION_DISCOVERY },

  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": {
    on_demand: rejected("clusters aren't discovered on demand"),
    tunneling_config: rejected("connections aren't tunnelled through HTTP"),
    downstream_idle_timeout: degraded("idle connections aren't closed"),
    upstream_idle_timeout: degraded("idle connections aren't closed"),
    max_downstream_connection_duration: degraded("long connections aren't closed"),
    max_downstream_connection_duration_jitter_percentage: degraded("long connections aren't closed"),
    upstream_connect_mode: degraded("the upstream is connected to at once"),
  },
  "envoy.type.v3.HashPolicy": { filter_state: rejected("only source_ip can be hashed") },

  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": {
    scoped_routes: need("chooses the route configuration by each request"),
    add_user_agent: MUTATION,
    server_name: MUTATION,
    scheme_header_transformation: MUTATION,
    via: MUTATION,
    always_set_request_id_in_response: MUTATION,
    append_x_forwarded_port: MUTATION,
    forward_proto_config: MUTATION,
    early_header_mutation_extensions: MUTATION,
    original_ip_detection_extensions: MUTATION,
    strip_matching_host_port: MUTATION,
    merge_slashes: REWRITE,
    path_normalization_options: REWRITE,
    local_reply_config: need("changes Envoy's own replies"),
    request_headers_timeout: need("asks for a timeout of its own"),
  },
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": { config_discovery: EXTENSION_DISCOVERY },
  "envoy.extensions.filters.http.router.v3.Router": {
    strict_check_headers: need("answers requests with bad headers itself"),
    upstream_http_filters: need("filters each request"),
  },
  "envoy.extensions.filters.http.fault.v3.HTTPFault": {
    delay: need("delays requests"),
    abort: need("aborts requests"),
    response_rate_limit: need("limits the rate of responses"),
  },

  "envoy.config.route.v3.RouteConfiguration": {
    vhds: need("discovers virtual hosts on demand"),
    vhost_header: need("chooses the virtual host by a header"),
    internal_only_headers: MUTATION,
    request_headers_to_add: MUTATION,
    request_headers_to_remove: MUTATION,
    response_headers_to_add: MUTATION,
    response_headers_to_remove: MUTATION,
    request_mirror_policies: MIRROR,
  },
  "envoy.config.route.v3.VirtualHost": {
    matcher: need("chooses the route with a matcher tree"),
    rate_limits: RATE_LIMITS,
    request_headers_to_add: MUTATION,
    request_headers_to_remove: MUTATION,
    response_headers_to_add: MUTATION,
    response_headers_to_remove: MUTATION,
    cors: CORS,
    retry_policy_typed_config: RETRY,
    hedge_policy: HEDGE,
    request_mirror_policies: MIRROR,
  },
  "envoy.config.route.v3.Route": {
    request_headers_to_add: MUTATION,
    request_headers_to_remove: MUTATION,
    response_headers_to_add: MUTATION,
    response_headers_to_remove: MUTATION,
  },
  "envoy.config.route.v3.RouteAction": {
    prefix_rewrite: REWRITE,
    regex_rewrite: REWRITE,
    path_rewrite_policy: REWRITE,
    path_rewrite: REWRITE,
    host_rewrite_literal: REWRITE,
    host_rewrite_header: REWRITE,
    host_rewrite_path_regex: REWRITE,
    host_rewrite: REWRITE,
    append_x_forwarded_host: MUTATION,
    retry_policy_typed_config: RETRY,
    request_mirror_policies: MIRROR,
    priority: need("counts requests against the HIGH thresholds"),
    rate_limits: RATE_LIMITS,
    hash_policy: need("chooses the endpoint by a hash of each request"),
    cors: CORS,
    internal_redirect_policy: need("follows redirects itself"),
    internal_redirect_action: need("follows redirects itself"),
    hedge_policy: HEDGE,
  },
  "envoy.config.route.v3.WeightedCluster": {
    header_name: need("chooses the cluster by a header"),
  },
  "envoy.config.route.v3.WeightedCluster.ClusterWeight": {
    request_headers_to_add: MUTATION,
    request_headers_to_remove: MUTATION,
    response_headers_to_add: MUTATION,
    response_headers_to_remove: MUTATION,
    host_rewrite_literal: REWRITE,
  },
  "envoy.config.route.v3.RetryPolicy": {
    per_try_timeout: RETRY,
    per_try_idle_timeout: RETRY,
    retry_priority: RETRY,
    retry_options_predicates: RETRY,
    retry_back_off: RETRY,
    rate_limited_retry_back_off: RETRY,
    retriable_headers: RETRY,
    retriable_request_headers: RETRY,
    refresh_cluster_on_retry: RETRY,
  },

  "envoy.config.bootstrap.v3.Bootstrap": {
    config_sources: OTHER_SOURCE,
    default_config_source: OTHER_SOURCE,
  },
  "envoy.config.bootstrap.v3.Bootstrap.DynamicResources": {
    lds_resources_locator: OTHER_SOURCE,
    cds_resources_locator: OTHER_SOURCE,
  },
  "envoy.config.bootstrap.v3.ClusterManager": {
    local_cluster_name: rejected("zone-aware routing isn't done"),
    upstream_bind_config: degraded("connections leave from the application's own address"),
  },
  "envoy.config.core.v3.ApiConfigSource": {
    cluster_names: rejected("must be grpc_services with envoy_grpc"),
    config_validators: rejected("configuration isn't validated by extensions"),
  },
  "envoy.config.core.v3.GrpcService": {
    google_grpc: rejected("must be envoy_grpc"),
    initial_metadata: rejected("no metadata is sent to the control plane"),
  },
  "envoy.config.core.v3.GrpcService.EnvoyGrpc": {
    authority: rejected("the control plane's address is its authority"),
  },
};
