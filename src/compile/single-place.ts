// Whether every request of a virtual host goes unchanged to one cluster: then nothing has to be read to know where a connection goes.
import type { RouteMatch } from "../model/matcher.ts";
import type { Need } from "../model/need.ts";
import type { Route, VirtualHost, WeightedCluster } from "../model/route.ts";

export type Place =
  | { readonly type: "place"; readonly cluster: string }
  | { readonly type: "needs"; readonly needs: readonly Need[] };

/** The one cluster that every request of a virtual host goes to unchanged, or what stands against it. */
export function singlePlace(host: VirtualHost): Place {
  const last = host.routes.findIndex(({ match }) => matchesEverything(match));
  if (last === -1)
    return { type: "needs", needs: [{ path: "routes", reason: "requests that match no route are answered 404" }] };
  const reachable = host.routes.slice(0, last + 1);
  const needs = reachable.flatMap((route, i) => [
    ...route.needs.map((need) => ({ ...need, path: `routes[${i}].${need.path}` })),
    ...actionNeeds(route, i),
  ]);
  if (needs.length > 0) return { type: "needs", needs };
  const clusters = new Set(reachable.map((route) => destinationsOf(route)?.[0]?.cluster));
  const [cluster] = clusters;
  if (clusters.size !== 1 || cluster === undefined) {
    return { type: "needs", needs: [{ path: "routes", reason: "requests are routed to different clusters" }] };
  }
  return { type: "place", cluster };
}

/** Where requests go that no condition singles out: the first route that every request matches, by its clusters with a weight. */
export function defaultDestinations(host: VirtualHost): readonly WeightedCluster[] | undefined {
  const route = host.routes.find(({ match }) => matchesEverything(match));
  return route === undefined ? undefined : destinationsOf(route);
}

/** Every request but CONNECT, which no path matches. */
export function matchesEverything({
  path,
  headers,
  queryParameters,
  cookies,
  grpcOnly,
  fraction,
}: RouteMatch): boolean {
  const isEveryPath = path.match === "prefix" && (path.value === "" || path.value === "/");
  const isAlways = fraction === undefined || fraction.numerator >= fraction.denominator;
  return isEveryPath && isAlways && !grpcOnly && headers.length + queryParameters.length + cookies.length === 0;
}

/** Undefined where a request is answered here, or names its cluster itself. */
function destinationsOf({ action }: Route): readonly WeightedCluster[] | undefined {
  if (action.type !== "forward") return undefined;
  const { destination } = action;
  switch (destination.type) {
    case "cluster":
      return [{ cluster: destination.cluster, weight: 1 }];
    case "weighted_clusters": {
      const chosen = destination.clusters.filter(({ weight }) => weight > 0);
      if (chosen.some(({ clusterHeader }) => clusterHeader !== undefined)) return undefined;
      return chosen.map(({ cluster, weight }) => ({ cluster, weight }));
    }
    case "cluster_header":
      return undefined;
    default:
      return destination satisfies never;
  }
}

/** What a decoded action asks for is among its route's own needs; only that several weights need a choice is not. */
function actionNeeds({ action, needs }: Route, i: number): Need[] {
  if (action.type === "forward" && action.destination.type === "cluster") return [];
  if (action.type === "forward" && action.destination.type === "weighted_clusters") {
    const isOne = action.destination.clusters.filter(({ weight }) => weight > 0).length === 1;
    const path = `routes[${i}].route.weighted_clusters`;
    return isOne ? [] : [{ path, reason: "each request is weighed by itself" }];
  }
  if (needs.length > 0) return [];
  return action.type === "forward"
    ? [{ path: `routes[${i}].route.cluster_header`, reason: "chooses the cluster by a header" }]
    : [{ path: `routes[${i}].${action.type}`, reason: "answers requests itself" }];
}
