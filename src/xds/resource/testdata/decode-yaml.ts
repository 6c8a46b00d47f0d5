// For tests: resources written as YAML, through their binary form, as a control plane would send them.
import { type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { load } from "js-yaml";
import type { ModelOf, ResourceType } from "../../../model/snapshot.ts";
import { registry } from "../../gen/descriptors.ts";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { type Decoded, decodeResource } from "../decode.ts";

const schemas: Readonly<Record<ResourceType, DescMessage>> = {
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
};

export function encodeJson(type: ResourceType, value: JsonValue): Uint8Array {
  return toBinary(schemas[type], fromJson(schemas[type], value, { registry }));
}

export function encodeYaml(type: ResourceType, yaml: string): Uint8Array {
  return encodeJson(type, load(yaml) as JsonValue);
}

export function decodeYaml<T extends ResourceType>(type: T, yaml: string): Decoded<ModelOf[T]> {
  return decodeResource(type, encodeYaml(type, yaml));
}

/** The model; fails the test with the rejections if there is none. */
export function modelOf<T extends ResourceType>(type: T, yaml: string): ModelOf[T] {
  const decoded = decodeYaml(type, yaml);
  if ("rejections" in decoded) throw new Error(`rejected: ${JSON.stringify(decoded.rejections)}`);
  return decoded.model;
}

/** The paths and reasons of the rejections, `path: reason`; none if there is a model. */
export function rejectionsOf(type: ResourceType, yaml: string): string[] {
  const decoded = decodeYaml(type, yaml);
  return "rejections" in decoded ? decoded.rejections.map(({ path, reason }) => `${path}: ${reason}`) : [];
}
