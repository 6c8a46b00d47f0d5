// The fields that are known and not honoured, by message, with what happens when they are set:
//   degraded  resilience that was asked for and isn't given; the place stays right, and it is reported
//   need      it can't be decided when a connection is opened: the owner needs another engine
//   rejected  it would change where or whether traffic goes: the resource is refused
export interface Fate {
  readonly kind: "ignored" | "degraded" | "need" | "rejected";
  readonly reason: string;
}

const degraded = (reason: string): Fate => ({ kind: "degraded", reason });
const need = (reason: string): Fate => ({ kind: "need", reason });
const rejected = (reason: string): Fate => ({ kind: "rejected", reason });

const RATE_LIMIT_SERVICE = rejected("no rate limit service is asked: use the local_ratelimit filter");
const HEDGE = rejected("requests aren't hedged");
const CORS = rejected(
  "is deprecated: use typed_per_filter_config with envoy.extensions.filters.http.cors.v3.CorsPolicy",
);
const FORMATTED = rejected("only literal values, headers and regular expressions rewrite requests");
const PATH_EXTENSION = rejected(
  "path extensions aren't supported: use prefix, path, path_separated_prefix or safe_regex",
);
const METADATA = rejected("requests carry no metadata and no filter state that could be matched");
const OWN_CHECK_ADDRESS = rejected("every endpoint is checked at its own address and port");
const EXPRESSION = rejected("expressions aren't evaluated");
const CLUSTER_PLUGIN = rejected(
  "clusters aren't chosen by extensions: use cluster, weighted_clusters or cluster_header",
);
const DESCRIPTORS = rejected("requests are limited by one bucket: use token_bucket");
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
    close_connections_on_host_health_failure: degraded("connections stay open when an endpoint fails its checks"),
    // Istio sets it on its inbound clusters, which no governed listener uses.
    upstream_bind_config: degraded("connections leave from the application's own address"),
    upstream_config: rejected("upstream connection pools can't be replaced"),
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
    ignore_new_hosts_until_first_hc: degraded("endpoints count from the moment that they are known"),
  },
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig": {
    subset_selectors: rejected("endpoints aren't chosen by metadata: use one cluster per subset"),
  },
  "envoy.config.cluster.v3.CircuitBreakers": {
    per_host_thresholds: degraded("connections aren't limited per endpoint"),
  },
  "envoy.config.cluster.v3.Filter": { config_discovery: EXTENSION_DISCOVERY },

  "envoy.config.core.v3.ConfigSource": {
    path: OTHER_SOURCE,
    path_config_source: OTHER_SOURCE,
    api_config_source: OTHER_SOURCE,
    self: OTHER_SOURCE,
  },
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
    scoped_routes: rejected("route configurations aren't chosen by the request: use rds or route_config"),
    scheme_header_transformation: rejected("HTTP/1 requests carry no scheme to change"),
    append_x_forwarded_port: rejected("x-forwarded-port isn't added"),
    forward_proto_config: rejected("x-forwarded-proto isn't changed"),
    early_header_mutation_extensions: rejected("headers are changed by routes only"),
    original_ip_detection_extensions: rejected("a client's address is the one that it connects from"),
    path_normalization_options: rejected("paths are normalized by normalize_path and merge_slashes only"),
    local_reply_config: rejected("the relay's own answers can't be changed"),
  },
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig": {
    filters: rejected("upgrades pass through http_filters"),
  },
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": { config_discovery: EXTENSION_DISCOVERY },
  "envoy.config.core.v3.Http1ProtocolOptions": {
    default_host_for_http_10: rejected("requests without a Host header aren't given one"),
    allow_chunked_length: rejected("messages with both Content-Length and Transfer-Encoding are always refused"),
    ignore_http_11_upgrade: rejected("Upgrade headers aren't ignored by their value"),
  },
  "envoy.extensions.filters.http.router.v3.Router": {
    strict_check_headers: rejected("x-envoy headers of requests aren't checked"),
    upstream_http_filters: rejected("filters run before the choice of the upstream: use http_filters"),
  },
  "envoy.extensions.filters.http.fault.v3.HTTPFault": {
    response_rate_limit: rejected("the rate of a response isn't limited"),
  },
  "envoy.extensions.filters.http.rbac.v3.RBAC": { matcher: rejected("matcher trees aren't supported: use rules") },
  "envoy.config.rbac.v3.Policy": {
    condition: EXPRESSION,
    checked_condition: EXPRESSION,
    cel_config: EXPRESSION,
  },
  "envoy.config.rbac.v3.Permission": {
    metadata: METADATA,
    sourced_metadata: METADATA,
    requested_server_name: rejected("plaintext connections name no server"),
    matcher: rejected("extensions aren't supported"),
    uri_template: rejected("extensions aren't supported: use url_path"),
  },
  "envoy.config.rbac.v3.Principal": {
    authenticated: rejected("clients aren't authenticated: their connections are plaintext"),
    metadata: METADATA,
    sourced_metadata: METADATA,
    filter_state: METADATA,
    custom: rejected("extensions aren't supported"),
  },
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": {
    descriptors: DESCRIPTORS,
    rate_limits: DESCRIPTORS,
    local_rate_limit_per_downstream_connection: rejected("one bucket is for all connections"),
    local_cluster_rate_limit: rejected("the limit isn't shared with other hosts"),
    enable_x_ratelimit_headers: rejected("x-ratelimit headers aren't added"),
  },
  "envoy.extensions.filters.http.stateful_session.v3.StatefulSession": {
    status_on_strict_destination_not_found: rejected("the status is 503"),
  },
  "envoy.type.http.v3.Cookie": { attributes: rejected("session cookies have a name, a path and a lifetime only") },

  "envoy.config.route.v3.RouteConfiguration": {
    vhds: rejected("virtual hosts aren't discovered on demand: list them"),
    vhost_header: rejected("the virtual host is chosen by the Host header"),
    ignore_path_parameters_in_path_matching: rejected("paths are matched with their parameters"),
  },
  "envoy.config.route.v3.VirtualHost": {
    matcher: rejected("matcher trees aren't supported: use routes"),
    rate_limits: RATE_LIMIT_SERVICE,
    cors: CORS,
    retry_policy_typed_config: rejected("must be retry_policy"),
    hedge_policy: HEDGE,
  },
  "envoy.config.route.v3.Route": {
    filter_action: rejected("no filter answers in the place of an upstream"),
    non_forwarding_action: rejected("is for servers, not for a mesh of clients"),
  },
  "envoy.config.route.v3.RouteMatch": {
    path_match_policy: PATH_EXTENSION,
    tls_context: rejected("requests are plaintext"),
    dynamic_metadata: METADATA,
    filter_state: METADATA,
  },
  "envoy.type.matcher.v3.StringMatcher": {
    custom: rejected("extensions aren't supported: use exact, prefix, suffix, contains or safe_regex"),
  },
  "envoy.config.core.v3.HeaderValue": { raw_value: rejected("must be value") },
  "envoy.config.core.v3.DataSource": {
    filename: rejected("files aren't read: use inline_string or inline_bytes"),
    environment_variable: rejected("the environment isn't read: use inline_string or inline_bytes"),
    watched_directory: rejected("files aren't read: use inline_string or inline_bytes"),
  },
  "envoy.config.route.v3.DirectResponseAction": {
    body_format: rejected("bodies are sent as they are: use body"),
  },
  "envoy.config.route.v3.RedirectAction": { path_rewrite: FORMATTED },
  "envoy.config.route.v3.RouteAction": {
    cluster_specifier_plugin: CLUSTER_PLUGIN,
    inline_cluster_specifier_plugin: CLUSTER_PLUGIN,
    path_rewrite_policy: PATH_EXTENSION,
    path_rewrite: FORMATTED,
    host_rewrite: FORMATTED,
    retry_policy_typed_config: rejected("must be retry_policy"),
    rate_limits: RATE_LIMIT_SERVICE,
    cors: CORS,
    hedge_policy: HEDGE,
  },
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy": {
    request_headers_mutations: rejected("mirrored requests have the headers of the request"),
    host_rewrite_literal: rejected("mirrored requests have the Host of the request"),
  },
  "envoy.config.route.v3.RouteAction.HashPolicy": { filter_state: METADATA },
  "envoy.config.route.v3.RouteAction.UpgradeConfig": {
    connect_config: rejected("CONNECT is passed to the upstream, not ended here"),
  },
  "envoy.config.route.v3.InternalRedirectPolicy": {
    predicates: rejected("redirects aren't judged by extensions"),
    response_headers_to_copy: rejected("followed requests have the headers of the request"),
  },
  "envoy.config.route.v3.RetryPolicy": {
    // Istio's retryRemoteLocalities: refusing it would refuse every route of the port.
    retry_priority: degraded("retries choose by the same priorities as requests"),
    retry_options_predicates: rejected("retries aren't changed by extensions"),
    refresh_cluster_on_retry: rejected("retries go to the request's cluster"),
  },

  "envoy.config.core.v3.HealthCheck": {
    grpc_health_check: rejected("must be http_health_check or tcp_health_check"),
    custom_health_check: rejected("must be http_health_check or tcp_health_check"),
    alt_port: OWN_CHECK_ADDRESS,
    event_service: rejected("results aren't sent to a service"),
    tls_options: rejected("checks are plaintext"),
    transport_socket_match_criteria: rejected("checks are plaintext"),
  },
  "envoy.config.core.v3.HealthCheck.HttpHealthCheck": {
    send: rejected("checks have no body"),
    receive: rejected("the body of an answer isn't looked at: use expected_statuses"),
    request_headers_to_remove: rejected("checks have no headers that could be removed"),
    retriable_statuses: rejected("an answer is expected or a failure"),
    service_name_matcher: rejected("any service may answer"),
  },
  "envoy.config.core.v3.HealthCheck.TcpHealthCheck": {
    proxy_protocol_config: rejected("checks carry no PROXY protocol"),
  },
  "envoy.config.endpoint.v3.Endpoint.HealthCheckConfig": {
    port_value: OWN_CHECK_ADDRESS,
    hostname: rejected("checks have the Host header of the cluster's http_health_check"),
    address: OWN_CHECK_ADDRESS,
    disable_active_health_check: rejected("every endpoint of a cluster is checked"),
  },
  "envoy.config.cluster.v3.OutlierDetection": {
    enforcing_local_origin_success_rate: degraded("success rates don't tell local errors from the upstream's"),
    enforcing_failure_percentage_local_origin: degraded("percentages don't tell local errors from the upstream's"),
    successful_active_health_check_uneject_host: degraded("an ejection lasts its time"),
    monitors: rejected("extensions aren't supported"),
    detect_degraded_hosts: degraded("no endpoint counts as degraded"),
  },
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget": {
    budget_interval: rejected("the budget is a share of the requests of the moment"),
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
