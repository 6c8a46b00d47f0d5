// The fault filter: a delay, then an abort, each with a chance of its own (source/extensions/filters/http/fault/fault_filter.cc,
// source/extensions/filters/common/fault/fault_config.cc).
import type { FaultConfig } from "../../model/http.ts";
import type { Fraction } from "../../model/matcher.ts";
import type { RequestView } from "../../model/request.ts";
import { firstValue, happens, parseUnsigned, requestHeadersHold } from "./conditions.ts";
import type { Patterns } from "./patterns.ts";

export const faultAbortBody = "fault filter abort";

export interface FaultInput {
  readonly request: RequestView;
  /** The route's; undefined where it isn't known. */
  readonly cluster: string | undefined;
  /** Requests that are delayed or were aborted at this moment (max_active_faults). */
  readonly active: number;
  readonly random: () => number;
}

export interface FaultDecision {
  readonly delayMs: number | undefined;
  /** After the delay. */
  readonly abort: { readonly status: number; readonly grpcStatus: number | undefined } | undefined;
}

const noFault: FaultDecision = { delayMs: undefined, abort: undefined };

export function decideFault(config: FaultConfig, input: FaultInput, patterns: Patterns): FaultDecision {
  return applies(config, input, patterns)
    ? { delayMs: delayOf(config, input), abort: abortOf(config, input) }
    : noFault;
}

function applies(config: FaultConfig, { request, cluster, active }: FaultInput, patterns: Patterns): boolean {
  if (config.maxActive !== undefined && active >= config.maxActive) return false;
  if (config.upstreamCluster !== "" && cluster !== config.upstreamCluster) return false;
  const node = request.header("x-envoy-downstream-service-node");
  if (config.downstreamNodes.length > 0 && (node === undefined || !config.downstreamNodes.includes(node))) return false;
  return requestHeadersHold(config.headers, request, patterns);
}

function delayOf({ delay }: FaultConfig, { request, random }: FaultInput): number | undefined {
  if (delay === undefined) return undefined;
  if (!happens(capped(delay, request, "x-envoy-fault-delay-request-percentage"), random)) return undefined;
  const ms = delay.by === "fixed" ? delay.ms : parseUnsigned(firstValue(request, "x-envoy-fault-delay-request"));
  return ms === undefined || ms === 0 ? undefined : ms;
}

function abortOf({ abort }: FaultConfig, { request, random }: FaultInput): FaultDecision["abort"] {
  if (abort === undefined) return undefined;
  if (!happens(capped(abort, request, "x-envoy-fault-abort-request-percentage"), random)) return undefined;
  switch (abort.by) {
    case "status":
      return { status: abort.status, grpcStatus: undefined };
    case "grpc":
      return grpcAbort(abort.status);
    case "header":
      return requestedAbort(request);
  }
}

/** The client may ask for less than is configured, not for more, in the configured denominator. */
function capped(
  fault: { readonly by: string; readonly fraction: Fraction },
  request: RequestView,
  header: string,
): Fraction {
  const asked = fault.by === "header" ? parseUnsigned(firstValue(request, header)) : undefined;
  return asked === undefined
    ? fault.fraction
    : { ...fault.fraction, numerator: Math.min(asked, fault.fraction.numerator) };
}

function requestedAbort(request: RequestView): FaultDecision["abort"] {
  const status = parseUnsigned(firstValue(request, "x-envoy-fault-abort-request"));
  if (status !== undefined && status >= 200 && status < 600) return { status, grpcStatus: undefined };
  const grpcStatus = parseUnsigned(firstValue(request, "x-envoy-fault-abort-grpc-request"));
  return grpcStatus === undefined ? undefined : grpcAbort(grpcStatus);
}

/** Who doesn't speak gRPC gets a plain 200. */
function grpcAbort(grpcStatus: number): FaultDecision["abort"] {
  return { status: 200, grpcStatus };
}
