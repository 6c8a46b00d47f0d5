// outlier_detection: which answers eject an endpoint, and for how long. Envoy's defaults (outlier_detection.proto).
import type { OutlierDetection as DetectionModel } from "../../model/cluster.ts";
import type { OutlierDetection } from "../gen/envoy/config/cluster/v3/outlier_detection_pb.ts";
import { milliseconds } from "./duration.ts";
import { at, type Needs, type Report } from "./report.ts";

const PATH = "outlier_detection";
const DEFAULT_MAX_EJECTION_MS = 300_000;

/** The detection was inspected. On connections without a proxy answers aren't seen. */
export function convertOutlierDetection(detection: OutlierDetection, needs: Needs, report: Report): DetectionModel {
  needs.push({ path: PATH, reason: "judges endpoints by their answers" });
  report.note("degraded", PATH, "judges endpoints by what the relay sends them only");
  const owner = { path: PATH, report };
  const baseEjectionMs = milliseconds(detection.baseEjectionTime, "base_ejection_time", owner) ?? 30_000;
  const explicitMaxMs = milliseconds(detection.maxEjectionTime, "max_ejection_time", owner);
  if (explicitMaxMs !== undefined && explicitMaxMs < baseEjectionMs)
    report.reject(at(PATH, "max_ejection_time"), "must not be less than base_ejection_time");
  return {
    consecutive5xx: detection.consecutive5xx ?? 5,
    consecutiveGatewayFailure: detection.consecutiveGatewayFailure ?? 5,
    consecutiveLocalOriginFailure: detection.consecutiveLocalOriginFailure ?? 5,
    enforcing5xx: detection.enforcingConsecutive5xx ?? 100,
    enforcingGatewayFailure: detection.enforcingConsecutiveGatewayFailure ?? 0,
    enforcingLocalOriginFailure: detection.enforcingConsecutiveLocalOriginFailure ?? 100,
    splitLocalOriginErrors: detection.splitExternalLocalOriginErrors,
    intervalMs: milliseconds(detection.interval, "interval", owner) ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: explicitMaxMs ?? Math.max(baseEjectionMs, DEFAULT_MAX_EJECTION_MS),
    maxEjectionPercent: detection.maxEjectionPercent ?? 10,
    alwaysEjectOne: detection.alwaysEjectOneHost ?? false,
    successRate: convertSuccessRate(detection),
    failurePercentage: convertFailurePercentage(detection),
  };
}

/** A detection that is never enforced is none. */
function convertSuccessRate(detection: OutlierDetection): DetectionModel["successRate"] {
  const enforcing = detection.enforcingSuccessRate ?? 100;
  if (enforcing === 0) return undefined;
  return {
    enforcing,
    minimumHosts: detection.successRateMinimumHosts ?? 5,
    requestVolume: detection.successRateRequestVolume ?? 100,
    stdevFactor: detection.successRateStdevFactor ?? 1900,
  };
}

function convertFailurePercentage(detection: OutlierDetection): DetectionModel["failurePercentage"] {
  const enforcing = detection.enforcingFailurePercentage ?? 0;
  if (enforcing === 0) return undefined;
  return {
    enforcing,
    threshold: detection.failurePercentageThreshold ?? 85,
    minimumHosts: detection.failurePercentageMinimumHosts ?? 5,
    requestVolume: detection.failurePercentageRequestVolume ?? 50,
  };
}
