// envoy.config.endpoint.v3.ClusterLoadAssignment to the model.
import { formatSocketAddress } from "../../ip.ts";
import type { Endpoint, EndpointAssignment, Health, LocalityEndpoints } from "../../model/endpoint.ts";
import type { Locality, Metadata } from "../gen/envoy/config/core/v3/base_pb.ts";
import { HealthStatus } from "../gen/envoy/config/core/v3/health_check_pb.ts";
import type { LbEndpoint, LocalityLbEndpoints } from "../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { convertAddress } from "./address.ts";
import { canonicalJson } from "./canonical-json.ts";
import { inspect } from "./inspect.ts";
import { at, type Report } from "./report.ts";

const DEFAULT_OVERPROVISIONING_PERCENT = 140;
const MAX_WEIGHT_SUM = 0xffffffff;

/** Equal strings of one assignment are kept once: thousands of endpoints share a locality and a metadata match. */
type Intern = (text: string) => string;

interface Reading {
  readonly report: Report;
  readonly intern: Intern;
  /** Addresses seen so far; undefined where duplicates are kept. */
  readonly seen: Set<string> | undefined;
}

export function convertEndpointAssignment(assignment: ClusterLoadAssignment, report: Report): EndpointAssignment {
  inspect(ClusterLoadAssignmentSchema, assignment, { report, path: "", needs: [], needPath: "" });
  return convertInspectedAssignment(assignment, "", report, { dropDuplicates: true });
}

/** For an assignment inside a cluster, which was inspected with it. Envoy drops duplicate addresses of EDS clusters (eds.cc), not of STATIC ones. */
export function convertInspectedAssignment(
  assignment: ClusterLoadAssignment,
  path: string,
  report: Report,
  { dropDuplicates }: { readonly dropDuplicates: boolean },
): EndpointAssignment {
  const reading: Reading = { report, intern: createIntern(), seen: dropDuplicates ? new Set() : undefined };
  return {
    name: assignment.clusterName,
    overprovisioningPercent: assignment.policy?.overprovisioningFactor ?? DEFAULT_OVERPROVISIONING_PERCENT,
    localities: assignment.endpoints.map((locality, i) =>
      convertLocality(locality, at(path, `endpoints[${i}]`), reading),
    ),
  };
}

function convertLocality(group: LocalityLbEndpoints, path: string, reading: Reading): LocalityEndpoints {
  const endpoints = group.lbEndpoints
    .map((endpoint, i) => convertEndpoint(endpoint, `${path}.lb_endpoints[${i}]`, reading))
    .filter((endpoint) => endpoint !== undefined);
  const sum = endpoints.reduce((total, { weight }) => total + weight, 0);
  if (sum > MAX_WEIGHT_SUM)
    reading.report.reject(`${path}.lb_endpoints`, "the sum of the weights must be less than 2^32");
  return {
    locality: reading.intern(localityName(group.locality)),
    priority: group.priority,
    // Envoy keeps the weight of a group only if it has a locality, even an empty one (PriorityStateManager::initializePriorityFor).
    weight: group.locality === undefined ? 0 : (group.loadBalancingWeight ?? 0),
    endpoints,
  };
}

function convertEndpoint(entry: LbEndpoint, path: string, reading: Reading): Endpoint | undefined {
  const { report, intern, seen } = reading;
  if (entry.hostIdentifier.case === "endpointName") return undefined;
  const endpoint = entry.hostIdentifier.value;
  if (endpoint === undefined) {
    report.reject(`${path}.endpoint`, "must be set");
    return undefined;
  }
  const bind = convertAddress(endpoint.address, `${path}.endpoint.address`, report);
  if (bind === undefined) return undefined;
  if (seen !== undefined) {
    const key = formatSocketAddress(bind.address);
    if (seen.has(key)) {
      report.note("ignored", path, "the same address occurs before, and the first one counts");
      return undefined;
    }
    seen.add(key);
  }
  return {
    address: bind.address,
    weight: entry.loadBalancingWeight ?? 1,
    health: convertHealth(entry.healthStatus),
    hostname: intern(endpoint.hostname),
    hashKey: hashKey(entry.metadata),
    transportSocketMatch: intern(socketMatch(entry.metadata)),
  };
}

/** As Envoy's HostImpl::setEdsHealthFlag, which takes any other number for healthy. */
function convertHealth(status: HealthStatus): Health {
  switch (status) {
    case HealthStatus.UNHEALTHY:
    case HealthStatus.DRAINING:
    case HealthStatus.TIMEOUT:
      return "unhealthy";
    case HealthStatus.DEGRADED:
      return "degraded";
    default:
      return "healthy";
  }
}

function localityName(locality: Locality | undefined): string {
  return locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subZone}`.replace(/\/+$/, "");
}

/** Envoy: load_balancing_policies/common/thread_aware_lb_impl.h, hashKey(). */
function hashKey(metadata: Metadata | undefined): string {
  const key = metadata?.filterMetadata["envoy.lb"]?.["hash_key"];
  return typeof key === "string" ? key : "";
}

function socketMatch(metadata: Metadata | undefined): string {
  const match = metadata?.filterMetadata["envoy.transport_socket_match"];
  return match === undefined ? "" : canonicalJson(match);
}

function createIntern(): Intern {
  const known = new Map<string, string>();
  return (text) => {
    if (text === "") return "";
    const first = known.get(text);
    if (first === undefined) known.set(text, text);
    return first ?? text;
  };
}
