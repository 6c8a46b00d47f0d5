// The HTTP filters of a connection manager, in front of the router.
import type { HttpFilter as FilterModel } from "../../model/http.ts";
import { RouterSchema } from "../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import type { HttpFilter } from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { ignoredHttpFilters } from "../ignored-extensions.ts";
import { as, type Opened, open, typeNameOf } from "./any.ts";
import { readChainFilter, worksOnRequests } from "./http-filter/filters.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { at } from "./report.ts";

/** `place` is the connection manager's. */
export function convertHttpFilters(filters: readonly HttpFilter[], place: Place): FilterModel[] {
  const chain = filters.flatMap((filter, i) => convertFilter(filter, inside(place, `http_filters[${i}]`)) ?? []);
  rejectMissingRouter(filters, place);
  return chain;
}

/** Undefined for the router, for what is ignored, and for what was refused. */
function convertFilter(filter: HttpFilter, outer: Place): FilterModel | undefined {
  const { configType, name, disabled, isOptional } = filter;
  if (configType.case === "configDiscovery") return undefined; // refused by inspection
  const place = inside(outer, "typed_config");
  if (configType.case === undefined) {
    place.report.reject(place.path, "must be set: filters are found by its type");
    return undefined;
  }
  const opened = open(configType.value, place.path, place.report);
  if (opened === undefined || isRouter(opened, place) || ignoredHttpFilters[opened.typeName] !== undefined)
    return undefined;
  const needs = disabled ? [] : place.needs;
  const before = needs.length;
  const config = readChainFilter(opened, { ...place, needs });
  if (config === undefined) return refuse(opened, disabled, isOptional, place);
  // Unless a field of it was named.
  if (worksOnRequests(config) && needs.length === before)
    needs.push({ path: place.needPath, reason: `${opened.typeName} works on each request` });
  return { name, disabled, config };
}

function isRouter(opened: Opened, place: Place): boolean {
  const router = as(RouterSchema, opened);
  if (router !== undefined) inspect(RouterSchema, router, place);
  return router !== undefined;
}

function refuse({ typeName }: Opened, disabled: boolean, isOptional: boolean, { path, report }: Place): undefined {
  if (disabled) report.note("ignored", path, `${typeName} isn't supported, and is disabled`);
  else if (isOptional) report.note("ignored", path, `${typeName} isn't supported, and is optional`);
  else report.reject(path, `${typeName} isn't supported`);
  return undefined;
}

/** Envoy: the last filter must be terminal, and only the last. Without the router no request would be answered. */
function rejectMissingRouter(filters: readonly HttpFilter[], { path, report }: Place): void {
  const isRouterType = ({ configType }: HttpFilter): boolean =>
    configType.case === "typedConfig" && typeNameOf(configType.value) === RouterSchema.typeName;
  const routers = filters.filter(isRouterType).length;
  const last = filters.at(-1);
  if (last === undefined || !isRouterType(last))
    report.reject(at(path, "http_filters"), "the last filter must be the router");
  else if (routers > 1) report.reject(at(path, "http_filters"), "only the last filter may be the router");
}
