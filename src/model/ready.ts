// Warming, as Envoy: a new or changed resource takes effect once everything that it refers to is there; until then the version
// that was ready before stays. What is gone from the snapshot goes at once. Resources are never copied: identity is kept.
import type { EndpointAssignment } from "./endpoint.ts";
import type { Listener } from "./listener.ts";
import { clustersOfListener, clustersOfRoute, routesOf } from "./references.ts";
import type { RouteConfiguration } from "./route.ts";
import type { ModelOf, ResourceType, Snapshot } from "./snapshot.ts";

export interface Reference {
  readonly type: ResourceType;
  readonly name: string;
}

/** A resource that isn't in effect yet, and why. */
export interface Waiting extends Reference {
  readonly for: readonly Reference[];
  /** Its previous version is in effect meanwhile. */
  readonly hasPrevious: boolean;
}

export interface Ready {
  /** What is in effect. */
  readonly snapshot: Snapshot;
  /** What it was taken from. */
  readonly source: Snapshot;
  readonly waiting: readonly Waiting[];
  /** Clusters that listeners and routes name and that aren't there: late, or a mistake in the control plane's configuration. */
  readonly danglingClusters: ReadonlySet<string>;
}

/**
 * Names whose initial fetch is over without a resource (not sent in time, refused, or declared absent): nothing waits for them.
 * A cluster without its assignment has no endpoint then; a listener or route that names a missing cluster has that one missing.
 */
export interface GivenUp {
  readonly cluster: ReadonlySet<string>;
  readonly endpoint: ReadonlySet<string>;
}

/** For sources that never make one wait (a file): nothing to come, so nothing is waited for but what is there. */
export const nothingGivenUp: GivenUp = { cluster: new Set(), endpoint: new Set() };

/** The part of `source` that is in effect, given what was in effect before. */
export function ready(source: Snapshot, previous: Ready | undefined, givenUp: GivenUp): Ready {
  const warming: Warming = { source, previous, waiting: [] };

  const cluster = warm("cluster", warming, ({ discovery }) => {
    if (discovery.type !== "eds") return [];
    const { serviceName: name } = discovery;
    return source.endpoint.has(name) || givenUp.endpoint.has(name) ? [] : [{ type: "endpoint", name }];
  });
  const missingClusters = (names: readonly string[]): Reference[] =>
    distinct(names.filter((name) => !cluster.has(name)))
      .filter((name) => source.cluster.has(name) || !givenUp.cluster.has(name))
      .map((name) => ({ type: "cluster", name }));
  const route = warm("route", warming, (configuration) => missingClusters(clustersOfRoute(configuration)));
  const missingRoutes = (names: readonly string[]): Reference[] =>
    distinct(names.filter((name) => !route.has(name))).map((name) => ({ type: "route", name }));
  const listener = warm("listener", warming, (it) => [
    ...missingClusters(clustersOfListener(it)),
    ...missingRoutes(routesOf(it)),
  ]);

  return {
    snapshot: {
      listener,
      route: withPreviousRoutes(previous, route, listener),
      cluster,
      endpoint: withPreviousEndpoints(warming),
    },
    source,
    waiting: warming.waiting,
    danglingClusters: findDanglingClusters(source, previous),
  };
}

interface Warming {
  readonly source: Snapshot;
  readonly previous: Ready | undefined;
  readonly waiting: Waiting[];
}

/** What was ready and hasn't changed stays ready, even if something that it refers to has gone since. */
function warm<T extends ResourceType>(
  type: T,
  { source, previous, waiting }: Warming,
  missing: (resource: ModelOf[T]) => readonly Reference[],
): ReadonlyMap<string, ModelOf[T]> {
  const current: ReadonlyMap<string, ModelOf[T]> = source[type];
  const before: ReadonlyMap<string, ModelOf[T]> | undefined = previous?.snapshot[type];
  // The same resources, and all of them in effect: the common case of an update of endpoints.
  const isSame = previous?.source[type] === current && !previous.waiting.some((it) => it.type === type);
  if (isSame && before?.size === current.size) return before;

  const warmed = new Map<string, ModelOf[T]>();
  for (const [name, resource] of current) {
    const last = before?.get(name);
    const references = last === resource ? [] : missing(resource);
    if (references.length === 0) {
      warmed.set(name, resource);
      continue;
    }
    if (last !== undefined) warmed.set(name, last);
    waiting.push({ type, name, for: references, hasPrevious: last !== undefined });
  }
  return warmed;
}

/** A cluster that is in effect in its previous version takes its previous endpoints with it, where they were dropped since. */
function withPreviousEndpoints({ source, previous, waiting }: Warming): ReadonlyMap<string, EndpointAssignment> {
  const kept = new Map<string, EndpointAssignment>();
  for (const { type, name } of waiting) {
    const discovery = type === "cluster" ? previous?.snapshot.cluster.get(name)?.discovery : undefined;
    if (discovery?.type !== "eds" || source.endpoint.has(discovery.serviceName)) continue;
    const assignment = previous?.snapshot.endpoint.get(discovery.serviceName);
    if (assignment !== undefined) kept.set(discovery.serviceName, assignment);
  }
  return kept.size === 0 ? source.endpoint : new Map([...source.endpoint, ...kept]);
}

/**
 * A listener in effect keeps its route configuration: its previous version, what the listener itself no longer names in the
 * source; and, as Envoy, one that the server has removed while the listener still names it.
 */
function withPreviousRoutes(
  previous: Ready | undefined,
  routes: ReadonlyMap<string, RouteConfiguration>,
  listeners: ReadonlyMap<string, Listener>,
): ReadonlyMap<string, RouteConfiguration> {
  const gone = [...(previous?.snapshot.route ?? [])].filter(([name]) => !routes.has(name));
  if (gone.length === 0) return routes;
  const named = new Set([...listeners.values()].flatMap(routesOf));
  return new Map([...routes, ...gone.filter(([name]) => named.has(name))]);
}

function findDanglingClusters(source: Snapshot, previous: Ready | undefined): ReadonlySet<string> {
  const { cluster, route, listener } = source;
  const last = previous?.source;
  if (previous !== undefined && last?.cluster === cluster && last.route === route && last.listener === listener) {
    return previous.danglingClusters;
  }
  const dangling = new Set<string>();
  for (const it of listener.values())
    for (const name of clustersOfListener(it)) if (!cluster.has(name)) dangling.add(name);
  for (const it of route.values()) for (const name of clustersOfRoute(it)) if (!cluster.has(name)) dangling.add(name);
  return dangling;
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
