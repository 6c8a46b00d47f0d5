// The load balancing policy of a cluster: the classic lb_policy with its own config, or load_balancing_policy, a list of
// extensions of which the first supported one counts.
import type { Message } from "@bufbuild/protobuf";
import type { LoadBalancing } from "../../model/cluster.ts";
import {
  type Cluster,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction,
} from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type {
  ConsistentHashingLbConfig,
  LocalityLbConfig,
} from "../gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.ts";
import {
  type LeastRequest,
  LeastRequest_SelectionMethod,
  LeastRequestSchema,
} from "../gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.ts";
import { MaglevSchema } from "../gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.ts";
import { RandomSchema } from "../gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.ts";
import {
  RingHash_HashFunction,
  RingHashSchema,
} from "../gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.ts";
import { RoundRobinSchema } from "../gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.ts";
import { as, type Opened, open } from "./any.ts";
import { inspect } from "./inspect.ts";
import { at, type Report } from "./report.ts";

export interface Balancing {
  readonly loadBalancing: LoadBalancing;
  readonly localityWeighted: boolean;
  readonly failTrafficOnPanic: boolean;
  readonly hashByHostname: boolean;
}

// Envoy's defaults: ring_hash.proto, maglev.proto, least_request.proto.
const DEFAULT_MINIMUM_RING_SIZE = 1024n;
const DEFAULT_MAXIMUM_RING_SIZE = 8n * 1024n * 1024n;
const DEFAULT_TABLE_SIZE = 65537n;
const DEFAULT_CHOICE_COUNT = 2;

const ROUND_ROBIN: LoadBalancing = { policy: "round_robin" };

/** The cluster was inspected. With load_balancing_policy Envoy reads neither lb_policy nor the locality settings of common_lb_config. */
export function convertBalancing(cluster: Cluster, report: Report): Balancing {
  return cluster.loadBalancingPolicy === undefined
    ? convertClassic(cluster, report)
    : convertExtension(cluster, report);
}

function convertClassic(cluster: Cluster, report: Report): Balancing {
  const common = cluster.commonLbConfig;
  const specifier = common?.localityConfigSpecifier;
  return {
    loadBalancing: convertPolicy(cluster, report),
    localityWeighted: specifier?.case === "localityWeightedLbConfig",
    failTrafficOnPanic: specifier?.case === "zoneAwareLbConfig" && specifier.value.failTrafficOnPanic,
    hashByHostname: common?.consistentHashingLbConfig?.useHostnameForHashing ?? false,
  };
}

function convertPolicy(cluster: Cluster, report: Report): LoadBalancing {
  const config = cluster.lbConfig;
  switch (cluster.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return ROUND_ROBIN;
    case Cluster_LbPolicy.RANDOM:
      return { policy: "random" };
    case Cluster_LbPolicy.LEAST_REQUEST:
      return leastRequest(
        config.case === "leastRequestLbConfig" ? config.value : undefined,
        "least_request_lb_config",
        report,
      );
    case Cluster_LbPolicy.RING_HASH: {
      const ring = config.case === "ringHashLbConfig" ? config.value : undefined;
      const isMurmur = ring?.hashFunction === Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2;
      return ringHash(ring, isMurmur, "ring_hash_lb_config", report);
    }
    case Cluster_LbPolicy.MAGLEV:
      return maglev(config.case === "maglevLbConfig" ? config.value : undefined, "maglev_lb_config", report);
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      report.reject("lb_policy", "CLUSTER_PROVIDED is for ORIGINAL_DST clusters");
      return ROUND_ROBIN;
    case Cluster_LbPolicy.LOAD_BALANCING_POLICY_CONFIG:
      report.reject("load_balancing_policy", "must be set with lb_policy LOAD_BALANCING_POLICY_CONFIG");
      return ROUND_ROBIN;
    default:
      return ROUND_ROBIN; // any other number was refused by inspection
  }
}

function convertExtension(cluster: Cluster, report: Report): Balancing {
  const policies = cluster.loadBalancingPolicy?.policies ?? [];
  const names: string[] = [];
  for (const [i, { typedExtensionConfig }] of policies.entries()) {
    const path = `load_balancing_policy.policies[${i}].typed_extension_config`;
    const opened = open(typedExtensionConfig?.typedConfig, `${path}.typed_config`, report);
    const balancing = opened && convertOpened(opened, `${path}.typed_config`, report);
    if (balancing !== undefined) return balancing;
    names.push(opened?.typeName ?? "");
  }
  report.reject(
    "load_balancing_policy.policies",
    `none of ${names.join(", ") || "nothing"} is supported: use round_robin, random, least_request, ring_hash or maglev`,
  );
  return { loadBalancing: ROUND_ROBIN, localityWeighted: false, failTrafficOnPanic: false, hashByHostname: false };
}

