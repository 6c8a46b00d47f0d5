// What happens to the connection to the control plane, in the log.
import type { Log } from "../telemetry/log.ts";
import type { AdsEvent } from "./status.ts";

/** Names of an expired fetch that are written out. */
const maxNames = 10;

export function logEvent(log: Log, event: AdsEvent): void {
  switch (event.type) {
    case "connected":
      log.info("control plane connected", { server: event.server, variant: event.variant });
      break;
    case "disconnected":
      log.warn("control plane lost; the last good configuration stays", {
        reason: event.reason,
        retryMs: Math.round(event.retryMs),
      });
      break;
    case "fell_back":
      log.warn("protocol not offered; trying the other", { variant: event.variant, reason: event.reason });
      break;
    case "ignored":
      log.warn("resource type ignored", { typeUrl: event.typeUrl });
      break;
    case "nacked":
      log.warn("resources refused", { type: event.resourceType, detail: event.detail });
      break;
    case "expired":
      log.warn(event.names.length === 0 ? "no answer from the control plane yet" : "not waited for any longer", {
        type: event.resourceType,
        names: event.names.slice(0, maxNames).join(", "),
        count: event.names.length,
      });
      break;
    default:
      event satisfies never;
  }
}
