// /config_dump: the resources in effect in the shape of Envoy's (envoy.admin.v3.ConfigDump), rendered back from the model; what was
// refused stands beside them as their error_state.
import type { EndpointAssignment } from "../model/endpoint.ts";
import type { ModelOf, ResourceType } from "../model/snapshot.ts";
import { any, type JsonObject } from "./envoy/address.ts";
import { renderCluster } from "./envoy/cluster.ts";
import { renderAssignment } from "./envoy/endpoint.ts";
import { renderListener } from "./envoy/listener.ts";
import { renderRouteConfiguration } from "./envoy/route.ts";
import type { AgentView } from "./view.ts";

/** One list of a dump: its field in Envoy's message, and the type of its items. */
interface List {
  readonly field: string;
  readonly item: string;
  readonly entries: readonly Render[];
}

type Render = () => JsonObject;

interface Dump {
  readonly type: string;
  readonly lists: readonly List[];
}

export interface DumpOptions {
  readonly matches: (name: string) => boolean;
  readonly withEndpoints: boolean;
}

/** The fields that `?resource=` may name. */
export const dumpResources = [
  "static_clusters",
  "dynamic_active_clusters",
  "static_endpoint_configs",
  "dynamic_endpoint_configs",
  "static_listeners",
  "dynamic_listeners",
  "static_route_configs",
  "dynamic_route_configs",
] as const;

/** All dumps, in Envoy's order; iterators stand for arrays (stream.ts): an entry is rendered when its turn comes. */
export function dumpConfig(view: AgentView, options: DumpOptions): Iterator<JsonObject> {
  const configs = dumps(view, options).map(({ type, lists }) => {
    const filled = lists.filter(({ entries }) => entries.length > 0);
    const fields = filled.map(({ field, entries }) => [field, entries.values().map((render) => render())]);
    return any(`envoy.admin.v3.${type}`, Object.fromEntries(fields));
  });
  return configs.values();
}

/** The entries of one list, each with its type. */
export function dumpResource(view: AgentView, resource: string, options: DumpOptions): Iterator<JsonObject> {
  const all = dumps(view, options).flatMap(({ type, lists }) => lists.map((list) => ({ type, ...list })));
  const { type = "", item = "", entries = [] } = all.find(({ field }) => field === resource) ?? {};
  return entries.values().map((render) => any(`envoy.admin.v3.${type}.${item}`, render()));
}

function dumps(view: AgentView, options: DumpOptions): Dump[] {
  const source = sourceOf(view, options);
  const { cluster, endpoint, listener, route } = view.snapshot();
  return [
    dump(source, clusterKind, cluster),
    ...(options.withEndpoints ? [dump(source, endpointKind, endpoint, inlineAssignments(source))] : []),
    dump(source, listenerKind, listener),
    dump(source, routeKind, route),
  ];
}

interface Source {
  readonly view: AgentView;
  readonly matches: (name: string) => boolean;
  /** Envoy's last_updated; the agent knows when the whole changed. */
  readonly updated: JsonObject;
  /** Of a dynamic resource: the version of the last response of its type. */
  readonly version: (type: ResourceType) => JsonObject;
  readonly isStatic: (type: ResourceType, name: string) => boolean;
}

function sourceOf(view: AgentView, { matches }: DumpOptions): Source {
  const { snapshot, controlPlane } = view.status();
  const version = (type: ResourceType): string => controlPlane?.types[type].version ?? "";
  return {
    view,
    matches,
    updated: snapshot.changedAt === undefined ? {} : { last_updated: snapshot.changedAt },
    version: (type) => (version(type) === "" ? {} : { version_info: version(type) }),
    isStatic: (type, name) => view.isStatic(type, name),
  };
}

/** How the resources of one type stand in Envoy's dump. */
interface Kind<T extends ResourceType> {
  readonly type: T;
  readonly dump: string;
  /** Field, and type of its items. */
  readonly fixed: readonly [string, string];
  readonly dynamic: readonly [string, string];
  readonly render: (resource: ModelOf[T]) => JsonObject;
  /** A resource of which nothing but the name can be said. */
  readonly renderName: (name: string) => JsonObject;
  readonly wrap: (name: string, state: JsonObject) => JsonObject;
}

