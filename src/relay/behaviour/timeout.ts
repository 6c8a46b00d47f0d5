// How long a request may take (source/common/router/router.cc, FilterUtility::finalTimeout; conn_manager_impl.cc,
// refreshDurationTimeout). Clients have no say but by grpc-timeout, where the route allows it.
import type { RequestView } from "../../model/request.ts";
import type { ForwardAction } from "../../model/route.ts";
import { isGrpcRequest } from "./local-reply.ts";

/** In milliseconds; 0 = none. */
export interface RequestTimeouts {
  /** From the end of the request to the end of the response, over all attempts. */
  readonly globalMs: number;
  readonly perTryMs: number;
  readonly perTryIdleMs: number;
  /** Undefined: as the connection manager says. */
  readonly maxStreamMs: number | undefined;
  /** Undefined: as the connection manager says. */
  readonly idleMs: number | undefined;
  /** What grpc-timeout should say to the endpoint; undefined: as sent. */
  readonly grpcTimeout: string | undefined;
}

export function requestTimeouts(action: ForwardAction, request: RequestView): RequestTimeouts {
  // A route with max_stream_duration has that instead of its timeout (usingNewTimeouts).
  const isByStream = action.maxStreamDurationMs !== undefined;
  const maxMs = action.grpcTimeoutHeaderMaxMs;
  const isByClient = !isByStream && maxMs !== undefined && isGrpcRequest(request);
  const globalMs = isByStream ? 0 : isByClient ? capped(grpcTimeoutOf(request) ?? 0, maxMs) : action.timeoutMs;
  const perTryMs = perTryOf(action, globalMs);
  const expectedMs = perTryMs === 0 ? globalMs : perTryMs;
  return {
    globalMs,
    perTryMs,
    perTryIdleMs: action.retry?.perTryIdleTimeoutMs ?? 0,
    maxStreamMs: maxStreamOf(action, request),
    idleMs: action.idleTimeoutMs,
    grpcTimeout: isByClient && expectedMs > 0 ? formatGrpcTimeout(expectedMs) : undefined,
  };
}

/** As long as the whole or longer: no use. */
function perTryOf({ retry }: ForwardAction, globalMs: number): number {
  const perTryMs = retry?.perTryTimeoutMs ?? 0;
  return globalMs !== 0 && perTryMs >= globalMs ? 0 : perTryMs;
}

function maxStreamOf(action: ForwardAction, request: RequestView): number | undefined {
  const { maxStreamDurationMs, grpcTimeoutHeaderMaxMs: maxMs } = action;
  const askedMs = maxStreamDurationMs === undefined || maxMs === undefined ? undefined : grpcTimeoutOf(request);
  return askedMs === undefined || maxMs === undefined ? maxStreamDurationMs : capped(askedMs, maxMs);
}

/** 0 is without limit, on both sides. */
function capped(askedMs: number, maxMs: number): number {
  return maxMs !== 0 && (askedMs === 0 || askedMs > maxMs) ? maxMs : askedMs;
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: up to 8 digits and a unit; rounded up to milliseconds. */
function grpcTimeoutOf(request: RequestView): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(request.header("grpc-timeout") ?? "") ?? [];
  return digits === undefined ? undefined : Math.ceil(Number(digits) * (unitMs[unit] ?? 0));
}

const maxGrpcDigits = 99_999_999;

/** In the smallest unit from milliseconds on that has room for it (source/common/grpc/common.cc, toGrpcTimeout). */
function formatGrpcTimeout(ms: number): string {
  for (const unit of ["m", "S", "M"]) {
    const count = Math.floor(ms / (unitMs[unit] ?? 1));
    if (count <= maxGrpcDigits) return `${count}${unit}`;
  }
  return `${Math.min(Math.floor(ms / (unitMs.H ?? 1)), maxGrpcDigits)}H`;
}
