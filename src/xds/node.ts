// Who this host is to the control plane (envoy.config.core.v3.Node). The default is what Istio expects of a VM: the sidecar's
// node id and metadata (istio: pkg/model/proxy.go ParseServiceNodeWithMetadata, pkg/model/node.go NodeMetadata).
import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "./gen/envoy/config/core/v3/base_pb.ts";

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** What a configuration file may set; everything has a default but what only the operator can know. */
export interface NodeConfig {
  readonly id?: string;
  readonly cluster?: string;
  readonly locality?: Partial<Locality>;
  readonly metadata?: JsonObject;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly clusterId?: string;
  readonly meshId?: string;
  readonly istioVersion?: string;
  readonly network?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Facts of the host, looked up by the caller. */
export interface Host {
  readonly hostname: string;
  /** Textual addresses that peers reach this host by, the best first. */
  readonly addresses: readonly string[];
}

export interface NodeIdentity {
  readonly id: string;
  readonly cluster: string;
  readonly locality: Locality;
  readonly metadata: JsonObject;
}

export interface UserAgent {
  readonly name: string;
  readonly version: string;
}

/** Identity with Istio's defaults; whatever the configuration says comes first, `metadata` key by key. */
export function identify(config: NodeConfig, host: Host): NodeIdentity {
  const namespace = config.namespace ?? "default";
  const address = host.addresses[0] ?? "127.0.0.1";
  const id = `sidecar~${address}~${host.hostname}.${namespace}~${namespace}.svc.cluster.local`;
  return {
    id: config.id ?? id,
    cluster: config.cluster ?? `${host.hostname}.${namespace}`,
    locality: { region: "", zone: "", subZone: "", ...config.locality },
    metadata: { ...istioMetadata(config, host, namespace), ...config.metadata },
  };
}

/** The message of the first request on every stream. */
export function toNode(identity: NodeIdentity, userAgent: UserAgent): Node {
  return create(NodeSchema, {
    id: identity.id,
    cluster: identity.cluster,
    locality: { ...identity.locality },
    metadata: identity.metadata,
    userAgentName: userAgent.name,
    userAgentVersionType: { case: "userAgentVersion", value: userAgent.version },
    // Nothing is claimed in client_features: overprovisioning is supported, wrapped SotW resources and TTLs are not.
    clientFeatures: [],
  });
}

function istioMetadata(config: NodeConfig, host: Host, namespace: string): JsonObject {
  const metadata: JsonObject = {
    NAME: host.hostname,
    NAMESPACE: namespace,
    CLUSTER_ID: config.clusterId ?? "Kubernetes",
    INSTANCE_IPS: host.addresses.join(","),
    SERVICE_ACCOUNT: config.serviceAccount ?? "default",
    LABELS: { ...config.labels },
  };
  if (config.meshId !== undefined) metadata.MESH_ID = config.meshId;
  if (config.network !== undefined) metadata.NETWORK = config.network;
  // Unset means "the newest" to istiod.
  if (config.istioVersion !== undefined) metadata.ISTIO_VERSION = config.istioVersion;
  return metadata;
}
