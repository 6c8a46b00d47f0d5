// Routes about the configuration in effect: as the control plane or the file gave it, as it was compiled, as the kernel holds it.
import { MeshError } from "../../errors.ts";
import type { ExplainedRequest } from "../../explain-request.ts";
import { parseSocketAddress } from "../../ip.ts";
import { json, longJson, longText, text } from "../answer.ts";
import { formatClusters, listClusters } from "../clusters.ts";
import { dumpConfig, dumpResource, dumpResources } from "../config-dump.ts";
import { formatListeners, listListeners } from "../listeners.ts";
import { toPlain } from "../plain.ts";
import { compileRegex, maxPatternLength } from "../regex.ts";
import { type Asked, formatParameter, jsonType, type Query, type Route, textType, wantsJson } from "../route.ts";
import type { AgentView } from "../view.ts";

export const configRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/config_dump",
    summary:
      "The resources in effect, in Envoy's shape, and the kernel's maps read back (not with resource or name_regex)",
    parameters: [
      { name: "include_eds", summary: "with the endpoint assignments", isFlag: true },
      { name: "resource", summary: "only the entries of this list", values: dumpResources },
      { name: "name_regex", summary: "only resources whose whole name matches (RE2)", maxLength: maxPatternLength },
    ],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: async (_, asked) => longJson(await dump(asked)),
  },
  {
    method: "GET",
    path: "/listeners",
    summary: "Listeners; in JSON with the engine of each destination, and why",
    parameters: [formatParameter],
    contentTypes: [textType, jsonType],
    statuses: {},
    access: "read",
    handle: (_, asked) => (wantsJson(asked) ? json(listListeners(asked.view)) : text(formatListeners(asked.view))),
  },
  {
    method: "GET",
    path: "/clusters",
    summary: "Clusters and their endpoints, with connections",
    parameters: [formatParameter],
    contentTypes: [textType, jsonType],
    statuses: {},
    access: "read",
    handle: (_, asked) =>
      wantsJson(asked) ? longJson(listClusters(asked.view)) : longText(formatClusters(asked.view)),
  },
  {
    method: "GET",
    path: "/explain",
    summary: "Which listener, route, cluster and endpoints would serve a destination, and why",
    parameters: [
      { name: "destination", summary: "IP:PORT or [IPV6]:PORT", isRequired: true, maxLength: 64 },
      { name: "method", summary: "of the request; GET where absent", maxLength: 64 },
      { name: "path", summary: "of the request, with query; / where absent", maxLength: 8192 },
      { name: "headers", summary: "of the request: a `name: value` a line", maxLength: 65_536 },
    ],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view, query }) => {
      const destination = parseSocketAddress(query.destination ?? "");
      if (destination !== undefined) return json(view.explain(destination, readRequest(query)));
      throw new MeshError("usage", "query parameter destination: expected IP:PORT or [IPV6]:PORT");
    },
  },
];

function readRequest({ method, path, headers = "" }: Query): ExplainedRequest {
  if (path !== undefined && !path.startsWith("/") && path !== "*")
    throw new MeshError("usage", "query parameter path: expected one that begins with /");
  const lines = headers.split("\n").filter((line) => line !== "");
  return {
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    headers: lines.map(readHeader),
  };
}

function readHeader(line: string): readonly [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new MeshError("usage", "query parameter headers: expected `name: value` on each line");
}

async function dump({ view, query }: Asked): Promise<unknown> {
  const { name_regex: pattern, resource } = query;
  const matches = pattern === undefined ? () => true : await compileRegex("name_regex", pattern, "whole");
  const isOfEndpoints = resource?.endsWith("endpoint_configs") === true;
  const options = { matches, withEndpoints: "include_eds" in query || isOfEndpoints };
  if (resource !== undefined) return { configs: dumpResource(view, resource, options) };
  const configs = dumpConfig(view, options);
  return pattern === undefined ? { configs, kmesh_edge: { maps: readMaps(view) } } : { configs };
}

function readMaps(view: AgentView): Readonly<Record<string, Iterator<unknown>>> {
  const maps = Object.entries(view.readMaps());
  return Object.fromEntries(maps.map(([name, entries]) => [name, entries.values().map(toPlain)]));
}
