// Writes a setting's part of the one file: its listener at a VIP of its own, its clusters, and the addresses of their endpoints.
import { cluster, type Json, listener, socketAddress } from "../mesh.ts";
import type { Case, ClusterFields, Group, Setting } from "./scenario.ts";

export const backendPort = 8080;
/** Where nobody listens. */
const gonePort = 8081;
const letters = "abcdefghijklmnopqrstuvwxyz";
const typeBase = "type.googleapis.com/envoy.extensions.filters";

/** A setting where it lives, with some or all of its cases. */
export interface Placed {
  readonly id: string;
  readonly vip: string;
  /** What the addresses of its endpoints begin with. */
  readonly prefix: string;
  readonly setting: Setting;
  readonly cases: readonly Case[];
}

const casesPerShard = 6;

/** Cases that don't depend on each other are spread over copies of their setting, so that they can be played at the same time. */
export function place(group: Group, index: number): readonly Placed[] {
  const shards = group.settings.flatMap((setting) => shardsOf(setting).map((cases) => [setting, cases] as const));
  return shards.map(([setting, cases], i) => ({
    ...{ id: `s${i + 1}`, vip: `127.96.${index + 1}.${i + 1}`, prefix: `127.${index + 101}.${i + 1}.` },
    ...{ setting, cases },
  }));
}

function shardsOf({ cases, isStateful = false }: Setting): readonly (readonly Case[])[] {
  if (isStateful) return [cases];
  const count = Math.ceil(cases.length / casesPerShard);
  return Array.from({ length: count }, (_, i) => cases.slice(i * casesPerShard, (i + 1) * casesPerShard));
}

/** Puts names and addresses in the place of `@a`, `@{a}` and `@{vip}`. */
export function localize(text: string, { id, vip, prefix }: Placed): string {
  return text
    .replace(/@\{vip\}/g, vip)
    .replace(/@\{endpoint ([a-z])\}/g, (_, letter: string) => endpointAddress(letter, prefix))
    .replace(/@\{session ([a-z])\}/g, (_, letter: string) => sessionOf(letter, prefix))
    .replace(/@\{sealed ([a-z]) (\d+)\}/g, (_, letter: string, end: string) => sealed(letter, prefix, Number(end)))
    .replace(/@\{(\w+)\}/g, `${id}-$1`)
    .replace(/^@(\w+)$/, `${id}-$1`);
}

export function endpointAddress(letter: string, prefix: string): string {
  return `${prefix}${letters.indexOf(letter) + 1}`;
}

/** What a stateful session's cookie says of an endpoint: its address. */
function sessionOf(letter: string, prefix: string): string {
  return Buffer.from(`${endpointAddress(letter, prefix)}:${backendPort}`).toString("base64");
}

/** The same with the time at which it ends: a protobuf of a string (1) and a varint (2), as Envoy writes it. */
function sealed(letter: string, prefix: string, end: number): string {
  const address = `${endpointAddress(letter, prefix)}:${backendPort}`;
  const varint: number[] = [];
  let left = end;
  for (; left > 127; left = Math.floor(left / 128)) varint.push((left % 128) + 128);
  return Buffer.from([0x0a, address.length, ...Buffer.from(address), 0x10, ...varint, left]).toString("base64");
}

export function letterOf(address: string): string {
  return letters[Number(address.split(".")[3]) - 1] ?? "?";
}

function localizeAll(value: unknown, placed: Placed, clusters: Set<string>): unknown {
  if (typeof value === "string") {
    const name = /^@(\w+)$/.exec(value)?.[1] ?? /@\{([a-z])\}/.exec(value)?.[1];
    if (name !== undefined) clusters.add(name);
    return localize(value, placed);
  }
  if (Array.isArray(value)) return value.map((item) => localizeAll(item, placed, clusters));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, localizeAll(item, placed, clusters)]));
}

export function resourcesOf(placed: Placed): {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
} {
  const { id, vip, setting } = placed;
  const named = new Set<string>(Object.keys(setting.clusters ?? {}));
  const filter = localizeAll(managerOf(setting), placed, named) as Json;
  // Filter configurations in `more` may name clusters as well.
  const specs = localizeAll(setting.clusters ?? {}, placed, named) as Readonly<Record<string, ClusterFields>>;
  const clusters = [...named]
    .filter((name) => name !== "unknown")
    .map((name) => clusterOf(name, specs[name] ?? {}, placed));
  return { listeners: [listener(id, `${vip}:80`, [{ filter }], localizeAll({}, placed, named) as Json)], clusters };
}

function clusterOf(name: string, { endpoints = [name], more = {} }: ClusterFields, { id, prefix }: Placed): Json {
  const lb_endpoints = endpoints.map((letter) => ({ endpoint: { address: addressOf(letter, prefix) } }));
  const base = cluster(`${id}-${name}`, {});
  return { ...base, load_assignment: { cluster_name: base.name, endpoints: [{ lb_endpoints }] }, ...more };
}

function addressOf(letter: string, prefix: string): Json {
  return letter === "gone"
    ? socketAddress(`${prefix}99:${gonePort}`)
    : socketAddress(`${endpointAddress(letter, prefix)}:${backendPort}`);
}

function managerOf({ routes, hosts, host = {}, configuration = {}, manager = {}, filters = [] }: Setting): Json {
  const virtual_hosts = [
    ...(hosts ?? []),
    ...(routes === undefined ? [] : [{ name: "all", domains: ["*"], routes, ...host }]),
    // Takes the decision out of connect()'s hands in every setting: the relay is what is tested.
    {
      name: "never",
      domains: ["never.invalid"],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 404 } }],
    },
  ];
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${typeBase}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "http",
      // How long Envoy waits between an answer that ends a connection and its close: a second would be spent on each such case.
      delayed_close_timeout: "0.05s",
      ...manager,
      route_config: { name: "r", virtual_hosts, ...configuration },
      http_filters: [...filters, router],
    },
  };
}

export function httpFilter(name: string, type: string, config: Json = {}): Json {
  return { name: `envoy.filters.http.${name}`, typed_config: { "@type": `${typeBase}.http.${type}`, ...config } };
}

const router = httpFilter("router", "router.v3.Router");
