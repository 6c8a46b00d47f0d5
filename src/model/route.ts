// A route configuration (envoy.config.route.v3.RouteConfiguration) reduced to what decides whether every request goes
// unchanged to one place. Routes that need a decision or a change per request say so in `needs`.
import type { Finding } from "./cluster.ts";

/** One weighted choice; weight 0 is never chosen. */
export interface WeightedCluster {
  readonly cluster: string;
  readonly weight: number;
}

export type RouteAction =
  | { readonly type: "cluster"; readonly cluster: string }
  | { readonly type: "weighted_clusters"; readonly clusters: readonly WeightedCluster[] }
  /** redirect, direct_response, cluster_header, …: decided by a per-request engine. */
  | { readonly type: "other"; readonly what: string };

export interface Route {
  readonly name: string;
  /** The match accepts every request: prefix "/" (or "") and no further condition. */
  readonly matchesEverything: boolean;
  readonly action: RouteAction;
  /** Field paths (relative to the route) of changes and explicit resilience that need a per-request engine, with the reason. */
  readonly needs: readonly Need[];
}

export interface Need {
  readonly path: string;
  readonly reason: string;
}

export interface VirtualHost {
  readonly name: string;
  /** As written: exact names, `*.suffix`, `prefix.*`, `*`, with or without `:port`. */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly needs: readonly Need[];
}

export interface RouteConfiguration {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  readonly needs: readonly Need[];
  readonly findings: readonly Finding[];
}
