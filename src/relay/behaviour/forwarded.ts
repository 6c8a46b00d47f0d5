// The fields that a proxy puts there about itself and its client, only as configured, and those that Envoy takes away from clients it
// has no reason to trust (source/common/http/conn_manager_utility.cc: mutateRequestHeaders, cleanInternalHeaders).
import { type Address, formatAddress, isLoopback } from "../../ip.ts";
import type { HttpOptions } from "../../model/http.ts";
import type { Fields } from "./fields.ts";

/** What only internal senders may say, and there are none here: no addresses are configured as such, nor are by default. */
const internalFields: ReadonlySet<string> = new Set([
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
  "x-envoy-ip-tags",
  "x-envoy-max-retries",
  "x-envoy-original-url",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-stream-duration-ms",
]);

/** What is taken away as well by the first proxy that looks at the client's own address. */
const edgeFields: ReadonlySet<string> = new Set([
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-external-address",
  "x-envoy-original-host",
  "x-envoy-original-path",
]);

/** Whether a field of that lower-case name must go before anything looks at the request. */
export function isStripped(lowerName: string, options: HttpOptions, internalOnly: readonly string[]): boolean {
  if (internalOnly.includes(lowerName)) return true;
  if (!lowerName.startsWith("x-envoy-")) return false;
  return internalFields.has(lowerName) || (options.appendForwardedFor && edgeFields.has(lowerName));
}

/** Whether requests get any field that `addForwarded` adds. */
export function addsToRequests({ appendForwardedFor, via, addUserAgent }: HttpOptions): boolean {
  return appendForwardedFor || via !== "" || addUserAgent;
}

export interface ForwardedClient {
  readonly address: Address;
  /** What stands for a client that came by loopback: the host's own address. Undefined: the loopback address itself. */
  readonly host: Address | undefined;
}

export function addForwarded(fields: Fields, options: HttpOptions, client: ForwardedClient): void {
  if (options.appendForwardedFor) {
    const address = isLoopback(client.address) ? (client.host ?? client.address) : client.address;
    fields.append("x-forwarded-for", formatAddress(address));
    // Who is the first to see the client knows best how it came.
    fields.set("x-forwarded-proto", "http");
  }
  if (options.via !== "") fields.append("via", options.via, ", ");
  if (options.addUserAgent && !fields.has("user-agent")) fields.set("user-agent", "envoy");
}

/** Whether responses are changed by `addToResponse`. */
export function addsToResponses({ serverName, serverHeader, via }: HttpOptions): boolean {
  return via !== "" || (serverName !== "" && serverHeader !== "pass_through");
}

export function addToResponse(fields: Fields, { serverName, serverHeader, via }: HttpOptions): void {
  const isServerOurs = serverHeader === "overwrite" || (serverHeader === "append_if_absent" && !fields.has("server"));
  if (serverName !== "" && isServerOurs) fields.set("server", serverName);
  if (via !== "") fields.append("via", via, ", ");
}

/** include_request_attempt_count, include_attempt_count_in_response: from 1. */
export function setAttemptCount(fields: Fields, attempt: number): void {
  fields.set("x-envoy-attempt-count", String(attempt));
}
