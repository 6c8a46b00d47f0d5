// What a resource refers to by name: the edges listener → route configuration → cluster → endpoint assignment.
import type { Filter, Listener } from "./listener.ts";
import type { RouteAction, RouteConfiguration, WeightedCluster } from "./route.ts";

/** The route configurations that a listener takes by RDS. Only outbound listeners are governed; the others need nothing. */
export function routesOf(listener: Listener): string[] {
  return filtersOf(listener).flatMap((filter) =>
    filter.type === "http_connection_manager" && filter.routes.source === "rds" ? [filter.routes.name] : [],
  );
}

/** The clusters that a listener names itself: tcp_proxy, and inline route configurations. */
export function clustersOfListener(listener: Listener): string[] {
  return filtersOf(listener).flatMap((filter) => {
    if (filter.type === "tcp_proxy") return chosen(filter.clusters);
    return filter.routes.source === "inline" ? clustersOfRoute(filter.routes.configuration) : [];
  });
}

export function clustersOfRoute(configuration: RouteConfiguration): string[] {
  return configuration.virtualHosts.flatMap(({ routes }) => routes.flatMap(({ action }) => clustersOfAction(action)));
}

/** What has to be there for a route to be right; a header that names a cluster may name anything. */
function clustersOfAction(action: RouteAction): string[] {
  if (action.type !== "forward") return [];
  const mirrors = action.mirrors.map(({ cluster }) => cluster).filter((cluster) => cluster !== "");
  switch (action.destination.type) {
    case "cluster":
      return [action.destination.cluster, ...mirrors];
    case "weighted_clusters":
      return [...chosen(action.destination.clusters.filter(({ cluster }) => cluster !== "")), ...mirrors];
    case "cluster_header":
      return mirrors;
    default:
      return action.destination satisfies never;
  }
}

function filtersOf({ role, filterChains, defaultFilterChain }: Listener): Filter[] {
  if (role !== "outbound") return [];
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
  return chains.map(({ filter }) => filter);
}

/** Weight 0 is never chosen: nothing has to be there for it. */
function chosen(clusters: readonly WeightedCluster[]): string[] {
  return clusters.filter(({ weight }) => weight > 0).map(({ cluster }) => cluster);
}
