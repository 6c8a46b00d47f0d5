// Which filter chain of a listener a connection gets, as Envoy chooses it.
import { type Address, equalAddress, type Prefix, prefixOf } from "../ip.ts";
import type { FilterChain, Listener } from "../model/listener.ts";

/** Who may get a connection to one destination: `http` where its first bytes are HTTP, `plain` otherwise. */
export interface Chains {
  readonly plain: FilterChain | undefined;
  readonly http: FilterChain | undefined;
}

/**
 * The chains for a destination, by Envoy's order (filter_chain_manager_impl.cc): chains of the exact port if there are any, else
 * those without a port; of these the longest prefix; of these by what the first bytes are; else the default chain.
 */
export function chainsFor(listener: Listener, port: number, address: Address, atMost = 128): Chains {
  const matching = chainsForPort(listener, port).flatMap((chain) => {
    const length = longestMatch(chain, address, atMost);
    return length === undefined ? [] : [{ chain, length }];
  });
  const longest = Math.max(...matching.map(({ length }) => length));
  const best = matching.filter(({ length }) => length === longest).map(({ chain }) => chain);
  return {
    plain: best.find((chain) => !chain.match.httpOnly) ?? listener.defaultFilterChain,
    http: best.find((chain) => chain.match.httpOnly),
  };
}

export function chainsForPort(listener: Listener, port: number): readonly FilterChain[] {
  const exact = listener.filterChains.filter((chain) => chain.match.destinationPort === port);
  return exact.length > 0 ? exact : listener.filterChains.filter((chain) => chain.match.destinationPort === undefined);
}

function longestMatch(chain: FilterChain, address: Address, atMost: number): number | undefined {
  if (chain.match.prefixes.length === 0) return 0;
  const lengths = chain.match.prefixes
    .filter((prefix) => prefix.length <= atMost && contains(prefix, address))
    .map((prefix) => prefix.length);
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

export function contains(prefix: Prefix, address: Address): boolean {
  return equalAddress(prefixOf(address, prefix.length).address, prefix.address);
}

export function chainName(listener: Listener, { plain, http }: Chains): string {
  const names = [http, plain].flatMap((chain) => {
    if (chain === undefined) return [];
    if (chain.name !== "") return [chain.name];
    return [
      chain === listener.defaultFilterChain ? "default" : `filter_chains[${listener.filterChains.indexOf(chain)}]`,
    ];
  });
  return names.join(" or ");
}
