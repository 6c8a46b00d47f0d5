// The fault filter: delays and aborts. Istio puts it on every listener without a fault, and sets the faults per route.
import type { FaultConfig } from "../../../model/http.ts";
import type { FaultDelay } from "../../gen/envoy/extensions/filters/common/fault/v3/fault_pb.ts";
import type { FaultAbort, HTTPFault } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { milliseconds } from "../duration.ts";
import { inside, type Place } from "../inspect.ts";
import { convertHeaderMatchers, fractionOf } from "../matcher.ts";
import { at } from "../report.ts";

export function convertFault(fault: HTTPFault, place: Place): FaultConfig {
  return {
    type: "fault",
    delay: fault.delay && convertDelay(fault.delay, inside(place, "delay")),
    abort: fault.abort && convertAbort(fault.abort),
    headers: convertHeaderMatchers(fault.headers, at(place.path, "headers"), place.report),
    upstreamCluster: fault.upstreamCluster,
    downstreamNodes: [...fault.downstreamNodes],
    maxActive: fault.maxActiveFaults,
  };
}

function convertDelay(delay: FaultDelay, place: Place): FaultConfig["delay"] {
  const fraction = fractionOf(delay.percentage);
  const specifier = delay.faultDelaySecifier;
  switch (specifier.case) {
    case "fixedDelay":
      return { by: "fixed", ms: milliseconds(specifier.value, "fixed_delay", place) ?? 0, fraction };
    case "headerDelay":
      return { by: "header", fraction };
    case undefined:
      return undefined; // refused by inspection
    default:
      return specifier satisfies never;
  }
}

function convertAbort(abort: FaultAbort): FaultConfig["abort"] {
  const fraction = fractionOf(abort.percentage);
  const { errorType } = abort;
  switch (errorType.case) {
    case "httpStatus":
      return { by: "status", status: errorType.value, fraction };
    case "grpcStatus":
      return { by: "grpc", status: errorType.value, fraction };
    case "headerAbort":
      return { by: "header", fraction };
    case undefined:
      return undefined; // refused by inspection
    default:
      return errorType satisfies never;
  }
}
