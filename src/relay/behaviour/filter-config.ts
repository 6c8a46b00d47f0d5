// Which of the connection manager's HTTP filters run for a route, and with which settings: typed_per_filter_config, the most
// specific level first (source/common/http/utility.h, resolveMostSpecificPerFilterConfig).
import type { CorsConfig, FilterConfig, FilterOverrides, HttpFilter } from "../../model/http.ts";
import type { Route, RouteConfiguration, VirtualHost, WeightedDestination } from "../../model/route.ts";

/** What is left to run; a `cors` without policy anywhere does nothing and isn't among them. */
export type EffectiveFilter = Exclude<FilterConfig, { type: "disabled" } | { type: "cors" }>;

/** Overrides from the most specific to the least. */
export function filterLevels(
  configuration: RouteConfiguration,
  virtualHost: VirtualHost,
  route: Route,
  weighted: WeightedDestination | undefined,
): readonly FilterOverrides[] {
  return [
    ...(weighted === undefined ? [] : [weighted.filters]),
    route.filters,
    virtualHost.filters,
    configuration.filters,
  ];
}

/** In the chain's order. Depends on the route alone: callers keep it. */
export function effectiveFilters(
  filters: readonly HttpFilter[],
  levels: readonly FilterOverrides[],
): readonly EffectiveFilter[] {
  return filters.flatMap((filter): EffectiveFilter[] => {
    const effective = effectiveFilter(filter, levels);
    return effective === undefined ? [] : [effective];
  });
}

function effectiveFilter(filter: HttpFilter, levels: readonly FilterOverrides[]): EffectiveFilter | undefined {
  const overrides = levels.flatMap((level) => level[filter.name] ?? []);
  const [override] = overrides;
  if (override?.type === "disabled" || (filter.disabled && override === undefined)) return undefined;
  const config = override ?? filter.config;
  if (config.type === "disabled" || config.type === "cors") return undefined;
  return config.type === "cors_policy" ? mergeCors(config, overrides) : config;
}

/** What the most specific policy leaves open, the next one says (cors_filter.cc). Its fractions are its own. */
function mergeCors(first: CorsConfig, overrides: readonly FilterConfig[]): CorsConfig {
  const policies = overrides.filter((config): config is CorsConfig => config.type === "cors_policy");
  const text = (of: (policy: CorsConfig) => string): string => policies.map(of).find((value) => value !== "") ?? "";
  const flag = (of: (policy: CorsConfig) => boolean | undefined): boolean | undefined =>
    policies.map(of).find((value) => value !== undefined);
  return {
    ...first,
    allowOrigins: policies.find(({ allowOrigins }) => allowOrigins.length > 0)?.allowOrigins ?? [],
    allowMethods: text(({ allowMethods }) => allowMethods),
    allowHeaders: text(({ allowHeaders }) => allowHeaders),
    exposeHeaders: text(({ exposeHeaders }) => exposeHeaders),
    maxAge: text(({ maxAge }) => maxAge),
    allowCredentials: flag(({ allowCredentials }) => allowCredentials),
    forwardNotMatchingPreflights: flag(({ forwardNotMatchingPreflights }) => forwardNotMatchingPreflights),
  };
}
