// From the bytes of one xDS resource to our model, or to everything that is wrong with it. Never throws, whatever the bytes;
// nothing of the message or its buffer survives in the model.
import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import type { Finding } from "../../model/cluster.ts";
import type { ModelOf, Rejection, ResourceType } from "../../model/snapshot.ts";
import { type Cluster, ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { type Listener, ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { reasonOf } from "./any.ts";
import { convertCluster } from "./cluster.ts";
import { convertEndpointAssignment } from "./endpoint.ts";
import { convertListener } from "./listener.ts";
import { createReport, type Report } from "./report.ts";
import { convertRouteConfiguration } from "./route.ts";

export type Decoded<M> =
  | { readonly name: string; readonly model: M; readonly findings: readonly Finding[] }
  | { readonly name: string; readonly rejections: readonly Rejection[] };

export interface MessageOf {
  readonly listener: Listener;
  readonly route: RouteConfiguration;
  readonly cluster: Cluster;
  readonly endpoint: ClusterLoadAssignment;
}

const schemas: Readonly<Record<ResourceType, DescMessage>> = {
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
};

type Converters = { readonly [T in ResourceType]: (message: MessageOf[T], report: Report) => ModelOf[T] | undefined };

const converters: Converters = {
  listener: convertListener,
  route: (message, report) => convertRouteConfiguration(message, "", report),
  cluster: convertCluster,
  endpoint: convertEndpointAssignment,
};

export function decodeResource<T extends ResourceType>(type: T, value: Uint8Array): Decoded<ModelOf[T]> {
  let message: Message;
  try {
    message = fromBinary(schemas[type], value);
  } catch (cause) {
    return { name: "", rejections: [{ type, name: "", path: "", reason: `can't be read: ${reasonOf(cause)}` }] };
  }
  const decoded = decodeMessage(type, message as MessageOf[T]);
  // Only a listener of a mesh file may go without a name: subscriptions go by it.
  if (decoded.name !== "" && nameOf(type, message as MessageOf[T]) !== "") return decoded;
  return { name: "", rejections: [{ type, name: "", path: nameField(type), reason: "must not be empty" }] };
}

export function decodeMessage<T extends ResourceType>(type: T, message: MessageOf[T]): Decoded<ModelOf[T]> {
  const report = createReport();
  const convert: (message: MessageOf[T], report: Report) => ModelOf[T] | undefined = converters[type];
  const model = convert(message, report);
  const name = model?.name ?? nameOf(type, message);
  if (report.problems.length === 0 && model !== undefined) return { name, model, findings: report.findings() };
  if (report.problems.length === 0) report.reject("", "can't be used");
  return { name, rejections: report.problems.map((problem) => ({ type, name, ...problem })) };
}

function nameOf<T extends ResourceType>(type: T, message: MessageOf[T]): string {
  const named = message as { readonly name?: string; readonly clusterName?: string };
  return (type === "endpoint" ? named.clusterName : named.name) ?? "";
}

function nameField(type: ResourceType): string {
  return type === "endpoint" ? "cluster_name" : "name";
}