function convertOpened(opened: Opened, path: string, report: Report): Balancing | undefined {
  const inspected = <M extends Message>(schema: Parameters<typeof inspect>[0], message: M): M => {
    inspect(schema, message, { report, path, needs: [], needPath: "" });
    return message;
  };
  const roundRobin = as(RoundRobinSchema, opened);
  if (roundRobin !== undefined)
    return withLocality(ROUND_ROBIN, inspected(RoundRobinSchema, roundRobin).localityLbConfig);
  const random = as(RandomSchema, opened);
  if (random !== undefined) return withLocality({ policy: "random" }, inspected(RandomSchema, random).localityLbConfig);
  const least = as(LeastRequestSchema, opened);
  if (least !== undefined) {
    refuseFullScan(inspected(LeastRequestSchema, least), path, report);
    return withLocality(leastRequest(least, path, report), least.localityLbConfig);
  }
  const ring = as(RingHashSchema, opened);
  if (ring !== undefined) {
    const isMurmur = inspected(RingHashSchema, ring).hashFunction === RingHash_HashFunction.MURMUR_HASH_2;
    return withHashing(ringHash(ring, isMurmur, path, report), ring, ring.useHostnameForHashing);
  }
  const table = as(MaglevSchema, opened);
  if (table !== undefined) return withHashing(maglev(inspected(MaglevSchema, table), path, report), table, false);
  return undefined;
}

function withLocality(loadBalancing: LoadBalancing, locality: LocalityLbConfig | undefined): Balancing {
  const specifier = locality?.localityConfigSpecifier;
  return {
    loadBalancing,
    localityWeighted: specifier?.case === "localityWeightedLbConfig",
    failTrafficOnPanic: specifier?.case === "zoneAwareLbConfig" && specifier.value.failTrafficOnPanic,
    hashByHostname: false,
  };
}

interface HashingConfig {
  readonly localityWeightedLbConfig?: unknown;
  readonly consistentHashingLbConfig?: ConsistentHashingLbConfig | undefined;
}

function withHashing(loadBalancing: LoadBalancing, config: HashingConfig, useHostname: boolean): Balancing {
  return {
    loadBalancing,
    localityWeighted: config.localityWeightedLbConfig !== undefined,
    failTrafficOnPanic: false,
    hashByHostname: useHostname || (config.consistentHashingLbConfig?.useHostnameForHashing ?? false),
  };
}

type LeastRequestConfig = Pick<LeastRequest, "choiceCount" | "activeRequestBias">;

function leastRequest(config: LeastRequestConfig | undefined, path: string, report: Report): LoadBalancing {
  const bias = config?.activeRequestBias?.defaultValue ?? 1;
  if (bias !== 1)
    report.reject(at(path, "active_request_bias.default_value"), "must be 1: weights aren't divided by another power");
  return { policy: "least_request", choiceCount: config?.choiceCount ?? DEFAULT_CHOICE_COUNT };
}

function refuseFullScan(config: LeastRequest, path: string, report: Report): void {
  if (config.enableFullScan === true)
    report.reject(at(path, "enable_full_scan"), "endpoints are compared choice_count at a time");
  if (config.selectionMethod !== LeastRequest_SelectionMethod.N_CHOICES) {
    report.reject(at(path, "selection_method"), "must be N_CHOICES");
  }
}

interface RingConfig {
  readonly minimumRingSize?: bigint | undefined;
  readonly maximumRingSize?: bigint | undefined;
}

function ringHash(config: RingConfig | undefined, isMurmur: boolean, path: string, report: Report): LoadBalancing {
  const minimum = config?.minimumRingSize ?? DEFAULT_MINIMUM_RING_SIZE;
  const maximum = config?.maximumRingSize ?? DEFAULT_MAXIMUM_RING_SIZE;
  if (minimum > maximum) {
    report.reject(
      at(path, "minimum_ring_size"),
      `must not be greater than maximum_ring_size (${minimum} > ${maximum})`,
    );
  }
  return {
    policy: "ring_hash",
    minimumRingSize: Number(minimum),
    maximumRingSize: Number(maximum),
    hashFunction: isMurmur ? "murmur_hash_2" : "xx_hash",
  };
}

function maglev(
  config: { readonly tableSize?: bigint | undefined } | undefined,
  path: string,
  report: Report,
): LoadBalancing {
  const tableSize = Number(config?.tableSize ?? DEFAULT_TABLE_SIZE);
  if (!isPrime(tableSize)) report.reject(at(path, "table_size"), "must be a prime number");
  return { policy: "maglev", tableSize };
}

/** Bounded: sizes over 5,000,011 were refused by inspection, and need no exact answer. */
function isPrime(n: number): boolean {
  if (n < 2 || n > 5_000_011) return false;
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return true;
}
