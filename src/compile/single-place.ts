// Whether every request of a virtual host goes unchanged to one cluster: then nothing has to be read to know where a connection goes.
import type { Need, Route, VirtualHost } from "../model/route.ts";

export type Place =
  | { readonly type: "place"; readonly cluster: string }
  | { readonly type: "needs"; readonly needs: readonly Need[] };

/** The one cluster that every request of a virtual host goes to unchanged, or what stands against it. */
export function singlePlace(host: VirtualHost): Place {
  const last = host.routes.findIndex((route) => route.matchesEverything);
  if (last === -1)
    return { type: "needs", needs: [{ path: "routes", reason: "requests that match no route are answered 404" }] };
  const reachable = host.routes.slice(0, last + 1);
  const needs = reachable.flatMap((route, i) => [
    ...route.needs.map((need) => ({ ...need, path: `routes[${i}].${need.path}` })),
    ...actionNeeds(route, i),
  ]);
  if (needs.length > 0) return { type: "needs", needs };
  const clusters = new Set(reachable.map(soleCluster));
  const [cluster] = clusters;
  if (clusters.size !== 1 || cluster === undefined) {
    return { type: "needs", needs: [{ path: "routes", reason: "requests are routed to different clusters" }] };
  }
  return { type: "place", cluster };
}

function soleCluster(route: Route): string | undefined {
  if (route.action.type === "cluster") return route.action.cluster;
  if (route.action.type === "weighted_clusters") return route.action.clusters.find(({ weight }) => weight > 0)?.cluster;
  return undefined;
}

function actionNeeds({ action }: Route, i: number): Need[] {
  if (action.type === "other") return [{ path: `routes[${i}]`, reason: action.what }];
  if (action.type === "cluster" || action.clusters.filter(({ weight }) => weight > 0).length === 1) return [];
  return [{ path: `routes[${i}].route.weighted_clusters`, reason: "each request is weighed by itself" }];
}
