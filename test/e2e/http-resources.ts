// HTTP listeners as these tests need them, in Envoy's JSON, and who governs by them: real Envoy, or the compiled agent.
import { Agent } from "../support/agent.ts";
import { Cgroup } from "../support/cgroup.ts";
import { Envoy } from "../support/envoy.ts";
import { Netns } from "../support/netns.ts";
import { compose, type Enter } from "../support/process.ts";
import type { Json } from "./resources.ts";

const typeBase = "type.googleapis.com";
const managerType = `${typeBase}/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`;
export const routerFilter: Json = {
  name: "envoy.filters.http.router",
  typed_config: { "@type": `${typeBase}/envoy.extensions.filters.http.router.v3.Router` },
};

/** `routes`: of a virtual host for every authority; `more`: further fields of the connection manager. */
export function httpListener(name: string, destination: string, routes: readonly Json[], more: Json = {}): Json {
  return hostsListener(name, destination, [{ name: "all", domains: ["*"], routes }], more);
}

export function hostsListener(
  name: string,
  destination: string,
  virtual_hosts: readonly Json[],
  more: Json = {},
): Json {
  return managedListener(name, destination, { route_config: { name, virtual_hosts }, ...more });
}

/** `manager`: the connection manager's fields; without others it has the router as its only filter. */
export function managedListener(name: string, destination: string, manager: Json): Json {
  const colon = destination.lastIndexOf(":");
  const [address, port_value] = [destination.slice(0, colon), Number(destination.slice(colon + 1))];
  const typed_config = { "@type": managerType, stat_prefix: name, http_filters: [routerFilter], ...manager };
  return {
    name,
    address: { socket_address: { address, port_value } },
    filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config }] }],
  };
}

export const everything: Json = { prefix: "/" };

/** What a request can't have got without the relay. */
export const marked = { request_headers_to_add: [{ header: { key: "x-mesh", value: "edge" } }] } as const;

/** A path under `prefix` goes to a cluster; `more`: of the route action. */
export function pathRoute(prefix: string, cluster: string, more: Json = {}): Json {
  return { match: { prefix }, route: { cluster, ...more } };
}

/** The first says what is right. */
export const governors = ["Envoy", "kmesh-edge"] as const;
export type GovernorName = (typeof governors)[number];

export interface Governed extends AsyncDisposable {
  readonly namespace: Netns;
  /** Runs a command as a governed workload. */
  readonly enter: Enter;
  /** Runs a command beside it, out of the mesh. */
  readonly outside: Enter;
  readonly agent: Agent | undefined;
}

/** A network namespace in which a mesh file governs what is run by `enter`, once `prepare` has started the servers. */
export async function govern(
  governor: GovernorName,
  mesh: string,
  prepare: (enter: Enter) => Promise<AsyncDisposable>,
): Promise<Governed> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await Netns.create("http"));
  const cgroup = stack.use(Cgroup.create("http"));
  const outside = namespace.enter;
  stack.use(await prepare(outside));
  let agent: Agent | undefined;
  if (governor === "Envoy") stack.use(await Envoy.start(mesh, { enter: outside }));
  else agent = stack.use(await Agent.start({ mesh, cgroups: [cgroup.path], enter: outside }));
  const owned = stack.move();
  const enter = compose(cgroup.enter, namespace.enter);
  return { namespace, enter, outside, agent, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
