// `workloads`, and the list in `status`: a line for each enrolled cgroup.
import type { WorkloadStatus } from "../../admin/view.ts";
import { formatTable } from "./table.ts";

export function formatWorkloads(workloads: readonly WorkloadStatus[]): string {
  if (workloads.length === 0) return "no workload is enrolled: kmesh-edge enroll CGROUP\n";
  const rows = workloads.map(({ target, state, origin, cgroupId, path }) => [
    target,
    state,
    origin,
    cgroupId ?? "-",
    path ?? "-",
  ]);
  return formatTable(["WORKLOAD", "STATE", "ORIGIN", "CGROUP", "PATH"], rows);
}
