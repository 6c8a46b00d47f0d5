// The http_connection_manager network filter: its routes, and what it would do to each request.
import type { Filter } from "../../model/listener.ts";
import { RouterSchema } from "../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { ignoredHttpFilters } from "../ignored-extensions.ts";
import { as, open, typeNameOf } from "./any.ts";
import { FaultSchema } from "./fault.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { at, type Report } from "./report.ts";
import { convertRouteConfiguration } from "./route.ts";
import { isPositive } from "./route-action.ts";

type HttpFilterModel = Extract<Filter, { type: "http_connection_manager" }>;

const ENVOY_HTTP_FILTERS = "envoy.extensions.filters.http.";

export function convertHttpConnectionManager(
  manager: HttpConnectionManager,
  path: string,
  report: Report,
): HttpFilterModel {
  const place: Place = { report, path, needs: [], needPath: "" };
  inspect(HttpConnectionManagerSchema, manager, place);
  inspectCodec(manager, place);
  inspectTimeouts(manager, place);
  for (const [i, filter] of manager.httpFilters.entries())
    inspectHttpFilter(filter, inside(place, `http_filters[${i}]`));
  rejectMissingRouter(manager, place);
  return { type: "http_connection_manager", routes: convertRoutes(manager, place), needs: place.needs };
}

function convertRoutes(manager: HttpConnectionManager, { path, report }: Place): HttpFilterModel["routes"] {
  const specifier = manager.routeSpecifier;
  if (specifier.case === "routeConfig") {
    const configuration = convertRouteConfiguration(specifier.value, at(path, "route_config"), report);
    return { source: "inline", configuration };
  }
  if (specifier.case !== "rds") return { source: "rds", name: "" }; // refused by inspection, or scoped_routes: a need
  if (specifier.value.routeConfigName === "") report.reject(at(path, "rds.route_config_name"), "must be set");
  if (specifier.value.configSource?.configSourceSpecifier.case === undefined)
    report.reject(at(path, "rds.config_source"), "must be ads: {}");
  return { source: "rds", name: specifier.value.routeConfigName };
}

function inspectCodec({ codecType }: HttpConnectionManager, { needs }: Place): void {
  const { AUTO, HTTP1 } = HttpConnectionManager_CodecType;
  if (codecType !== AUTO && codecType !== HTTP1) {
    needs.push({ path: "codec_type", reason: "requests of other protocols than HTTP/1 are refused" });
  }
}

function inspectTimeouts(manager: HttpConnectionManager, { needs }: Place): void {
  const common = manager.commonHttpProtocolOptions;
  const limits = {
    request_timeout: manager.requestTimeout,
    stream_idle_timeout: manager.streamIdleTimeout,
    "common_http_protocol_options.idle_timeout": common?.idleTimeout,
    "common_http_protocol_options.max_connection_duration": common?.maxConnectionDuration,
    "common_http_protocol_options.max_stream_duration": common?.maxStreamDuration,
  };
  for (const [path, limit] of Object.entries(limits)) {
    if (isPositive(limit)) needs.push({ path, reason: "asks for a timeout of its own" });
  }
}

function inspectHttpFilter(filter: HttpFilter, place: Place): void {
  const { report, needs } = place;
  if (filter.configType.case === "configDiscovery") return; // refused by inspection
  const path = at(place.path, "typed_config");
  if (filter.configType.case === undefined) {
    report.reject(path, "must be set: filters are found by its type");
    return;
  }
  const opened = open(filter.configType.value, path, report);
  if (opened === undefined || filter.disabled || ignoredHttpFilters[opened.typeName] !== undefined) return;
  for (const schema of [RouterSchema, FaultSchema]) {
    const message = as(schema, opened);
    if (message !== undefined) {
      inspect(schema, message, inside(place, "typed_config"));
      return;
    }
  }
  if (filter.isOptional || opened.typeName.startsWith(ENVOY_HTTP_FILTERS)) {
    needs.push({ path: at(place.needPath, "typed_config"), reason: `${opened.typeName} works on each request` });
    return;
  }
  report.reject(path, `${opened.typeName} isn't supported`);
}

/** Envoy: the last filter must be terminal, and only the last. Without the router no request would be answered. */
function rejectMissingRouter(manager: HttpConnectionManager, { path, report }: Place): void {
  const isRouter = ({ configType }: HttpFilter): boolean =>
    configType.case === "typedConfig" && typeNameOf(configType.value) === RouterSchema.typeName;
  const routers = manager.httpFilters.filter(isRouter).length;
  const last = manager.httpFilters.at(-1);
  if (last === undefined || !isRouter(last))
    report.reject(at(path, "http_filters"), "the last filter must be the router");
  else if (routers > 1) report.reject(at(path, "http_filters"), "only the last filter may be the router");
}
