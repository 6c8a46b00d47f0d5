// The HTTP fault filter: Istio puts it on every listener without a fault, and sets the faults per route.
import { type HTTPFault, HTTPFaultSchema } from "../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";

export const FaultSchema = HTTPFaultSchema;

export function isNoFault({ delay, abort, responseRateLimit }: HTTPFault): boolean {
  return delay === undefined && abort === undefined && responseRateLimit === undefined;
}
