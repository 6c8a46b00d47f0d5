// For tests: route configurations in one line of YAML, and the routes that they become.
import type { Route } from "../../../model/route.ts";
import { modelOf } from "./decode-yaml.ts";

export const configuration = (hosts: string): string => `name: r\nvirtual_hosts: [${hosts}]`;

export const host = (routes: string, more = ""): string => `{ name: v, domains: ['*'], ${more} routes: [${routes}] }`;

export const route = (action: string, match = "prefix: /", more = ""): string =>
  `{ match: { ${match} }, ${action}, ${more} }`;

export const forwarding = (more: string): string => `route: { cluster: c, ${more} }`;

export const weighted = (clusters: string, more = ""): string =>
  `route: { weighted_clusters: { clusters: [${clusters}], ${more} } }`;

export const routesOf = (yaml: string): readonly Route[] =>
  modelOf("route", configuration(host(yaml))).virtualHosts[0]?.routes ?? [];
