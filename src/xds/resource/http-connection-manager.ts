// The http_connection_manager network filter: its routes, its filters, and what it does to each request.
import type { Filter } from "../../model/listener.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { convertHttpFilters } from "./http-filter-chain.ts";
import { convertHttpOptions } from "./http-options.ts";
import { inspect, type Place } from "./inspect.ts";
import { at, type Report } from "./report.ts";
import { convertRouteConfiguration } from "./route.ts";

type HttpFilterModel = Extract<Filter, { type: "http_connection_manager" }>;

export function convertHttpConnectionManager(
  manager: HttpConnectionManager,
  path: string,
  report: Report,
): HttpFilterModel {
  const place: Place = { report, path, needs: [], needPath: "" };
  inspect(HttpConnectionManagerSchema, manager, place);
  rejectCodec(manager, place);
  return {
    type: "http_connection_manager",
    options: convertHttpOptions(manager, place),
    filters: convertHttpFilters(manager.httpFilters, place),
    routes: convertRoutes(manager, place),
    needs: place.needs,
  };
}

function convertRoutes(manager: HttpConnectionManager, { path, report }: Place): HttpFilterModel["routes"] {
  const specifier = manager.routeSpecifier;
  if (specifier.case === "routeConfig") {
    const configuration = convertRouteConfiguration(specifier.value, at(path, "route_config"), report);
    return { source: "inline", configuration };
  }
  if (specifier.case !== "rds") return { source: "rds", name: "" }; // refused by inspection
  if (specifier.value.routeConfigName === "") report.reject(at(path, "rds.route_config_name"), "must be set");
  if (specifier.value.configSource?.configSourceSpecifier.case === undefined)
    report.reject(at(path, "rds.config_source"), "must be ads: {}");
  return { source: "rds", name: specifier.value.routeConfigName };
}

function rejectCodec({ codecType }: HttpConnectionManager, { path, report }: Place): void {
  const { AUTO, HTTP1 } = HttpConnectionManager_CodecType;
  if (codecType !== AUTO && codecType !== HTTP1)
    report.reject(at(path, "codec_type"), "only HTTP/1 is governed: use AUTO or HTTP1");
}
