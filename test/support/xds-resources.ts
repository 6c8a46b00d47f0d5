// Small valid (and deliberately invalid) xDS resources, packed as a control plane sends them.
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/xds/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../src/xds/gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../src/xds/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../src/xds/gen/envoy/config/route/v3/route_pb.ts";
import { RouterSchema } from "../../src/xds/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/xds/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../src/xds/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";

/** A resource with the name and version that delta puts beside it. */
export interface Packed {
  readonly name: string;
  readonly version: string;
  readonly resource: Any;
}

export function pack<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return create(AnySchema, {
    typeUrl: `type.googleapis.com/${schema.typeName}`,
    value: toBinary(schema, create(schema, init)),
  });
}

const ads = { configSourceSpecifier: { case: "ads", value: {} } } as const;

/** A cluster by EDS. */
export function edsCluster(name: string, version = "1"): Packed {
  const resource = pack(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
  });
  return { name, version, resource };
}

/** A cluster that needs nothing else. */
export function staticCluster(name: string, version = "1"): Packed {
  const resource = pack(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: name },
  });
  return { name, version, resource };
}

/** A cluster that is refused at `type`. */
export function refusedCluster(name: string, version = "1"): Packed {
  const resource = pack(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
  });
  return { name, version, resource };
}

export function assignment(name: string, version = "1", port = 80): Packed {
  const address = {
    case: "socketAddress",
    value: { address: "127.0.0.9", portSpecifier: { case: "portValue", value: port } },
  } as const;
  const resource = pack(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: { address } } } }] }],
  });
  return { name, version, resource };
}

function listener(name: string, version: string, typedConfig: Any): Packed {
  const address = {
    case: "socketAddress",
    value: { address: "127.96.0.1", portSpecifier: { case: "portValue", value: 80 } },
  } as const;
  const resource = pack(ListenerSchema, {
    name,
    address: { address },
    filterChains: [{ filters: [{ name: "filter", configType: { case: "typedConfig", value: typedConfig } }] }],
  });
  return { name, version, resource };
}

export function tcpListener(name: string, cluster: string, version = "1"): Packed {
  const tcpProxy = pack(TcpProxySchema, { statPrefix: name, clusterSpecifier: { case: "cluster", value: cluster } });
  return listener(name, version, tcpProxy);
}

export function rdsListener(name: string, routeConfigName: string, version = "1"): Packed {
  const routeSpecifier = { case: "rds", value: { routeConfigName, configSource: ads } } as const;
  const router = {
    name: "router",
    configType: { case: "typedConfig", value: pack(RouterSchema, {}) },
  } as const;
  return listener(
    name,
    version,
    pack(HttpConnectionManagerSchema, { statPrefix: name, routeSpecifier, httpFilters: [router] }),
  );
}

export function route(name: string, cluster: string, version = "1"): Packed {
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const action = { case: "route", value: { clusterSpecifier: { case: "cluster", value: cluster } } } as const;
  const resource = pack(RouteConfigurationSchema, {
    name,
    virtualHosts: [{ name: "all", domains: ["*"], routes: [{ match, action }] }],
  });
  return { name, version, resource };
}

/** The right type, and bytes that no message has. */
export function garbage(like: Packed): Packed {
  return {
    ...like,
    resource: create(AnySchema, { typeUrl: like.resource.typeUrl, value: new Uint8Array(40).fill(0xff) }),
  };
}

export function truncated(like: Packed): Packed {
  const { typeUrl, value } = like.resource;
  return { ...like, resource: create(AnySchema, { typeUrl, value: value.slice(0, -1) }) };
}
