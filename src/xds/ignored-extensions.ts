// Extensions that can't change where or whether traffic goes, by the type of their configuration, with the reason.
// Everything else that isn't interpreted is rejected.
type Table = Readonly<Record<string, string>>;

const METADATA_EXCHANGE = "exchanges workload names between Istio's proxies, for their statistics";
const STATISTICS = "counts traffic; the agent does";
const INSPECTOR = "only reads; what would use its result is reported";

export const ignoredListenerFilters: Table = {
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector": INSPECTOR,
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector": INSPECTOR,
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst":
    "the destination is never lost: connections aren't redirected",
};

/** Filters of connections: in a filter chain before the last filter, and upstream in a cluster. */
export const ignoredNetworkFilters: Table = {
  "envoy.tcp.metadataexchange.config.MetadataExchange": METADATA_EXCHANGE,
  "io.istio.network.peer_metadata.Config": METADATA_EXCHANGE,
  "io.istio.network.peer_metadata.UpstreamConfig": METADATA_EXCHANGE,
  "stats.PluginConfig": STATISTICS,
};

export const ignoredHttpFilters: Table = {
  "io.istio.http.peer_metadata.Config": METADATA_EXCHANGE,
  "stats.PluginConfig": STATISTICS,
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig": STATISTICS,
  "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig": "chooses the ALPN of TLS to the upstream; there is none",
};
