// A route configuration as Envoy's JSON (envoy.config.route.v3.RouteConfiguration), as far as the model keeps it: what a
// per-request engine would need stands in metadata, by field path and reason.
import type { Route, RouteAction, RouteConfiguration, VirtualHost, WeightedCluster } from "../../model/route.ts";
import { any, type JsonObject, ownMetadata } from "./address.ts";

export function renderRouteConfiguration(configuration: RouteConfiguration): JsonObject {
  return any("envoy.config.route.v3.RouteConfiguration", routeConfigurationFields(configuration));
}

/** Without the type, as it stands in a connection manager. */
export function routeConfigurationFields({ name, virtualHosts, needs, findings }: RouteConfiguration): JsonObject {
  return { name, virtual_hosts: virtualHosts.map(renderVirtualHost), ...ownMetadata({ needs, findings }) };
}

export function renderWeighted(clusters: readonly WeightedCluster[]): JsonObject {
  return { clusters: clusters.map(({ cluster, weight }) => ({ name: cluster, weight })) };
}

function renderVirtualHost({ name, domains, routes, needs }: VirtualHost): JsonObject {
  return { name, domains, routes: routes.map(renderRoute), ...ownMetadata({ needs }) };
}

/** The model doesn't keep conditions; a route without `match` has some. */
function renderRoute({ name, matchesEverything, action, needs }: Route): JsonObject {
  const other = action.type === "other" ? [{ path: "", reason: action.what }] : [];
  return {
    ...(name === "" ? {} : { name }),
    ...(matchesEverything ? { match: { prefix: "/" } } : {}),
    ...renderAction(action),
    ...ownMetadata({ needs: [...other, ...needs] }),
  };
}

function renderAction(action: RouteAction): JsonObject {
  switch (action.type) {
    case "cluster":
      return { route: { cluster: action.cluster } };
    case "weighted_clusters":
      return { route: { weighted_clusters: renderWeighted(action.clusters) } };
    case "other":
      return {};
    default:
      return action satisfies never;
  }
}
