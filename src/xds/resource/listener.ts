// envoy.config.listener.v3.Listener to the model.
import { formatAddress, formatSocketAddress } from "../../ip.ts";
import type { FilterChain as ChainModel, Listener as ListenerModel } from "../../model/listener.ts";
import { TrafficDirection } from "../gen/envoy/config/core/v3/base_pb.ts";
import type { FilterChain } from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { ignoredListenerFilters } from "../ignored-extensions.ts";
import { type Bind, convertAddress } from "./address.ts";
import { open } from "./any.ts";
import { convertFilterChain } from "./filter-chain.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { createReport, type Report } from "./report.ts";

/** Undefined if it has no usable address: then the problem was reported. */
export function convertListener(listener: Listener, report: Report): ListenerModel | undefined {
  const place: Place = { report, path: "", needs: [], needPath: "" };
  inspect(ListenerSchema, listener, place);
  const bind = convertAddress(listener.address, "address", report);
  const additional = listener.additionalAddresses
    .map(({ address }, i) => convertAddress(address, `additional_addresses[${i}].address`, report))
    .filter((address) => address !== undefined);
  const role = roleOf(listener);
  const chains = role === "outbound" ? convertChains(listener, place) : convertUngoverned(listener, role, report);
  if (bind === undefined) return undefined;
  return {
    // Envoy names a listener without a name at random; the address is as unique and stays the same.
    name: listener.name === "" ? formatSocketAddress(bind.address) : listener.name,
    ...bind,
    additionalAddresses: additional satisfies readonly Bind[],
    role,
    ...chains,
    needs: place.needs,
    findings: report.findings(),
  };
}

function roleOf(listener: Listener): ListenerModel["role"] {
  if (listener.trafficDirection === TrafficDirection.INBOUND) return "inbound";
  return listener.useOriginalDst === true ? "catch_all" : "outbound";
}

type Chains = Pick<ListenerModel, "filterChains" | "defaultFilterChain">;

/** It stands on the listener, and counts for what is kept of the requests of its chains. */
function withBufferLimit(chain: ChainModel | undefined, limit: number | undefined): ChainModel | undefined {
  if (chain?.filter.type !== "http_connection_manager" || limit === undefined) return chain;
  const bufferLimitBytes = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  return { ...chain, filter: { ...chain.filter, options: { ...chain.filter.options, bufferLimitBytes } } };
}

function convertChains(listener: Listener, place: Place): Chains {
  const { report } = place;
  inspectListenerFilters(listener, report);
  if (listener.filterChains.length === 0 && listener.defaultFilterChain === undefined) {
    report.reject("filter_chains", "must not be empty without a default_filter_chain");
  }
  const limit = listener.perConnectionBufferLimitBytes;
  const filterChains = listener.filterChains.map((chain, i) =>
    withBufferLimit(convertFilterChain(chain, inside(place, `filter_chains[${i}]`)), limit),
  );
  rejectEqualMatches(listener.filterChains, filterChains, report);
  return {
    filterChains: filterChains.filter((chain) => chain !== undefined),
    defaultFilterChain: withBufferLimit(convertDefault(listener.defaultFilterChain, place), limit),
  };
}

function convertDefault(chain: FilterChain | undefined, place: Place): ChainModel | undefined {
  return chain && convertFilterChain(chain, inside(place, "default_filter_chain"));
}

/** Inbound and catch-all listeners aren't governed: what they hold must not make them refused, and what is understood is kept for reports. */
function convertUngoverned(listener: Listener, role: ListenerModel["role"], report: Report): Chains {
  report.note("ignored", "filter_chains", `${role} listeners aren't governed: their traffic is left as it is`);
  const attempt = (chain: FilterChain): ChainModel | undefined => {
    const scratch = createReport();
    const converted = convertFilterChain(chain, { report: scratch, path: "", needs: [], needPath: "" });
    return scratch.problems.length > 0 ? undefined : converted;
  };
  return {
    filterChains: listener.filterChains.map(attempt).filter((chain) => chain !== undefined),
    defaultFilterChain: listener.defaultFilterChain && attempt(listener.defaultFilterChain),
  };
}

function inspectListenerFilters(listener: Listener, report: Report): void {
  for (const [i, filter] of listener.listenerFilters.entries()) {
    if (filter.configType.case === "configDiscovery") continue; // refused by inspection
    const path = `listener_filters[${i}].typed_config`;
    const opened = open(filter.configType.value, path, report);
    if (opened !== undefined && ignoredListenerFilters[opened.typeName] === undefined) {
      report.reject(path, `${opened.typeName} isn't supported`);
    }
  }
}

/** Two chains for the same connections: Envoy refuses them (filter_chain_manager_impl.cc), also where only some of the matches are equal. */
function rejectEqualMatches(
  messages: readonly FilterChain[],
  chains: readonly (ChainModel | undefined)[],
  report: Report,
): void {
  const owners = new Map<string, number>();
  for (const [i, chain] of chains.entries()) {
    const message = messages[i]?.filterChainMatch;
    if (chain === undefined) continue;
    const { destinationPort, prefixes } = chain.match;
    if (chains.length === 1 && prefixes.length < 2) continue;
    const inspected = JSON.stringify([
      [...(message?.serverNames ?? [])].map((name) => name.toLowerCase()).sort(),
      message?.transportProtocol ?? "",
      [...(message?.applicationProtocols ?? [])].sort(),
      message?.sourceType ?? 0,
      (message?.sourcePrefixRanges ?? []).map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen}`).sort(),
      (message?.directSourcePrefixRanges ?? [])
        .map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen}`)
        .sort(),
      [...(message?.sourcePorts ?? [])].sort(),
    ]);
    const ranges =
      prefixes.length === 0 ? [""] : prefixes.map(({ address, length }) => `${formatAddress(address)}/${length}`);
    for (const range of ranges) {
      const key = `${destinationPort ?? ""} ${range} ${inspected}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, i);
      else
        report.reject(
          `filter_chains[${i}].filter_chain_match`,
          `matches the same connections as filter_chains[${owner}]`,
        );
    }
  }
}
