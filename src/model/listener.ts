// A listener (envoy.config.listener.v3.Listener): the destination that applications connect to, and its filter chains.
import type { Prefix, SocketAddress } from "../ip.ts";
import type { Finding } from "./cluster.ts";
import type { HttpFilter, HttpOptions } from "./http.ts";
import type { Need } from "./need.ts";
import type { RouteConfiguration, WeightedCluster } from "./route.ts";

export interface FilterChainMatch {
  /** destination_port; undefined matches every port. */
  readonly destinationPort: number | undefined;
  /** prefix_ranges; empty matches every address. */
  readonly prefixes: readonly Prefix[];
  /**
   * application_protocols names only plaintext HTTP (Istio's http/1.1, h2c): Envoy sniffs the first bytes and sends the rest to another
   * chain. At connect time there are no bytes yet.
   */
  readonly httpOnly: boolean;
}

export type Filter =
  | {
      readonly type: "tcp_proxy";
      /** One entry (any weight) for `cluster`, more for `weighted_clusters`; zero-weight entries are kept for reporting. */
      readonly clusters: readonly WeightedCluster[];
      /** hash_policy has source_ip. */
      readonly hashSourceIp: boolean;
    }
  | {
      readonly type: "http_connection_manager";
      readonly routes:
        | { readonly source: "inline"; readonly configuration: RouteConfiguration }
        | { readonly source: "rds"; readonly name: string };
      readonly options: HttpOptions;
      /** In order, without the router. */
      readonly filters: readonly HttpFilter[];
      /** HTTP filters and settings that need a per-request engine. */
      readonly needs: readonly Need[];
    };

export interface FilterChain {
  readonly name: string;
  readonly match: FilterChainMatch;
  readonly filter: Filter;
}

export interface Listener {
  readonly name: string;
  /** 0.0.0.0 or :: is every address of that family on that port; `:: ` with ipv4_compat is both. */
  readonly address: SocketAddress;
  readonly ipv4Compat: boolean;
  /** Listener.additional_addresses, same rules. */
  readonly additionalAddresses: readonly { readonly address: SocketAddress; readonly ipv4Compat: boolean }[];
  /**
   * outbound: governs connects of enrolled workloads. inbound: traffic_direction INBOUND, or Istio's virtualInbound.
   * catch_all: use_original_dst (Istio's virtualOutbound): what no other listener takes; native here.
   * Only outbound listeners are compiled; the others are reported.
   */
  readonly role: "outbound" | "inbound" | "catch_all";
  readonly filterChains: readonly FilterChain[];
  readonly defaultFilterChain: FilterChain | undefined;
  /** What can't be decided when a connection is opened (TLS inspection, source matches, …); empty where the listener can be governed. */
  readonly needs: readonly Need[];
  readonly findings: readonly Finding[];
}
