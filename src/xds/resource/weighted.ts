// What tcp_proxy and route weighted_clusters have in common: Envoy's rules for the sum (config_impl.cc, tcp_proxy.cc).
import type { WeightedCluster } from "../../model/route.ts";
import type { Report } from "./report.ts";

const MAX_SUM = 0xffffffff;

export function checkSum(clusters: readonly WeightedCluster[], path: string, report: Report): void {
  const sum = clusters.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) report.reject(path, "the sum of the weights must be greater than 0");
  if (sum > MAX_SUM) report.reject(path, "the sum of the weights must be less than 2^32");
}
