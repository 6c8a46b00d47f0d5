// circuit_breakers: how many connections a cluster may have, which every engine counts, and what the relay counts besides.
import { type Cluster as ClusterModel, defaultLimits, type RequestLimits } from "../../model/cluster.ts";
import type { CircuitBreakers, CircuitBreakers_Thresholds } from "../gen/envoy/config/cluster/v3/circuit_breaker_pb.ts";
import { RoutingPriority } from "../gen/envoy/config/core/v3/base_pb.ts";
import { at, type Needs, type Report } from "./report.ts";

/** What Istio writes for "no limit". */
const UNLIMITED = 0xffffffff;

// Envoy's defaults of a retry budget (circuit_breaker.proto).
const DEFAULT_BUDGET_PERCENT = 20;
const DEFAULT_BUDGET_MINIMUM = 3;

type Limits = Pick<ClusterModel, "maxConnections" | "limits">;

/**
 * Envoy takes the first entry of a priority. Explicit limits are needs: on HTTP connections even that of connections, since requests
 * above it wait or overflow. Those of the priority HIGH count for routes of that priority only, which take the relay anyway.
 */
export function convertCircuitBreakers(breakers: CircuitBreakers | undefined, needs: Needs, report: Report): Limits {
  const thresholds = breakers?.thresholds ?? [];
  const indexOf = (wanted: RoutingPriority): number => thresholds.findIndex(({ priority }) => priority === wanted);
  const index = indexOf(RoutingPriority.DEFAULT);
  const normal = thresholds[index];
  if (normal !== undefined) {
    const path = `circuit_breakers.thresholds[${index}]`;
    needExplicit(normal, path, needs);
    noteRelayed(normal, path, report);
  }
  const connections = normal?.maxConnections;
  return {
    maxConnections: connections === UNLIMITED ? undefined : connections,
    limits: {
      default: convertThresholds(normal),
      high: convertThresholds(thresholds[indexOf(RoutingPriority.HIGH)]),
    },
  };
}

function convertThresholds(thresholds: CircuitBreakers_Thresholds | undefined): RequestLimits {
  if (thresholds === undefined) return defaultLimits;
  const budget = thresholds.retryBudget;
  return {
    connections: limitOf(thresholds.maxConnections, defaultLimits.connections),
    pendingRequests: limitOf(thresholds.maxPendingRequests, defaultLimits.pendingRequests),
    requests: limitOf(thresholds.maxRequests, defaultLimits.requests),
    retries: limitOf(thresholds.maxRetries, defaultLimits.retries),
    retryBudget: budget && {
      percent: budget.budgetPercent?.value ?? DEFAULT_BUDGET_PERCENT,
      minimum: budget.minRetryConcurrency ?? DEFAULT_BUDGET_MINIMUM,
    },
  };
}

function limitOf(limit: number | undefined, unset: number): number {
  return limit === UNLIMITED ? Number.POSITIVE_INFINITY : (limit ?? unset);
}

/** Istio writes "no limit" on every cluster, which asks for nothing. */
function needExplicit(thresholds: CircuitBreakers_Thresholds, path: string, needs: Needs): void {
  const limits = {
    max_connections: thresholds.maxConnections,
    max_pending_requests: thresholds.maxPendingRequests,
    max_requests: thresholds.maxRequests,
    max_retries: thresholds.maxRetries,
  };
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && limit !== UNLIMITED) needs.push({ path: at(path, name), reason: "limits requests" });
  }
  if (thresholds.retryBudget !== undefined) needs.push({ path: at(path, "retry_budget"), reason: "limits retries" });
}

/** On a connection without a proxy requests aren't seen, so they can't be counted. */
function noteRelayed(thresholds: CircuitBreakers_Thresholds, path: string, report: Report): void {
  const limits = {
    max_pending_requests: thresholds.maxPendingRequests,
    max_requests: thresholds.maxRequests,
    max_retries: thresholds.maxRetries,
  };
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && limit !== UNLIMITED)
      report.note("degraded", at(path, name), "counts what the relay does only");
  }
  const pools = thresholds.maxConnectionPools;
  if (pools !== undefined && pools !== UNLIMITED)
    report.note("degraded", at(path, "max_connection_pools"), "connection pools aren't limited");
}
