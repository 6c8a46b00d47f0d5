// /stats: the same counters under Envoy's names (listener.*, cluster.*, server.*), where Envoy has one that means the same.

import type { SocketAddress } from "../ip.ts";
import { formatAddress } from "../ip.ts";
import { assignmentOf } from "./clusters.ts";
import type { AgentView } from "./view.ts";

export interface Stat {
  readonly name: string;
  readonly value: number | bigint;
}

/** In the order of their names, as Envoy lists them. */
export function collectStats(view: AgentView, now: Date): Stat[] {
  const stats = [...serverStats(view, now), ...listenerStats(view), ...clusterStats(view)];
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
  return [...(view.compiled()?.clusters.values() ?? [])].flatMap(({ cluster, body }) => {
    const state = body === undefined ? undefined : states?.get(body.id);
    const hosts = assignmentOf(cluster, view)?.localities.flatMap(({ endpoints }) => endpoints) ?? [];
    const of = (name: string, value: number | bigint): Stat => ({ name: `cluster.${cluster.name}.${name}`, value });
    return [
      of("membership_total", hosts.length),
      of("membership_healthy", hosts.filter(({ health }) => health === "healthy").length),
      of("membership_degraded", hosts.filter(({ health }) => health === "degraded").length),
      ...(state === undefined
        ? []
        : [
            of("upstream_cx_total", state.opened + state.failed),
            of("upstream_cx_active", state.active),
            of("upstream_cx_destroy", state.closed),
            of("upstream_cx_connect_fail", state.failed),
            of("upstream_cx_overflow", state.overflow),
            of("upstream_cx_none_healthy", state.unusable),
          ]),
    ];
  });
}

export function formatStats(stats: readonly Stat[]): string {
  return stats.map(({ name, value }) => `${name}: ${value}\n`).join("");
}
