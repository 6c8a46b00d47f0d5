// typed_per_filter_config: what a route configuration, virtual host, route or weighted cluster sets for an HTTP filter, by the
// filter's name in the chain. Envoy's FilterConfig may stand around it, to switch a filter off or to say that it is optional.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { FilterConfig, FilterOverrides } from "../../model/http.ts";
import { FilterConfigSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { ignoredHttpFilters } from "../ignored-extensions.ts";
import { as, type Opened, open } from "./any.ts";
import { readRouteFilter, worksOnRequests } from "./http-filter/filters.ts";
import { inside, inspect, type Place } from "./inspect.ts";

/** Shared: most owners override nothing. */
const none: FilterOverrides = {};

/** Each override with an effect becomes a need of the place's owner. */
export function convertPerFilterConfig(configs: Readonly<Record<string, Any>>, place: Place): FilterOverrides {
  const overrides = new Map<string, FilterConfig>();
  for (const [name, any] of Object.entries(configs)) {
    const config = convertOne(any, inside(place, `typed_per_filter_config["${name}"]`));
    if (config !== undefined) overrides.set(name, config);
  }
  return overrides.size === 0 ? none : Object.fromEntries(overrides);
}

/** Undefined if it is ignored, or was refused. */
function convertOne(any: Any, place: Place): FilterConfig | undefined {
  const opened = open(any, place.path, place.report);
  if (opened === undefined) return undefined;
  const wrapper = as(FilterConfigSchema, opened);
  if (wrapper === undefined) return convertOpened(opened, false, place);
  inspect(FilterConfigSchema, wrapper, place);
  if (wrapper.disabled) return { type: "disabled" };
  const inner = inside(place, "config");
  const config = open(wrapper.config, inner.path, place.report);
  return config && convertOpened(config, wrapper.isOptional, inner);
}

function convertOpened(opened: Opened, isOptional: boolean, place: Place): FilterConfig | undefined {
  const { path, report, needPath, needs } = place;
  const ignored = ignoredHttpFilters[opened.typeName];
  if (ignored !== undefined) return undefined;
  // What is read from it is one need: the override as a whole.
  const config = readRouteFilter(opened, { ...place, needs: [] });
  if (config === undefined) {
    if (isOptional) report.note("ignored", path, `${opened.typeName} isn't supported, and is optional`);
    else report.reject(path, `${opened.typeName} isn't supported`);
    return undefined;
  }
  if (worksOnRequests(config)) {
    needs.push({ path: needPath, reason: `sets ${opened.typeName} for these requests` });
  }
  return config;
}
