// The mesh that the tests of the relay itself begin with: a canary by header.
import { HTTP_REQUEST } from "../support/dialer.ts";
import type { SessionAnswer } from "../support/http-session.ts";
import { everything, httpListener, pathRoute } from "./http-resources.ts";
import { goAddress } from "./relay-world.ts";
import { bootstrap, type Json, staticCluster } from "./resources.ts";

export const vip = "127.96.0.1";
export const plainVip = "127.96.0.2";
export const tcpVip = "127.96.0.3";
export const answeredVip = "127.96.0.4";
export const goVip = "127.96.0.5";
export const clusters = [
  staticCluster("a", ["127.0.1.1:8080"]),
  staticCluster("b", ["127.0.1.2:8080"]),
  staticCluster("t", ["127.0.1.3:8080"]),
  staticCluster("go", [goAddress]),
];
const isCanary: Json = { ...everything, headers: [{ name: "x-canary", string_match: { exact: "yes" } }] };
export const canaryHeader = { "x-canary": "yes" };
export const canaryRequest = HTTP_REQUEST.replace("\r\n\r\n", "\r\nx-canary: yes\r\n\r\n");

/** Requests go to one cluster, those of the canary to the other. */
export function meshOf(stable: string, canary: string, ...more: readonly Json[]): string {
  const routes = [{ match: isCanary, route: { cluster: canary } }, pathRoute("/", stable)];
  return bootstrap([httpListener("shop", `${vip}:80`, routes), ...more], clusters);
}

export function named(answer: SessionAnswer): string {
  return "error" in answer ? `!${answer.error}` : answer.body.trim();
}
