// The timers of one request: what the connection manager and the route set (source/common/http/conn_manager_impl.cc).
import type { HttpTimeouts } from "../model/http.ts";
import type { RequestView } from "../model/request.ts";
import type { RouteAction } from "../model/route.ts";
import { requestTimeouts } from "./behaviour/timeout.ts";
import type { ExchangeTimers } from "./client.ts";

export function startTimers(timers: ExchangeTimers, timeouts: HttpTimeouts, isRequestComplete: boolean): void {
  const { streamIdleMs, requestMs, maxStreamMs } = timeouts;
  if (streamIdleMs > 0) timers.idle.start(streamIdleMs);
  if (requestMs > 0 && !isRequestComplete) timers.request.start(requestMs);
  if (maxStreamMs > 0) timers.stream.start(maxStreamMs);
}

/** What the route says, or lets the request say, comes instead; 0 is none. */
export function applyRouteTimers({ idle, stream }: ExchangeTimers, action: RouteAction, request: RequestView): void {
  if (action.type !== "forward") return;
  const { idleMs, maxStreamMs } = requestTimeouts(action, request);
  if (idleMs !== undefined) restart(idle, idleMs);
  if (maxStreamMs !== undefined) restart(stream, maxStreamMs);
}

export function stopTimers({ idle, route, perTry, stream, request, delay }: ExchangeTimers): void {
  idle.stop();
  route.stop();
  perTry.stop();
  stream.stop();
  request.stop();
  delay.stop();
}

function restart(timer: { start(ms: number): void; stop(): void }, ms: number): void {
  if (ms > 0) timer.start(ms);
  else timer.stop();
}
