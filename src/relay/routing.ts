// Where a request goes: virtual host, route and weighted choice, or the answer that there is none.
import { chooseWeighted, weightedRandom } from "../compile/weighted-choice.ts";
import type { ForwardAction, Route, VirtualHost } from "../model/route.ts";
import type { HttpRequest } from "./behaviour/conditions.ts";
import { type LocalReply, localReply, redirectReply } from "./behaviour/local-reply.ts";
import { mustUseTls, tlsRedirectLocation, tlsRedirectStatus } from "./behaviour/redirect.ts";
import type { ChainPlan, RoutePlan } from "./plan.ts";

/** Of the numbers that route conditions and weights are compared with. */
const randomRange = 2 ** 52;

/** A request's one number: all its fractions and its weighted choice see the same, as in Envoy. */
export function randomNumber(random: () => number): number {
  return Math.floor(random() * randomRange);
}

export interface RoutingInput {
  readonly request: HttpRequest;
  readonly random: number;
  /** Asked for where weights go by it. */
  readonly hash: (action: ForwardAction) => bigint | undefined;
}

export type Routed =
  | { readonly type: "route"; readonly plan: RoutePlan }
  | { readonly type: "reply"; readonly reply: LocalReply };

export function routeRequest(plan: ChainPlan, input: RoutingInput): Routed {
  const { request, random } = input;
  const virtualHost = plan.virtualHost(request);
  if (virtualHost !== undefined && mustUseTls(virtualHost, request)) {
    return { type: "reply", reply: redirectReply(request, tlsRedirectStatus, tlsRedirectLocation(request)) };
  }
  const route = virtualHost && plan.route(virtualHost, request, random);
  const chosen = virtualHost && route && chooseCluster(plan, virtualHost, route, input);
  if (chosen === undefined) return { type: "reply", reply: localReply(request, 404, "") };
  return { type: "route", plan: chosen };
}

/** Undefined: all weights are zero. */
function chooseCluster(plan: ChainPlan, host: VirtualHost, route: Route, input: RoutingInput): RoutePlan | undefined {
  const { action } = route;
  if (action.type !== "forward" || action.destination.type !== "weighted_clusters") {
    return plan.planOf(host, route, undefined);
  }
  const { destination } = action;
  const hash = destination.useHashPolicy ? input.hash(action) : undefined;
  const random = weightedRandom(destination, input.request, hash ?? input.random);
  const weighted = destination.clusters[chooseWeighted(destination.clusters, random)];
  return weighted && plan.planOf(host, route, weighted);
}

/** Undefined: the header that should name it isn't there, or the route sends requests nowhere. */
export function clusterName({ route: { action }, weighted }: RoutePlan, request: HttpRequest): string | undefined {
  if (action.type !== "forward") return undefined;
  const { destination } = action;
  switch (destination.type) {
    case "cluster":
      return destination.cluster;
    case "cluster_header":
      return request.values(destination.header)[0];
    case "weighted_clusters":
      return weighted?.clusterHeader === undefined ? weighted?.cluster : request.values(weighted.clusterHeader)[0];
  }
}
