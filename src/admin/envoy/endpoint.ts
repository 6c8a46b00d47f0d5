// An endpoint assignment as Envoy's JSON (envoy.config.endpoint.v3.ClusterLoadAssignment).
import type { Endpoint, EndpointAssignment, LocalityEndpoints } from "../../model/endpoint.ts";
import { any, type JsonObject, renderAddress } from "./address.ts";

export function renderAssignment(assignment: EndpointAssignment): JsonObject {
  return any("envoy.config.endpoint.v3.ClusterLoadAssignment", assignmentFields(assignment));
}

/** Without the type, as it stands in a static cluster. */
export function assignmentFields({ name, localities, overprovisioningPercent }: EndpointAssignment): JsonObject {
  return {
    cluster_name: name,
    endpoints: localities.map(renderLocality),
    policy: { overprovisioning_factor: overprovisioningPercent },
  };
}

export function renderLocalityName(locality: string): JsonObject {
  const [region = "", zone = "", sub_zone = ""] = locality.split("/");
  return { region, zone, sub_zone };
}

function renderLocality({ locality, priority, weight, endpoints }: LocalityEndpoints): JsonObject {
  return {
    ...(locality === "" ? {} : { locality: renderLocalityName(locality) }),
    ...(weight === 0 ? {} : { load_balancing_weight: weight }),
    priority,
    lb_endpoints: endpoints.map(renderEndpoint),
  };
}

function renderEndpoint({ address, hostname, health, weight, transportSocketMatch }: Endpoint): JsonObject {
  const metadata = { filter_metadata: { "envoy.transport_socket_match": parse(transportSocketMatch) } };
  return {
    endpoint: { address: renderAddress(address), ...(hostname === "" ? {} : { hostname }) },
    health_status: health.toUpperCase(),
    load_balancing_weight: weight,
    ...(transportSocketMatch === "" ? {} : { metadata }),
  };
}

/** The model keeps it as canonical JSON. */
function parse(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}
