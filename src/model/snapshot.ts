// A Snapshot is everything a source said and we accepted: immutable, replaced as a whole, resources shared between snapshots.
// `ready` leaves out what still waits for a resource it refers to (xDS warming).
import type { Cluster } from "./cluster.ts";
import type { EndpointAssignment } from "./endpoint.ts";
import type { Listener } from "./listener.ts";
import type { RouteConfiguration } from "./route.ts";

export type ResourceType = "listener" | "route" | "cluster" | "endpoint";

export interface ModelOf {
  readonly listener: Listener;
  readonly route: RouteConfiguration;
  readonly cluster: Cluster;
  readonly endpoint: EndpointAssignment;
}

export type Snapshot = { readonly [T in ResourceType]: ReadonlyMap<string, ModelOf[T]> };

/** One resource that was refused: it becomes a NACK, or a line of `check`. */
export interface Rejection {
  readonly type: ResourceType;
  /** The resource's name; "" where it has none or can't be read. */
  readonly name: string;
  /** Field path within the resource, Envoy's field names: `endpoints[0].lb_endpoints[2].endpoint.address`. "" = the whole. */
  readonly path: string;
  readonly reason: string;
}

export const emptySnapshot: Snapshot = {
  listener: new Map(),
  route: new Map(),
  cluster: new Map(),
  endpoint: new Map(),
};

/** By identity: what didn't change is the same object. */
export function isSameSnapshot(a: Snapshot, b: Snapshot): boolean {
  return a.listener === b.listener && a.route === b.route && a.cluster === b.cluster && a.endpoint === b.endpoint;
}

/** Static resources win over dynamic ones of the same name, as in Envoy. */
export function mergeSnapshots(fixed: Snapshot | undefined, dynamic: Snapshot | undefined): Snapshot {
  if (fixed === undefined || dynamic === undefined) return fixed ?? dynamic ?? emptySnapshot;
  return {
    listener: new Map([...dynamic.listener, ...fixed.listener]),
    route: new Map([...dynamic.route, ...fixed.route]),
    cluster: new Map([...dynamic.cluster, ...fixed.cluster]),
    endpoint: new Map([...dynamic.endpoint, ...fixed.endpoint]),
  };
}
