// A listener as Envoy's JSON (envoy.config.listener.v3.Listener), as far as the model keeps it.
import type { Filter, FilterChain, Listener } from "../../model/listener.ts";
import { any, type JsonObject, ownMetadata, renderAddress, renderPrefix } from "./address.ts";
import { adsSource } from "./cluster.ts";
import { routeConfigurationFields } from "./route.ts";
import { renderWeighted } from "./route-action.ts";

export function renderListener(listener: Listener): JsonObject {
  const { name, role, filterChains, defaultFilterChain, needs, findings } = listener;
  return any("envoy.config.listener.v3.Listener", {
    name,
    ...renderBind({ address: listener.address, ipv4Compat: listener.ipv4Compat }),
    ...(listener.additionalAddresses.length === 0
      ? {}
      : { additional_addresses: listener.additionalAddresses.map(renderBind) }),
    ...(role === "inbound" ? { traffic_direction: "INBOUND" } : {}),
    ...(role === "catch_all" ? { use_original_dst: true } : {}),
    filter_chains: filterChains.map((chain) => renderChain(chain, name)),
    ...(defaultFilterChain === undefined ? {} : { default_filter_chain: renderChain(defaultFilterChain, name) }),
    ...ownMetadata({ needs, findings }),
  });
}

function renderBind({ address, ipv4Compat }: Listener["additionalAddresses"][number]): JsonObject {
  const { socket_address } = renderAddress(address);
  return {
    address: { socket_address: { ...(socket_address as JsonObject), ...(ipv4Compat ? { ipv4_compat: true } : {}) } },
  };
}

function renderChain({ name, match, filter }: FilterChain, listener: string): JsonObject {
  const fields = {
    ...(match.destinationPort === undefined ? {} : { destination_port: match.destinationPort }),
    ...(match.prefixes.length === 0 ? {} : { prefix_ranges: match.prefixes.map(renderPrefix) }),
    ...(match.httpOnly ? { application_protocols: ["http/1.1", "h2c"] } : {}),
  };
  return {
    ...(name === "" ? {} : { name }),
    ...(Object.keys(fields).length === 0 ? {} : { filter_chain_match: fields }),
    filters: [renderFilter(filter, listener)],
    ...(filter.type === "http_connection_manager" ? ownMetadata({ needs: filter.needs }) : {}),
  };
}

/** stat_prefix is required in Envoy and not kept of tcp_proxy: the listener's name stands for it. */
function renderFilter(filter: Filter, listener: string): JsonObject {
  switch (filter.type) {
    case "tcp_proxy": {
      const [only, ...others] = filter.clusters;
      const isSingle = only !== undefined && others.length === 0;
      return renderNetworkFilter("tcp_proxy", "tcp_proxy.v3.TcpProxy", {
        stat_prefix: listener,
        ...(isSingle ? { cluster: only.cluster } : { weighted_clusters: renderWeighted(filter.clusters) }),
        ...(filter.hashSourceIp ? { hash_policy: [{ source_ip: {} }] } : {}),
      });
    }
    case "http_connection_manager": {
      const { routes, options } = filter;
      return renderNetworkFilter("http_connection_manager", "http_connection_manager.v3.HttpConnectionManager", {
        stat_prefix: options.statPrefix,
        ...(routes.source === "inline"
          ? { route_config: routeConfigurationFields(routes.configuration) }
          : { rds: { config_source: adsSource, route_config_name: routes.name } }),
        http_filters: [router],
      });
    }
    default:
      return filter satisfies never;
  }
}

/** The last HTTP filter of every connection manager; what others there were stands among its needs. */
const router = {
  name: "envoy.filters.http.router",
  typed_config: any("envoy.extensions.filters.http.router.v3.Router", {}),
};

function renderNetworkFilter(name: string, type: string, fields: JsonObject): JsonObject {
  return {
    name: `envoy.filters.network.${name}`,
    typed_config: any(`envoy.extensions.filters.network.${type}`, fields),
  };
}
