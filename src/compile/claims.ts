// The addresses among the domains of virtual hosts: Istio lists the VIP of each service there, with and without the port.
import { type Address, formatAddress, parseAddress } from "../ip.ts";
import type { RouteConfiguration, VirtualHost } from "../model/route.ts";

export interface Claim {
  readonly address: Address;
  /** The virtual host that alone has this address among its domains; undefined where several do. */
  readonly host: VirtualHost | undefined;
}

/** The addresses among the domains, by their text. */
export function claims(configuration: RouteConfiguration, port: number): ReadonlyMap<string, Claim> {
  const byAddress = new Map<string, Claim>();
  for (const host of configuration.virtualHosts) {
    for (const domain of host.domains) {
      const address = domainAddress(domain, port);
      if (address === undefined) continue;
      const key = formatAddress(address);
      const known = byAddress.get(key);
      byAddress.set(key, { address, host: known === undefined || known.host === host ? host : undefined });
    }
  }
  return byAddress;
}

/** `1.2.3.4`, `1.2.3.4:80`, `[::1]`, `[::1]:80`: the address, if the port is `port` or absent. */
function domainAddress(domain: string, port: number): Address | undefined {
  const whole = parseAddress(domain);
  if (whole !== undefined) return whole;
  const match = /^\[?([0-9a-fA-F:.]+?)\]?(?::(\d+))?$/.exec(domain);
  if (match?.[1] === undefined) return undefined;
  if (match[2] !== undefined && Number(match[2]) !== port) return undefined;
  return parseAddress(match[1]);
}

export function hasAddress({ domains }: VirtualHost, port: number): boolean {
  return domains.some((domain) => domainAddress(domain, port) !== undefined);
}
