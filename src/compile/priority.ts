// How much of a cluster's load each priority gets, and which priorities are in panic: Envoy's LoadBalancerBase
// (envoy/source/extensions/load_balancing_policies/common/load_balancer_impl.cc), with its integer arithmetic.

/** How many hosts a priority has. The rest is unhealthy. */
export interface HostCounts {
  readonly all: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** Percent of the load that goes to a priority's healthy and to its degraded hosts. */
export interface PriorityLoad {
  readonly healthy: number;
  readonly degraded: number;
}

export interface PriorityState {
  /** By priority; all together 100. */
  readonly load: readonly PriorityLoad[];
  /** By priority: too few of its hosts are available, so that health is not looked at. */
  readonly panic: readonly boolean[];
}

/** `priorities` has at least priority 0. */
export function priorityState(
  priorities: readonly HostCounts[],
  overprovisioningPercent: number,
  panicThresholdPercent: number,
): PriorityState {
  const healthy = priorities.map(({ all, healthy }) => availability(healthy, all, overprovisioningPercent));
  const degraded = priorities.map(({ all, degraded }) => availability(degraded, all, overprovisioningPercent));
  const total = Math.min(100, sum(healthy) + sum(degraded));
  const threshold = wholePercent(panicThresholdPercent);
  // Nothing is available and panic is off: Envoy gives priority 0 all the load, and every connection fails there.
  if (total === 0 && threshold === 0) return { load: priorities.map(allToFirst), panic: priorities.map(() => false) };

  // Priorities that together can carry the load are never in panic, however few of one's hosts are left.
  const panic = priorities.map((counts) => total !== 100 && inPanic(counts, threshold));
  const load = panic.every(Boolean) ? loadByHosts(priorities) : loadByAvailability(healthy, degraded, total);
  return { load, panic };
}

/** 0 to 100. Overprovisioning: with 140, a priority counts as whole until more than two sevenths of its hosts are gone. */
function availability(hosts: number, of: number, overprovisioningPercent: number): number {
  return of === 0 ? 0 : Math.min(100, Math.floor((overprovisioningPercent * hosts) / of));
}

function inPanic({ all, healthy, degraded }: HostCounts, threshold: number): boolean {
  const percent = (hosts: number): number => (all === 0 ? 0 : (100 * hosts) / all);
  return percent(healthy) + percent(degraded) < threshold;
}

/** The threshold is a whole percent: Envoy truncates it, through this very product (29 becomes 28; ProtobufPercentHelper::convertPercent). */
function wholePercent(percent: number): number {
  return Math.trunc(100 * (percent / 100));
}

/** As much as possible to the first priorities' healthy hosts, then to their degraded ones. */
function loadByAvailability(healthy: readonly number[], degraded: readonly number[], total: number): PriorityLoad[] {
  const first = spill(healthy, 100, total);
  const second = spill(degraded, first.left, total);
  // What rounding left over goes to the first priority that has anything available.
  const firstHealthy = healthy.findIndex((percent) => percent > 0);
  const firstDegraded = firstHealthy === -1 ? degraded.findIndex((percent) => percent > 0) : -1;
  return healthy.map((_, priority) => ({
    healthy: (first.load[priority] ?? 0) + (priority === firstHealthy ? second.left : 0),
    degraded: (second.load[priority] ?? 0) + (priority === firstDegraded ? second.left : 0),
  }));
}

function spill(available: readonly number[], load: number, total: number): { load: readonly number[]; left: number } {
  let left = load;
  const taken = available.map((percent) => {
    const part = Math.min(left, Math.floor((percent * 100) / total));
    left -= part;
    return part;
  });
  return { load: taken, left };
}

/** Total panic: by the number of hosts, whatever their health. */
function loadByHosts(priorities: readonly HostCounts[]): PriorityLoad[] {
  const hosts = sum(priorities.map(({ all }) => all));
  if (hosts === 0) return priorities.map(allToFirst);
  const percents = priorities.map(({ all }) => Math.floor((100 * all) / hosts));
  const firstWithHosts = priorities.findIndex(({ all }) => all > 0);
  const left = 100 - sum(percents);
  return percents.map((percent, i) => ({ healthy: percent + (i === firstWithHosts ? left : 0), degraded: 0 }));
}

function allToFirst(_: HostCounts, priority: number): PriorityLoad {
  return { healthy: priority === 0 ? 100 : 0, degraded: 0 };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
