// What a bootstrap says beside its resources: who this node is, and which control plane to follow.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Bootstrap } from "../xds/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { BootstrapSchema } from "../xds/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import type { Cluster } from "../xds/gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Node } from "../xds/gen/envoy/config/core/v3/base_pb.ts";
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType,
  type ConfigSource,
} from "../xds/gen/envoy/config/core/v3/config_source_pb.ts";
import { isPlaintext } from "../xds/resource/cluster.ts";
import { inspect } from "../xds/resource/inspect.ts";
import type { Report } from "../xds/resource/report.ts";

/** What the file says of the node; the agent has defaults for the rest (xds/node.ts). */
export interface FileNode {
  readonly id?: string;
  readonly cluster?: string;
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly metadata?: JsonObject;
}

export interface ControlPlane {
  /** An IP address or a name. */
  readonly host: string;
  readonly port: number;
  /** ads_config.api_type DELTA_GRPC. */
  readonly delta: boolean;
  /** lds_config and cds_config: whether all listeners and clusters are asked for. */
  readonly listeners: boolean;
  readonly clusters: boolean;
  /** The cluster of the file that leads there: for the agent, not for applications, unless a listener refers to it. */
  readonly cluster: string;
}

export interface BootstrapFacts {
  readonly node: FileNode | undefined;
  readonly controlPlane: ControlPlane | undefined;
}

/** `bootstrap` without its listeners and clusters, which are read one by one; `findCluster` reads one by its name. */
export function readBootstrap(
  bootstrap: Bootstrap,
  findCluster: (name: string) => Cluster | undefined,
  report: Report,
): BootstrapFacts {
  inspect(BootstrapSchema, bootstrap, { report, path: "", needs: [], needPath: "" });
  return { node: convertNode(bootstrap.node), controlPlane: convertControlPlane(bootstrap, findCluster, report) };
}

function convertNode(node: Node | undefined): FileNode | undefined {
  if (node === undefined) return undefined;
  const { id, cluster, locality, metadata } = node;
  return {
    ...(id === "" ? {} : { id }),
    ...(cluster === "" ? {} : { cluster }),
    ...(locality === undefined
      ? {}
      : { locality: { region: locality.region, zone: locality.zone, subZone: locality.subZone } }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function convertControlPlane(
  bootstrap: Bootstrap,
  findCluster: (name: string) => Cluster | undefined,
  report: Report,
): ControlPlane | undefined {
  const dynamic = bootstrap.dynamicResources;
  if (dynamic === undefined) return undefined;
  const path = "dynamic_resources.ads_config";
  if (dynamic.adsConfig === undefined) {
    report.reject(path, "must be set: listeners and clusters come by ADS");
    return undefined;
  }
  const delta = isDelta(dynamic.adsConfig, path, report);
  const cluster = clusterName(dynamic.adsConfig, path, report);
  const address = cluster === undefined ? undefined : clusterAddress(cluster, findCluster(cluster), path, report);
  if (address === undefined || cluster === undefined) return undefined;
  return { ...address, delta, listeners: isAds(dynamic.ldsConfig), clusters: isAds(dynamic.cdsConfig), cluster };
}

function isAds(source: ConfigSource | undefined): boolean {
  return source?.configSourceSpecifier.case === "ads"; // another source was refused by inspection
}

function isDelta({ apiType }: ApiConfigSource, path: string, report: Report): boolean {
  const { GRPC, DELTA_GRPC } = ApiConfigSource_ApiType;
  if (apiType !== GRPC && apiType !== DELTA_GRPC) report.reject(`${path}.api_type`, "must be GRPC or DELTA_GRPC");
  return apiType === DELTA_GRPC;
}

function clusterName({ grpcServices }: ApiConfigSource, path: string, report: Report): string | undefined {
  const [service, ...others] = grpcServices;
  if (others.length > 0) report.reject(`${path}.grpc_services`, "must be one");
  if (service?.targetSpecifier.case === "envoyGrpc") return service.targetSpecifier.value.clusterName;
  if (service === undefined) report.reject(`${path}.grpc_services`, "must be one with envoy_grpc");
  return undefined;
}

/** The address as it is written: a control plane may have a name, which the agent resolves. */
function clusterAddress(
  name: string,
  cluster: Cluster | undefined,
  path: string,
  report: Report,
): { readonly host: string; readonly port: number } | undefined {
  const where = `${path}.grpc_services[0].envoy_grpc.cluster_name`;
  if (cluster === undefined)
    return reject(report, where, `${JSON.stringify(name)} is no valid cluster of static_resources.clusters`);
  if (!isPlaintext(cluster.transportSocket))
    return reject(report, where, `${JSON.stringify(name)} has a transport_socket: only plaintext is supported`);
  const endpoint = cluster.loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier;
  const address = endpoint?.case === "endpoint" ? endpoint.value.address?.address : undefined;
  if (
    address?.case !== "socketAddress" ||
    address.value.portSpecifier.case !== "portValue" ||
    address.value.address === ""
  ) {
    return reject(report, where, `${JSON.stringify(name)} must have an endpoint with a socket_address`);
  }
  return { host: address.value.address, port: address.value.portSpecifier.value };
}

function reject(report: Report, path: string, reason: string): undefined {
  report.reject(path, reason);
  return undefined;
}
