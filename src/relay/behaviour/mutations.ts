// Header changes of routes, virtual hosts and configurations (source/common/router/header_parser.cc, config_impl.cc).
import type { HeaderAddition, HeaderMutations } from "../../model/headers.ts";
import type { Route, RouteConfiguration, VirtualHost, WeightedDestination } from "../../model/route.ts";
import type { Fields } from "./fields.ts";
import { evaluateTemplate, type TemplateContext } from "./template.ts";

/** The lists in the order in which they are applied; those that change nothing are left out. A later one wins. */
export function requestMutations(
  configuration: RouteConfiguration,
  virtualHost: VirtualHost,
  route: Route,
  weighted: WeightedDestination | undefined,
): readonly HeaderMutations[] {
  return inOrder(configuration.mostSpecificHeadersWin, weighted?.requestHeaders, [
    route.requestHeaders,
    virtualHost.requestHeaders,
    configuration.requestHeaders,
  ]);
}

export function responseMutations(
  configuration: RouteConfiguration,
  virtualHost: VirtualHost,
  route: Route,
  weighted: WeightedDestination | undefined,
): readonly HeaderMutations[] {
  return inOrder(configuration.mostSpecificHeadersWin, weighted?.responseHeaders, [
    route.responseHeaders,
    virtualHost.responseHeaders,
    configuration.responseHeaders,
  ]);
}

/**
 * Removals first. All values are made of the fields as they are then, before any is written; then what overwrites is written,
 * and then what adds.
 */
export function applyMutations(fields: Fields, mutations: HeaderMutations, context: TemplateContext): void {
  for (const name of mutations.remove) fields.remove(name);
  const written = mutations.add.flatMap((addition) => {
    const value = evaluateTemplate(addition.value, context);
    const isWanted = (value !== "" || addition.keepEmpty) && isApplicable(addition, fields);
    return isWanted ? [{ addition, value }] : [];
  });
  for (const { addition, value } of written) if (isOverwriting(addition)) fields.set(addition.name, value);
  for (const { addition, value } of written) if (!isOverwriting(addition)) fields.add(addition.name, value);
}

/** The weighted cluster's own come first, whichever level wins (config_impl.cc, WeightedClusterEntry::finalizeRequestHeaders). */
function inOrder(
  isReversed: boolean,
  weighted: HeaderMutations | undefined,
  specificFirst: readonly HeaderMutations[],
): readonly HeaderMutations[] {
  const levels = isReversed ? specificFirst.toReversed() : specificFirst;
  return [...(weighted === undefined ? [] : [weighted]), ...levels].filter(
    ({ add, remove }) => add.length > 0 || remove.length > 0,
  );
}

function isApplicable({ action, name }: HeaderAddition, fields: Fields): boolean {
  switch (action) {
    case "add_if_absent":
      return !fields.has(name);
    case "overwrite_if_exists":
      return fields.has(name);
    case "append_if_exists_or_add":
    case "overwrite_if_exists_or_add":
      return true;
  }
}

function isOverwriting({ action }: HeaderAddition): boolean {
  return action === "overwrite_if_exists" || action === "overwrite_if_exists_or_add";
}
