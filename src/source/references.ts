// What the resources of a mesh file must be to each other. References: a listener to its clusters and route configurations, an EDS cluster to a control plane. A
// reference that nothing can satisfy is an error, as in Envoy (validate_clusters for inline routes).
import { formatSocketAddress } from "../ip.ts";
import { clustersOfListener, routesOf } from "../model/references.ts";
import type { Rejection, Snapshot } from "../model/snapshot.ts";
import type { ControlPlane } from "./bootstrap.ts";

/** `pathOf` says where a resource stands in the file. */
export function danglingReferences(
  { listener, cluster }: Snapshot,
  controlPlane: ControlPlane | undefined,
  pathOf: (type: "listener" | "cluster", name: string) => string,
): Rejection[] {
  const rejections: Rejection[] = [];
  for (const each of listener.values()) {
    const refuse = (reason: string): void => {
      rejections.push({ type: "listener", name: each.name, path: pathOf("listener", each.name), reason });
    };
    for (const name of new Set(clustersOfListener(each))) {
      if (cluster.has(name) || controlPlane?.clusters === true) continue;
      refuse(`refers to cluster ${JSON.stringify(name)}, which is not in static_resources.clusters`);
    }
    for (const name of new Set(routesOf(each))) {
      if (controlPlane === undefined)
        refuse(`takes routes ${JSON.stringify(name)} by RDS without dynamic_resources.ads_config`);
    }
  }
  for (const { name, discovery } of cluster.values()) {
    if (discovery.type !== "eds" || controlPlane !== undefined) continue;
    const reason = "takes endpoints by EDS without dynamic_resources.ads_config";
    rejections.push({ type: "cluster", name, path: pathOf("cluster", name), reason });
  }
  return rejections;
}

/** Envoy refuses a second listener on an address (listener_manager_impl.cc): nobody could say which one it is for. */
export function sharedAddresses(
  { listener }: Snapshot,
  pathOf: (type: "listener", name: string) => string,
): Rejection[] {
  const rejections: Rejection[] = [];
  const owners = new Map<string, string>();
  for (const { name, address, additionalAddresses } of listener.values()) {
    for (const bind of new Set(
      [address, ...additionalAddresses.map((other) => other.address)].map(formatSocketAddress),
    )) {
      const owner = owners.get(bind);
      if (owner === undefined) owners.set(bind, name);
      else {
        const reason = `has the address ${bind}, as listener ${JSON.stringify(owner)} has`;
        rejections.push({ type: "listener", name, path: pathOf("listener", name), reason });
      }
    }
  }
  return rejections;
}
