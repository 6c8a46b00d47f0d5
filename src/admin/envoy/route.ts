// A route configuration as Envoy's JSON (envoy.config.route.v3.RouteConfiguration): matches, actions and changes of headers. What
// needs a decision per request stands in metadata as well, by field path and reason.
import type { Route, RouteConfiguration, VirtualHost } from "../../model/route.ts";
import { any, type JsonObject, ownMetadata } from "./address.ts";
import { renderMutations } from "./headers.ts";
import { renderAction } from "./route-action.ts";
import { renderMatch } from "./route-match.ts";

export function renderRouteConfiguration(configuration: RouteConfiguration): JsonObject {
  return any("envoy.config.route.v3.RouteConfiguration", routeConfigurationFields(configuration));
}

/** Without the type, as it stands in a connection manager. */
export function routeConfigurationFields(configuration: RouteConfiguration): JsonObject {
  const { name, virtualHosts, internalOnlyHeaders, needs, findings } = configuration;
  return {
    name,
    virtual_hosts: virtualHosts.map(renderVirtualHost),
    ...renderMutations(configuration),
    ...(configuration.mostSpecificHeadersWin ? { most_specific_header_mutations_wins: true } : {}),
    ...(configuration.ignorePortInHost ? { ignore_port_in_host_matching: true } : {}),
    ...(internalOnlyHeaders.length === 0 ? {} : { internal_only_headers: [...internalOnlyHeaders] }),
    ...ownMetadata({ needs, findings }),
  };
}

function renderVirtualHost(host: VirtualHost): JsonObject {
  const { name, domains, routes, requireTls, attemptCount, needs } = host;
  return {
    name,
    domains,
    routes: routes.map(renderRoute),
    ...(requireTls === "none" ? {} : { require_tls: requireTls.toUpperCase() }),
    ...renderMutations(host),
    ...(attemptCount.inRequest ? { include_request_attempt_count: true } : {}),
    ...(attemptCount.inResponse ? { include_attempt_count_in_response: true } : {}),
    ...ownMetadata({ needs }),
  };
}

function renderRoute(route: Route): JsonObject {
  const { name, match, action, needs } = route;
  return {
    ...(name === "" ? {} : { name }),
    match: renderMatch(match),
    ...renderAction(action, needs),
    ...renderMutations(route),
    ...ownMetadata({ needs }),
  };
}
