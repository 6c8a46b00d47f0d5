// typed_per_filter_config: what a route, virtual host or weighted cluster sets for an HTTP filter.
import type { Any } from "@bufbuild/protobuf/wkt";
import { ignoredHttpFilters } from "../ignored-extensions.ts";
import { as, open } from "./any.ts";
import { FaultSchema, isNoFault } from "./fault.ts";
import type { Place } from "./inspect.ts";
import { at } from "./report.ts";

export function inspectPerFilterConfig(configs: Readonly<Record<string, Any>>, place: Place): void {
  for (const [name, any] of Object.entries(configs)) {
    const field = `typed_per_filter_config["${name}"]`;
    const opened = open(any, at(place.path, field), place.report);
    if (opened === undefined || ignoredHttpFilters[opened.typeName] !== undefined) continue;
    const fault = as(FaultSchema, opened);
    if (fault !== undefined && isNoFault(fault)) continue;
    place.needs.push({ path: at(place.needPath, field), reason: `sets ${opened.typeName} for these requests` });
  }
}
