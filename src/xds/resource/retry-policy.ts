// Tells a retry policy that somebody asked for from the one that Istio puts on every route: only the first needs a
// per-request engine (istio: pilot/pkg/networking/core/route/retry/retry.go, DefaultPolicy).
import type { RetryPolicy } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { RetryPolicySchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { typeNameOf } from "./any.ts";
import { inspect, type Place } from "./inspect.ts";
import { at } from "./report.ts";

const IMPLICIT_CONDITIONS = new Set([
  "connect-failure",
  "refused-stream",
  "unavailable",
  "cancelled",
  "retriable-status-codes",
  "reset-before-request",
]);
const IMPLICIT_RETRIES = 2;
const IMPLICIT_HOST_SELECTIONS = 5n;
const PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";

/** `place` is the policy's. An explicit policy becomes a need of the place's owner, an implicit one a finding. */
export function inspectRetryPolicy(policy: RetryPolicy, place: Place): void {
  inspect(RetryPolicySchema, policy, place);
  if (policy.numRetries === 0 || policy.retryOn === "") return;
  const explicit = explicitPart(policy);
  if (explicit === undefined) place.report.note("ignored", place.path, "Istio's implicit retries aren't made");
  else place.needs.push({ path: at(place.needPath, explicit), reason: "asks for retries of its own" });
}

/** The first field that Istio's default doesn't explain. */
function explicitPart(policy: RetryPolicy): string | undefined {
  const conditions = policy.retryOn.split(",").map((condition) => condition.trim());
  if (!conditions.every((condition) => IMPLICIT_CONDITIONS.has(condition))) return "retry_on";
  if (policy.numRetries !== IMPLICIT_RETRIES) return "num_retries";
  if (!policy.retriableStatusCodes.every((code) => code === 503)) return "retriable_status_codes";
  if (!policy.retryHostPredicate.every(isPreviousHosts)) return "retry_host_predicate";
  const selections = policy.hostSelectionRetryMaxAttempts;
  return selections === 0n || selections === IMPLICIT_HOST_SELECTIONS ? undefined : "host_selection_retry_max_attempts";
}

function isPreviousHosts({ configType }: RetryPolicy["retryHostPredicate"][number]): boolean {
  return configType.case === "typedConfig" && typeNameOf(configType.value) === PREVIOUS_HOSTS;
}