const clusterKind: Kind<"cluster"> = {
  type: "cluster",
  dump: "ClustersConfigDump",
  fixed: ["static_clusters", "StaticCluster"],
  dynamic: ["dynamic_active_clusters", "DynamicCluster"],
  render: (cluster) => ({ cluster: renderCluster(cluster) }),
  renderName: (name) => ({ cluster: any("envoy.config.cluster.v3.Cluster", { name }) }),
  wrap: (_, state) => state,
};

const endpointKind: Kind<"endpoint"> = {
  type: "endpoint",
  dump: "EndpointsConfigDump",
  fixed: ["static_endpoint_configs", "StaticEndpointConfig"],
  dynamic: ["dynamic_endpoint_configs", "DynamicEndpointConfig"],
  render: (assignment) => ({ endpoint_config: renderAssignment(assignment) }),
  renderName: (cluster_name) => ({
    endpoint_config: any("envoy.config.endpoint.v3.ClusterLoadAssignment", { cluster_name }),
  }),
  wrap: (_, state) => state,
};

const listenerKind: Kind<"listener"> = {
  type: "listener",
  dump: "ListenersConfigDump",
  fixed: ["static_listeners", "StaticListener"],
  dynamic: ["dynamic_listeners", "DynamicListener"],
  render: (listener) => ({ listener: renderListener(listener) }),
  renderName: (name) => ({ name }),
  wrap: (name, state) => ({ name, active_state: state }),
};

const routeKind: Kind<"route"> = {
  type: "route",
  dump: "RoutesConfigDump",
  fixed: ["static_route_configs", "StaticRouteConfig"],
  dynamic: ["dynamic_route_configs", "DynamicRouteConfig"],
  render: (configuration) => ({ route_config: renderRouteConfiguration(configuration) }),
  renderName: (name) => ({ route_config: any("envoy.config.route.v3.RouteConfiguration", { name }) }),
  wrap: (_, state) => state,
};

/** A static cluster's endpoints come with it. */
function inlineAssignments({ view, isStatic }: Source): [string, EndpointAssignment][] {
  return [...view.snapshot().cluster.values()].flatMap(({ name, discovery }): [string, EndpointAssignment][] =>
    discovery.type === "static" && isStatic("cluster", name) ? [[name, discovery.assignment]] : [],
  );
}

function dump<T extends ResourceType>(
  source: Source,
  kind: Kind<T>,
  resources: ReadonlyMap<string, ModelOf[T]>,
  inline: readonly (readonly [string, ModelOf[T]])[] = [],
): Dump {
  const { matches, updated, version, isStatic } = source;
  const own = [...resources].filter(([name]) => matches(name));
  const fixed = [...inline.filter(([name]) => matches(name)), ...own.filter(([name]) => isStatic(kind.type, name))];
  const dynamic = own.filter(([name]) => !isStatic(kind.type, name));
  const errors = errorStates(source, kind.type);
  const unknown = [...errors.keys()].filter((name) => !resources.has(name) || isStatic(kind.type, name));
  const states = dynamic.map(([name, resource]): Render => {
    const render = () => ({ ...version(kind.type), ...kind.render(resource), ...updated });
    return () => ({ ...kind.wrap(name, render()), ...errors.get(name) });
  });
  const failed = unknown.map(
    (name): Render =>
      () => ({ ...kind.renderName(name), ...errors.get(name) }),
  );
  const [fixedField, fixedItem] = kind.fixed;
  const [dynamicField, dynamicItem] = kind.dynamic;
  return {
    type: kind.dump,
    lists: [
      {
        field: fixedField,
        item: fixedItem,
        entries: fixed.map(([, resource]) => () => ({ ...kind.render(resource), ...updated })),
      },
      { field: dynamicField, item: dynamicItem, entries: [...states, ...failed] },
    ],
  };
}

/** By name. A resource that was refused keeps its last good version; one that never had any stands there with its error alone. */
function errorStates({ view, matches }: Source, type: ResourceType): ReadonlyMap<string, JsonObject> {
  const details = new Map<string, string[]>();
  for (const { type: rejected, name, path, reason } of view.status().snapshot.rejections) {
    if (rejected !== type || !matches(name)) continue;
    details.set(name, [...(details.get(name) ?? []), path === "" ? reason : `${path}: ${reason}`]);
  }
  const states = [...details].map(([name, all]) => [name, { error_state: { details: all.join("; ") } }] as const);
  return new Map(states);
}
