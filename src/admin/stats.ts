// /stats: the same counters under Envoy's names (listener.*, cluster.*, server.*), where Envoy has one that means the same.

import type { SocketAddress } from "../ip.ts";
import { formatAddress } from "../ip.ts";
import type { DownstreamStats } from "../relay/protocol.ts";
import { addCounters } from "../relay/sum.ts";
import { assignmentOf } from "./clusters.ts";
import { downstreamStats, upstreamStats } from "./relay-metrics.ts";
import type { Stat } from "./stat.ts";
import type { AgentView } from "./view.ts";

/** In the order of their names, as Envoy lists them. */
export function collectStats(view: AgentView, now: Date): Stat[] {
  const stats = [...serverStats(view, now), ...listenerStats(view), ...clusterStats(view), ...httpStats(view)];
  return stats.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function serverStats(view: AgentView, now: Date): Stat[] {
  const { isReady, controlPlane } = view.status();
  const { cluster, listener } = view.snapshot();
  return [
    { name: "server.live", value: isReady ? 1 : 0 },
    { name: "server.uptime", value: Math.floor((now.getTime() - view.startedAt.getTime()) / 1000) },
    { name: "cluster_manager.active_clusters", value: cluster.size },
    { name: "listener_manager.total_listeners_active", value: listener.size },
    ...(controlPlane === undefined
      ? []
      : [{ name: "control_plane.connected_state", value: controlPlane.connected ? 1 : 0 }]),
  ];
}

function listenerStats(view: AgentView): Stat[] {
  const states = view.counters()?.listeners;
  return [...(view.compiled()?.listeners.values() ?? [])].flatMap(({ listener, body }) => {
    const state = states?.get(body.id);
    if (state === undefined) return [];
    return [{ name: `listener.${addressName(listener.address)}.downstream_cx_total`, value: state.accepted }];
  });
}

/** Envoy's stats have `_` for the colons of an address (source/common/listener_manager, Listener::ListenerScope). */
function addressName({ address, port }: SocketAddress): string {
  const text = formatAddress(address);
  return (address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`).replaceAll(":", "_");
}

function clusterStats(view: AgentView): Stat[] {
  const states = view.counters()?.clusters;
  const relayed = view.relay().clusters;
  return [...(view.compiled()?.clusters.values() ?? [])].flatMap(({ cluster, body }) => {
    const state = body === undefined ? undefined : states?.get(body.id);
    const hosts = assignmentOf(cluster, view)?.localities.flatMap(({ endpoints }) => endpoints) ?? [];
    const own = relayed[cluster.name];
    const of = (name: string, value: number | bigint): Stat => ({ name: `cluster.${cluster.name}.${name}`, value });
    return [
      of("membership_total", hosts.length),
      of("membership_healthy", hosts.filter(({ health }) => health === "healthy").length),
      of("membership_degraded", hosts.filter(({ health }) => health === "degraded").length),
      ...(state === undefined
        ? []
        : [
            of("upstream_cx_total", state.opened + state.failed + BigInt(own?.connections ?? 0)),
            of("upstream_cx_active", state.active + (own?.activeConnections ?? 0)),
            of("upstream_cx_destroy", state.closed + BigInt((own?.connections ?? 0) - (own?.activeConnections ?? 0))),
            of("upstream_cx_connect_fail", state.failed + BigInt(own?.connectFailures ?? 0)),
            of("upstream_cx_overflow", state.overflow),
            of("upstream_cx_none_healthy", state.unusable),
          ]),
      ...(own === undefined ? [] : upstreamStats(cluster.name, own)),
    ];
  });
}

/** Of relayed listeners, by the stat_prefix of their connection manager. */
function httpStats(view: AgentView): Stat[] {
  const { listeners } = view.relay();
  // A listener's counters are those of all its chains: they count under the first one's prefix.
  const prefixes = new Map<string, string>();
  for (const { listener, http } of view.compiled()?.relayed.values() ?? []) {
    if (!prefixes.has(listener)) prefixes.set(listener, http.options.statPrefix);
  }
  const byPrefix = new Map<string, DownstreamStats>();
  for (const [listener, prefix] of prefixes) {
    const counters = listeners[listener];
    if (counters === undefined) continue;
    const known = byPrefix.get(prefix);
    byPrefix.set(prefix, known === undefined ? counters : addCounters(known, counters));
  }
  return [...byPrefix].flatMap(([prefix, counters]) => downstreamStats(prefix, counters));
}

export function formatStats(stats: readonly Stat[]): string {
  return stats.map(({ name, value }) => `${name}: ${value}\n`).join("");
}
