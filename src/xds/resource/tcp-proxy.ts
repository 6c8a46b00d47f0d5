// The tcp_proxy network filter: the clusters that a connection may go to.
import type { Filter } from "../../model/listener.ts";
import { type TcpProxy, TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { isPositive } from "./duration.ts";
import { inspect } from "./inspect.ts";
import { at, type Report } from "./report.ts";
import { checkSum } from "./weighted.ts";

export function convertTcpProxy(proxy: TcpProxy, path: string, report: Report): Filter {
  inspect(TcpProxySchema, proxy, { report, path, needs: [], needPath: "" });
  if (isPositive(proxy.idleTimeout))
    report.note("degraded", at(path, "idle_timeout"), "idle connections aren't closed");
  if ((proxy.maxConnectAttempts ?? 1) > 1) {
    report.note(
      "degraded",
      at(path, "max_connect_attempts"),
      "one endpoint is tried: a failed connect is the application's to retry",
    );
  }
  return {
    type: "tcp_proxy",
    clusters: clustersOf(proxy, path, report),
    hashSourceIp: proxy.hashPolicy.some(({ policySpecifier }) => policySpecifier.case === "sourceIp"),
  };
}

function clustersOf(proxy: TcpProxy, path: string, report: Report): Extract<Filter, { type: "tcp_proxy" }>["clusters"] {
  const specifier = proxy.clusterSpecifier;
  switch (specifier.case) {
    case "cluster":
      if (specifier.value === "") report.reject(at(path, "cluster"), "must be set");
      return [{ cluster: specifier.value, weight: 1 }];
    case "weightedClusters": {
      const clusters = specifier.value.clusters.map(({ name, weight }) => ({ cluster: name, weight }));
      checkSum(clusters, at(path, "weighted_clusters.clusters"), report);
      return clusters;
    }
    case undefined:
      return []; // refused by inspection: the oneof is required
    default:
      return specifier satisfies never;
  }
}
