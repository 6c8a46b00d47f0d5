// The relay as the programs know it: where it listens, and upkeep of the map `relayed`. The relay takes an entry when it accepts the
// connection. What it never accepted, because it was killed with the connection in its queue and the client had gone, stays; its
// address must not lend an enrolment to whoever has it next.
import { MeshError } from "../errors.ts";
import { formatSocketAddress, type SocketAddress } from "../ip.ts";
import type { Settings } from "../layout/mesh.gen.ts";
import { monotonicNs } from "../libbpf/syscalls.ts";
import type { DataplaneMaps } from "./maps.ts";

/** Longer than a SYN is repeated (two minutes) and a connection waits to be accepted. */
const staleNs = 300_000_000_000n;

type RelaySettings = Pick<Settings, "relayV4" | "relayV6" | "relayPortBe">;

/** The settings that name the relay; no address: there is none. A family without an address is treated as a relay that is down. */
export function relaySettings(addresses: readonly SocketAddress[]): RelaySettings {
  const ports = new Set(addresses.map(({ port }) => port));
  if (ports.size > 1) {
    const listed = addresses.map(formatSocketAddress).join(", ");
    throw new MeshError("unexpected", `send connections to the relay: it must have one port, not ${listed}`);
  }
  const bytes = (wanted: 4 | 6): Uint8Array =>
    addresses.find(({ address }) => address.family === wanted)?.address.bytes ?? new Uint8Array(16);
  return { relayV4: bytes(4), relayV6: bytes(6), relayPortBe: addresses[0]?.port ?? 0 };
}

/** Removes what is too old to be taken; how many. To be called now and then. */
export function sweepRelayed({ relayed }: DataplaneMaps, nowNs = monotonicNs()): number {
  let swept = 0;
  const isStale = (sinceNs: bigint | undefined): boolean => sinceNs !== undefined && nowNs - sinceNs > staleNs;
  for (const [key, { sinceNs }] of relayed.entries()) {
    // Asked again, because another connection may have the address by now.
    if (isStale(sinceNs) && isStale(relayed.get(key)?.sinceNs) && relayed.delete(key)) swept++;
  }
  return swept;
}
