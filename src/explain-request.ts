// What becomes of one request on a relayed connection: its virtual host and route by the compiled table, and the route's action in
// words.
import { findRoute, findVirtualHost } from "./compile/route-match.ts";
import { compileRouteTable } from "./compile/route-table.ts";
import { formatSocketAddress, type SocketAddress } from "./ip.ts";
import type { RequestView } from "./model/request.ts";
import type {
  ForwardAction,
  MirrorPolicy,
  RedirectAction,
  Route,
  RouteConfiguration,
  VirtualHost,
  WeightedCluster,
} from "./model/route.ts";

export interface ExplainedRequest {
  readonly method?: string;
  /** With query. */
  readonly path?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export interface ExplainedRoute {
  /** `GET shop.example/cart?x` */
  readonly request: string;
  /** Undefined where none has the Host. */
  readonly virtualHost: string | undefined;
  /** Its place in the virtual host's routes; undefined where no route matches. */
  readonly index: number | undefined;
  readonly name: string;
  /** In words, the most important first. */
  readonly action: readonly string[];
}

/** `clusters`: those that the route chooses among. */
export function explainRequest(
  configuration: RouteConfiguration,
  destination: SocketAddress,
  asked: ExplainedRequest,
): ExplainedRoute & { readonly clusters: readonly WeightedCluster[] } {
  const request = viewOf(asked, destination);
  const table = compileRouteTable(configuration);
  const at = findVirtualHost(table, request.authority);
  const host = configuration.virtualHosts[at];
  const index = host === undefined || mustRedirect(host) ? -1 : findRoute(table, at, request, unlikely);
  const route = host?.routes[index];
  const { action, clusters } = describe(host, route, request);
  return {
    request: `${request.method} ${request.authority}${request.path}`,
    virtualHost: host?.name,
    index: route === undefined ? undefined : index,
    name: route?.name ?? "",
    action,
    clusters,
  };
}

/** The last remainder by every denominator: no route by a chance below certainty is taken for the rule. */
const unlikely = 999_999;

function viewOf({ method = "GET", path, headers = [] }: ExplainedRequest, destination: SocketAddress): RequestView {
  const fields = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  const values = (name: string) => fields.flatMap(([each, value]) => (each === name ? [value] : []));
  return {
    method,
    authority: values("host")[0] ?? formatSocketAddress(destination),
    path: method === "CONNECT" ? "" : (path ?? "/"),
    scheme: "http",
    values,
    header: (name) => (values(name).length === 0 ? undefined : values(name).join(",")),
  };
}

function mustRedirect({ requireTls }: VirtualHost): boolean {
  return requireTls !== "none";
}

interface Described {
  readonly action: readonly string[];
  readonly clusters: readonly WeightedCluster[];
}

function describe(host: VirtualHost | undefined, route: Route | undefined, request: RequestView): Described {
  if (host === undefined) return { action: ["answered 404: no virtual host has this Host"], clusters: [] };
  if (mustRedirect(host)) return { action: ["redirected to https: the virtual host requires TLS"], clusters: [] };
  if (route === undefined) return { action: ["answered 404: no route matches"], clusters: [] };
  switch (route.action.type) {
    case "redirect":
      return { action: [describeRedirect(route.action)], clusters: [] };
    case "direct_response":
      return { action: [`answered ${route.action.status} with ${route.action.body.length} bytes`], clusters: [] };
    case "forward":
      return describeForward(route.action, request);
    default:
      return route.action satisfies never;
  }
}

function describeRedirect({ status, scheme, host, port, path }: RedirectAction): string {
  const changes = [
    ...(scheme === undefined ? [] : [`scheme ${scheme}`]),
    ...(host === "" ? [] : [`host ${host}`]),
    ...(port === undefined ? [] : [`port ${port}`]),
    ...(path === undefined
      ? []
      : [`path by ${path.type} ${path.type === "regex" ? path.rewrite.pattern : path.value}`]),
  ];
  return `redirected with ${status}${changes.length === 0 ? "" : ` to ${changes.join(", ")}`}`;
}

function describeForward(action: ForwardAction, request: RequestView): Described {
  const { timeoutMs, retry, mirrors, pathRewrite, hostRewrite } = action;
  const { text, clusters } = describeDestination(action, request);
  return {
    action: [
      text,
      timeoutMs === 0 ? "no timeout" : `timeout ${timeoutMs} ms`,
      ...(retry === undefined ? [] : [`up to ${retry.retries} retries on ${retry.conditions.join(", ")}`]),
      ...(pathRewrite === undefined ? [] : [`path rewritten by ${pathRewrite.type}`]),
      ...(hostRewrite === undefined ? [] : [`Host rewritten by ${hostRewrite.type}`]),
      ...mirrors.map(describeMirror),
    ],
    clusters,
  };
}

function describeDestination(
  { destination, notFoundStatus }: ForwardAction,
  request: RequestView,
): { readonly text: string; readonly clusters: readonly WeightedCluster[] } {
  switch (destination.type) {
    case "cluster":
      return {
        text: `forwarded to cluster ${destination.cluster}`,
        clusters: [{ cluster: destination.cluster, weight: 1 }],
      };
    case "weighted_clusters": {
      const chosen = destination.clusters.filter(({ weight }) => weight > 0);
      const clusters = chosen.flatMap(({ cluster, clusterHeader, weight }) => {
        const name = clusterHeader === undefined ? cluster : request.header(clusterHeader);
        return name === undefined || name === "" ? [] : [{ cluster: name, weight }];
      });
      return { text: `forwarded to one of ${chosen.length} weighted clusters`, clusters };
    }
    case "cluster_header": {
      const cluster = request.header(destination.header);
      if (cluster !== undefined && cluster !== "")
        return { text: `forwarded to cluster ${cluster}, by its header`, clusters: [{ cluster, weight: 1 }] };
      return { text: `answered ${notFoundStatus}: header ${destination.header} names no cluster`, clusters: [] };
    }
    default:
      return destination satisfies never;
  }
}

function describeMirror({ cluster, clusterHeader, fraction }: MirrorPolicy): string {
  const to = cluster === "" ? `the cluster of header ${clusterHeader}` : `cluster ${cluster}`;
  const part = fraction === undefined ? "" : ` (${fraction.numerator} of ${fraction.denominator})`;
  return `mirrored to ${to}${part}`;
}
