// envoy.config.route.v3.RouteConfiguration to the model: does every request go unchanged to one place, and what would need a
// decision or a change per request.
import type {
  RouteConfiguration as ConfigurationModel,
  Route as RouteModel,
  VirtualHost as VirtualHostModel,
} from "../../model/route.ts";
import {
  type Route,
  type RouteMatch,
  RouteSchema,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
  VirtualHostSchema,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { inspectPerFilterConfig } from "./per-filter-config.ts";
import { at, type Needs, type Report } from "./report.ts";
import { inspectRetryPolicy } from "./retry-policy.ts";
import { convertAction } from "./route-action.ts";

/** `path` is where the configuration stands in its resource: "" for RDS, the field for an inline one. */
export function convertRouteConfiguration(
  configuration: RouteConfiguration,
  path: string,
  report: Report,
): ConfigurationModel {
  const place = ownerAt(path, report);
  inspect(RouteConfigurationSchema, configuration, place);
  inspectPerFilterConfig(configuration.typedPerFilterConfig, place);
  rejectDuplicateDomains(configuration.virtualHosts, path, report);
  return {
    name: configuration.name,
    virtualHosts: configuration.virtualHosts.map((host, i) =>
      convertVirtualHost(host, at(path, `virtual_hosts[${i}]`), report),
    ),
    needs: place.needs,
    // Of an inline configuration the listener reports them.
    findings: path === "" ? report.findings() : [],
  };
}

function convertVirtualHost(host: VirtualHost, path: string, report: Report): VirtualHostModel {
  const place = ownerAt(path, report);
  inspect(VirtualHostSchema, host, place);
  inspectPerFilterConfig(host.typedPerFilterConfig, place);
  if (host.requireTls !== VirtualHost_TlsRequirementType.NONE) {
    place.needs.push({ path: "require_tls", reason: "redirects plaintext requests" });
  }
  if (host.retryPolicy !== undefined) inspectRetryPolicy(host.retryPolicy, inside(place, "retry_policy"));
  return {
    name: host.name,
    domains: [...host.domains],
    routes: host.routes.map((route, i) => convertRoute(route, `${path}.routes[${i}]`, report)),
    needs: place.needs,
  };
}

function convertRoute(route: Route, path: string, report: Report): RouteModel {
  const place = ownerAt(path, report);
  inspect(RouteSchema, route, place);
  inspectPerFilterConfig(route.typedPerFilterConfig, place);
  return {
    name: route.name,
    matchesEverything: route.match !== undefined && matchesEverything(route.match),
    action: convertAction(route, place),
    needs: place.needs,
  };
}

function ownerAt(path: string, report: Report): Place {
  const needs: Needs = [];
  return { report, path, needs, needPath: "" };
}

/** Any condition at all, even one that is always true, makes it false: then the routes after it count as well. */
function matchesEverything(match: RouteMatch): boolean {
  const isEveryPath =
    match.pathSpecifier.case === "prefix" && (match.pathSpecifier.value === "/" || match.pathSpecifier.value === "");
  const conditions = [match.headers, match.queryParameters, match.cookies, match.dynamicMetadata, match.filterState];
  const options = [match.runtimeFraction, match.grpc, match.tlsContext];
  return (
    isEveryPath && conditions.every(({ length }) => length === 0) && options.every((option) => option === undefined)
  );
}

/** Envoy compares domains without case, and refuses a duplicate (config_impl.cc, RouteMatcher). */
function rejectDuplicateDomains(hosts: readonly VirtualHost[], path: string, report: Report): void {
  const seen = new Map<string, string>();
  for (const [i, host] of hosts.entries()) {
    for (const [j, domain] of host.domains.entries()) {
      const here = at(path, `virtual_hosts[${i}].domains[${j}]`);
      const first = seen.get(domain.toLowerCase());
      if (first === undefined) seen.set(domain.toLowerCase(), here);
      else report.reject(here, `${JSON.stringify(domain)} is taken by ${first}`);
    }
  }
}
