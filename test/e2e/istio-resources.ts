// Istio's resources as these tests need them, as YAML documents; namespace default.
import { backendPort } from "./world.ts";

type Labels = Readonly<Record<string, string>>;

export interface ServiceOptions {
  readonly vip: string;
  readonly port: number;
  readonly protocol?: "TCP" | "HTTP";
  readonly resolution?: "STATIC" | "DNS";
  /** Address → labels. */
  readonly endpoints?: Readonly<Record<string, Labels>>;
  /** Workload entries with these labels, instead of endpoints. */
  readonly selector?: Labels;
}

export function hostOf(name: string): string {
  return `${name}.default.svc.cluster.local`;
}

export function serviceEntry(name: string, options: ServiceOptions): string {
  const { vip, port, protocol = "TCP", resolution = "STATIC", endpoints, selector } = options;
  return resource("ServiceEntry", name, {
    hosts: [hostOf(name)],
    addresses: [vip],
    location: "MESH_INTERNAL",
    resolution,
    ports: [{ number: port, name: protocol.toLowerCase(), protocol, targetPort: backendPort }],
    ...(endpoints === undefined
      ? {}
      : { endpoints: Object.entries(endpoints).map(([address, labels]) => ({ address, labels })) }),
    ...(selector === undefined ? {} : { workloadSelector: { labels: selector } }),
  });
}

export function workloadEntry(name: string, address: string, labels: Labels, serviceAccount?: string): string {
  return resource("WorkloadEntry", name, {
    address,
    labels,
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
  });
}

/** One subset for each value of the label `version`. */
export function destinationRule(name: string, versions: readonly string[]): string {
  return destinationRuleOf(name, versions);
}

export function destinationRuleOf(name: string, versions: readonly string[], trafficPolicy?: object): string {
  const subsets = versions.map((version) => ({ name: version, labels: { version } }));
  return resource("DestinationRule", name, {
    ...{ host: hostOf(name), subsets },
    ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
  });
}

/** Subset → weight. */
export function weightedTcp(name: string, port: number, weights: Readonly<Record<string, number>>): string {
  const route = Object.entries(weights).map(([subset, weight]) => ({
    destination: { host: hostOf(name), subset, port: { number: port } },
    weight,
  }));
  return resource("VirtualService", name, { hosts: [hostOf(name)], tcp: [{ match: [{ port }], route }] });
}

/** HTTP requests with a header go to one subset, all others to another. */
export function headerRoute(name: string, header: string, subset: string, otherwise: string): string {
  const to = (chosen: string) => ({ route: [{ destination: { host: hostOf(name), subset: chosen } }] });
  const canary = { match: [{ headers: { [header]: { exact: "yes" } } }], ...to(subset) };
  return resource("VirtualService", name, { hosts: [hostOf(name)], http: [canary, to(otherwise)] });
}

export function resource(kind: string, name: string, spec: object): string {
  const document = { apiVersion: "networking.istio.io/v1", kind, metadata: { name, namespace: "default" }, spec };
  return `${JSON.stringify(document)}\n---\n`;
}
