// HTTP filters, short to write: their settings, and those of a virtual host or route.
import type { Json } from "../mesh.ts";
import { httpFilter } from "./config.ts";
import { request } from "./scenario.ts";

const filterType = "type.googleapis.com/envoy.extensions.filters.http";

/** typed_per_filter_config of one filter. */
export function override(name: string, type: string, config: Json): Json {
  return {
    typed_per_filter_config: { [`envoy.filters.http.${name}`]: { "@type": `${filterType}.${type}`, ...config } },
  };
}

export const always = { numerator: 100 };

export function fault(config: Json = {}): Json {
  return httpFilter("fault", "fault.v3.HTTPFault", config);
}

export const abort = (status: number): Json => ({ abort: { http_status: status, percentage: always } });

export const toA: Json = { match: { prefix: "/" }, route: { cluster: "@a" } };

export const corsFilter = httpFilter("cors", "cors.v3.Cors");

/** Of the virtual host in these scenarios. */
export const corsPolicy: Json = {
  allow_origin_string_match: [{ exact: "http://good.example" }, { safe_regex: { regex: "https://[a-z]+\\.test" } }],
  allow_methods: "GET, PUT",
  allow_headers: "x-one, x-two",
  expose_headers: "x-out",
  max_age: "600",
  allow_credentials: true,
};

export function preflight(path: string, origin: string, ...more: readonly string[]): string {
  return request("OPTIONS", path, [`Origin: ${origin}`, "Access-Control-Request-Method: PUT", ...more]);
}

export function rbac(action: string, permission: Json, principal: Json = { any: true }): Json {
  return httpFilter("rbac", "rbac.v3.RBAC", {
    rules: { action, policies: { p: { permissions: [permission], principals: [principal] } } },
  });
}

export const denied = "403 RBAC: access denied";
export const byHeader: Json = { header: { name: "x-role", string_match: { exact: "admin" } } };
