// A filter chain: which connections it takes, and the one network filter that says where they go.

import type { Prefix } from "../../ip.ts";
import type { FilterChain as ChainModel, Filter, FilterChainMatch as MatchModel } from "../../model/listener.ts";
import type { CidrRange } from "../gen/envoy/config/core/v3/address_pb.ts";
import {
  type FilterChain,
  type FilterChainMatch,
  FilterChainSchema,
  type Filter as FilterMessage,
} from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { HttpConnectionManagerSchema } from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { ignoredNetworkFilters } from "../ignored-extensions.ts";
import { convertPrefix } from "./address.ts";
import { as, type Opened, open, typeNameOf } from "./any.ts";
import { convertHttpConnectionManager } from "./http-connection-manager.ts";
import { inside, inspect, type Place } from "./inspect.ts";
import { at, type Report } from "./report.ts";
import { convertTcpProxy } from "./tcp-proxy.ts";

const PLAINTEXT_HTTP = new Set(["http/1.0", "http/1.1", "h2c"]);
const RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/** `place` is the chain's; its needs are the listener's. Undefined if it has no usable filter: then the problem was reported. */
export function convertFilterChain(chain: FilterChain, place: Place): ChainModel | undefined {
  inspect(FilterChainSchema, chain, place);
  inspectTransport(chain, place);
  const match = convertMatch(chain.filterChainMatch, inside(place, "filter_chain_match"));
  const filter = convertFilters(chain.filters, place.path, place.report);
  return filter === undefined ? undefined : { name: chain.name, match, filter };
}

function inspectTransport(
  { useProxyProto, transportSocket }: FilterChain,
  { report, path, needs, needPath }: Place,
): void {
  if (useProxyProto === true) report.reject(at(path, "use_proxy_proto"), "connections carry no PROXY protocol");
  if (transportSocket === undefined) return;
  const type =
    transportSocket.configType.case === undefined ? transportSocket.name : typeNameOf(transportSocket.configType.value);
  if (type !== RAW_BUFFER && type !== "envoy.transport_sockets.raw_buffer") {
    needs.push({ path: at(needPath, "transport_socket"), reason: `${type} ends the client's TLS` });
  }
}

function convertMatch(match: FilterChainMatch | undefined, place: Place): MatchModel {
  return {
    destinationPort: match?.destinationPort,
    prefixes: convertPrefixes(match?.prefixRanges ?? [], at(place.path, "prefix_ranges"), place.report),
    httpOnly: match !== undefined && isHttpOnly(match, place),
  };
}

/** Anything but "plaintext HTTP" that has to be read from the first bytes can't be known when a connection is opened. */
function isHttpOnly(
  { transportProtocol, applicationProtocols }: FilterChainMatch,
  { needs, needPath }: Place,
): boolean {
  if (transportProtocol !== "" && transportProtocol !== "raw_buffer") {
    needs.push({ path: at(needPath, "transport_protocol"), reason: "is known only after the first bytes" });
  }
  if (applicationProtocols.length === 0) return false;
  const isHttp = applicationProtocols.every((protocol) => PLAINTEXT_HTTP.has(protocol)) && transportProtocol !== "tls";
  if (!isHttp)
    needs.push({ path: at(needPath, "application_protocols"), reason: "are known only after the first bytes" });
  return isHttp;
}

function convertPrefixes(ranges: readonly CidrRange[], path: string, report: Report): Prefix[] {
  return ranges.flatMap((range, i) => convertPrefix(range, `${path}[${i}]`, report) ?? []);
}

function convertFilters(filters: readonly FilterMessage[], chainPath: string, report: Report): Filter | undefined {
  const path = at(chainPath, "filters");
  const last = filters.length - 1;
  if (last < 0) {
    report.reject(path, "must end with tcp_proxy or http_connection_manager");
    return undefined;
  }
  let terminal: Filter | undefined;
  for (const [i, filter] of filters.entries()) {
    const here = `${path}[${i}].typed_config`;
    const opened = openFilter(filter, here, report);
    if (opened === undefined) continue;
    const converted = convertTerminal(opened, here, report);
    if (i === last) terminal = converted;
    if (converted !== undefined && i !== last) report.reject(here, `${opened.typeName} must be the last filter`);
    else if (converted === undefined) inspectOther(opened, here, i === last, report);
  }
  return terminal;
}

function openFilter(filter: FilterMessage, path: string, report: Report): Opened | undefined {
  if (filter.configType.case === "configDiscovery") return undefined; // refused by inspection
  if (filter.configType.case === "typedConfig") return open(filter.configType.value, path, report);
  report.reject(path, "must be set: filters are found by its type");
  return undefined;
}

function convertTerminal(opened: Opened, path: string, report: Report): Filter | undefined {
  const proxy = as(TcpProxySchema, opened);
  if (proxy !== undefined) return convertTcpProxy(proxy, path, report);
  const manager = as(HttpConnectionManagerSchema, opened);
  return manager === undefined ? undefined : convertHttpConnectionManager(manager, path, report);
}

function inspectOther({ typeName }: Opened, path: string, isLast: boolean, report: Report): void {
  if (ignoredNetworkFilters[typeName] === undefined) report.reject(path, `${typeName} isn't supported`);
  else if (isLast) report.reject(path, "the last filter must be tcp_proxy or http_connection_manager");
}
