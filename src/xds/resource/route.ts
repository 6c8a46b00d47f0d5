// envoy.config.route.v3.RouteConfiguration to the model: virtual hosts and their routes, with Envoy's defaults and inheritance
// resolved, and what of them needs a decision or a change per request.
import type {
  RouteConfiguration as ConfigurationModel,
  Route as RouteModel,
  VirtualHost as VirtualHostModel,
} from "../../model/route.ts";
import {
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
  VirtualHostSchema,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { convertMutations } from "./header-mutations.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { convertMirrors } from "./mirror-policy.ts";
import { convertPerFilterConfig } from "./per-filter-config.ts";
import { at, type Needs, type Report } from "./report.ts";
import { convertRetryPolicy } from "./retry-policy.ts";
import { convertAction, type Inherited } from "./route-action.ts";
import { convertMatch } from "./route-match.ts";

const DEFAULT_MAX_DIRECT_BODY = 4096;

/** `path` is where the configuration stands in its resource: "" for RDS, the field for an inline one. */
export function convertRouteConfiguration(
  configuration: RouteConfiguration,
  path: string,
  report: Report,
): ConfigurationModel {
  const place = ownerAt(path, report);
  inspect(RouteConfigurationSchema, configuration, place);
  rejectDuplicateDomains(configuration.virtualHosts, path, report);
  const inherited: Inherited = {
    retry: undefined,
    mirrors: convertMirrors(configuration.requestMirrorPolicies, path, report),
    bodyLimits: {},
    maxDirectBody: configuration.maxDirectResponseBodySizeBytes ?? DEFAULT_MAX_DIRECT_BODY,
  };
  return {
    name: configuration.name,
    virtualHosts: configuration.virtualHosts.map((host, i) =>
      convertVirtualHost(host, inherited, ownerAt(at(path, `virtual_hosts[${i}]`), report)),
    ),
    ...convertMutations(configuration, path, report),
    mostSpecificHeadersWin: configuration.mostSpecificHeaderMutationsWins,
    ignorePortInHost: configuration.ignorePortInHostMatching,
    internalOnlyHeaders: configuration.internalOnlyHeaders.map((name) => name.toLowerCase()),
    filters: convertPerFilterConfig(configuration.typedPerFilterConfig, place),
    needs: place.needs,
    // Of an inline configuration the listener reports them.
    findings: path === "" ? report.findings() : [],
  };
}

function convertVirtualHost(host: VirtualHost, inherited: Inherited, place: Place): VirtualHostModel {
  const { path, report, needs } = place;
  inspect(VirtualHostSchema, host, place);
  const mirrors = convertMirrors(host.requestMirrorPolicies, path, report);
  const passedOn: Inherited = {
    ...inherited,
    retry: host.retryPolicy && convertRetryPolicy(host.retryPolicy, inside(place, "retry_policy")),
    mirrors: mirrors.length === 0 ? inherited.mirrors : mirrors,
    bodyLimits: host,
  };
  return {
    name: host.name,
    domains: [...host.domains],
    routes: host.routes.map((route, i) => convertRoute(route, passedOn, ownerAt(`${path}.routes[${i}]`, report))),
    requireTls: convertTls(host.requireTls, place),
    ...convertMutations(host, path, report),
    // Istio asks for it on every virtual host: an implicit header, written only where requests are relayed anyway.
    attemptCount: { inRequest: host.includeRequestAttemptCount, inResponse: host.includeAttemptCountInResponse },
    filters: convertPerFilterConfig(host.typedPerFilterConfig, place),
    needs,
  };
}

function convertTls(requirement: VirtualHost_TlsRequirementType, { needs }: Place): VirtualHostModel["requireTls"] {
  if (requirement === VirtualHost_TlsRequirementType.NONE) return "none";
  needs.push({ path: "require_tls", reason: "redirects plaintext requests" });
  return requirement === VirtualHost_TlsRequirementType.ALL ? "all" : "external_only";
}

function convertRoute(route: Route, inherited: Inherited, place: Place): RouteModel {
  const { path, report, needs } = place;
  inspect(RouteSchema, route, place);
  return {
    name: route.name,
    match: convertMatch(route.match, at(path, "match"), report),
    action: convertAction(route, inherited, place),
    ...convertMutations(route, path, report),
    filters: convertPerFilterConfig(route.typedPerFilterConfig, place),
    needs,
  };
}

function ownerAt(path: string, report: Report): Place {
  const needs: Needs = [];
  return { report, path, needs, needPath: "" };
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
