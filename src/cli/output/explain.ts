// `explain`: the way of a connection, or of a request that is relayed, from its destination to the endpoints, with the probability of
// each.
import type { ExplainedCluster, Explanation } from "../../explain.ts";
import { formatTable, indent, printable } from "./table.ts";

export function formatExplanation({
  destination,
  result,
  reason,
  listener,
  filterChain,
  virtualHost,
  route,
  fallback,
  clusters,
}: Explanation): string {
  const facts = [
    ["listener", listener],
    ["filter chain", filterChain],
    ["virtual host", virtualHost],
    ["request", route?.request],
    ["route", route?.index === undefined ? undefined : `routes[${route.index}] ${route.name}`.trimEnd()],
    ["action", route?.action.join("; ")],
    ["while the relay is down", fallback],
  ].flatMap(([name, value]) => (value === undefined || value === "" ? [] : [`  ${name}: ${printable(value)}\n`]));
  return [
    `${destination}: ${outcomes[result]}\n`,
    `  because: ${printable(reason)}\n`,
    ...facts,
    ...clusters.map((cluster) => indent(formatCluster(cluster, result === "relay" ? "requests" : "connections"))),
  ].join("");
}

const outcomes = {
  connect: "balanced in the kernel (engine connect)",
  relay: "relayed request by request (engine relay)",
  native: "left as it is (native)",
  refused: "refused: connect() fails",
} as const satisfies Record<Explanation["result"], string>;

function formatCluster(
  { name, probability, policy, maxConnections, priorities, endpoints }: ExplainedCluster,
  what: "requests" | "connections",
): string {
  const limit = maxConnections === undefined ? "" : `, at most ${maxConnections} connections`;
  const title = `cluster ${printable(name)}: ${percent(probability)} of the ${what}, ${policy}${limit}\n`;
  const rows = endpoints.map(({ address, probability: share, health }) => [address, percent(share), health]);
  const table = rows.length === 0 ? "no usable endpoint\n" : formatTable(["ENDPOINT", "SHARE", "HEALTH"], rows);
  return title + indent(priorities.map(formatPriority).join("") + table);
}

/** Said only where it isn't simply everything to healthy endpoints of the first priority. */
function formatPriority({ healthy, degraded, panic }: ExplainedCluster["priorities"][number], i: number): string {
  const isPlain = i === 0 ? healthy === 100 && !panic : healthy + degraded === 0 && !panic;
  if (isPlain) return "";
  const load = `${healthy} % healthy, ${degraded} % degraded`;
  return `priority ${i}: ${load}${panic ? ", panic: health is ignored" : ""}\n`;
}

function percent(share: number): string {
  const value = share * 100;
  return `${Number.isInteger(value) ? value : value.toFixed(value < 1 ? 3 : 1)} %`;
}
