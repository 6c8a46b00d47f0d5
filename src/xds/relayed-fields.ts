// The fields that are read into the model and that only a per-request engine can honour, by message, with the reason that
// `check` gives: whoever sets one of them sends its traffic through the relay. Fields that do so only with some values
// (a timeout of 0 asks for nothing) are among the honoured fields, and their converter decides.
type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const MUTATION = "changes headers";
const REWRITE = "rewrites requests";
const MIRROR = "mirrors requests";
const RETRY = "asks for retries of its own";

const MUTATIONS = {
  request_headers_to_add: MUTATION,
  request_headers_to_remove: MUTATION,
  response_headers_to_add: MUTATION,
  response_headers_to_remove: MUTATION,
};

export const relayedFields: Table = {
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": {
    always_set_request_id_in_response: MUTATION,
    merge_slashes: REWRITE,
    strip_matching_host_port: MUTATION,
    strip_trailing_host_dot: MUTATION,
    via: MUTATION,
  },
  "envoy.config.core.v3.HttpProtocolOptions": { headers_with_underscores_action: MUTATION },
  "envoy.extensions.filters.http.fault.v3.HTTPFault": { delay: "delays requests", abort: "aborts requests" },

  "envoy.config.route.v3.RouteConfiguration": {
    ...MUTATIONS,
    internal_only_headers: MUTATION,
    request_mirror_policies: MIRROR,
  },
  "envoy.config.route.v3.VirtualHost": { ...MUTATIONS, request_mirror_policies: MIRROR },
  "envoy.config.route.v3.Route": {
    ...MUTATIONS,
    redirect: "answers with a redirect",
    direct_response: "answers without an upstream",
  },
  "envoy.config.route.v3.RouteAction": {
    cluster_header: "chooses the cluster by a header",
    prefix_rewrite: REWRITE,
    regex_rewrite: REWRITE,
    host_rewrite_literal: REWRITE,
    host_rewrite_header: REWRITE,
    host_rewrite_path_regex: REWRITE,
    append_x_forwarded_host: MUTATION,
    request_mirror_policies: MIRROR,
    priority: "counts requests against the HIGH thresholds",
    hash_policy: "chooses the endpoint by a hash of each request",
    internal_redirect_policy: "follows redirects itself",
    internal_redirect_action: "follows redirects itself",
  },
  "envoy.config.route.v3.WeightedCluster": { header_name: "chooses the cluster by a header" },
  "envoy.config.route.v3.WeightedCluster.ClusterWeight": {
    ...MUTATIONS,
    cluster_header: "chooses the cluster by a header",
    host_rewrite_literal: REWRITE,
  },
  "envoy.config.route.v3.RetryPolicy": {
    per_try_timeout: RETRY,
    per_try_idle_timeout: RETRY,
    retry_back_off: RETRY,
    rate_limited_retry_back_off: RETRY,
    retriable_headers: RETRY,
    retriable_request_headers: RETRY,
  },
};
