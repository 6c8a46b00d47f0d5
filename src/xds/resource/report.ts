// Collects everything that is wrong with a resource, or that a user should know about it, by field path: reading goes on
// after the first problem, so that one NACK or one `check` names them all.
import type { Finding } from "../../model/cluster.ts";
import type { Need } from "../../model/need.ts";

export interface Problem {
  readonly path: string;
  readonly reason: string;
}

export interface Report {
  readonly problems: readonly Problem[];
  /** The resource can't be honoured. */
  reject(path: string, reason: string): void;
  note(severity: Finding["severity"], path: string, reason: string): void;
  findings(): readonly Finding[];
}

/** Where `need` goes: the list of the route, virtual host, filter or listener that is being read, paths relative to it. */
export type Needs = Need[];

/** A resource with more problems than this isn't a typo: a bound on what hostile input can make us keep and send. */
export const MAX_PROBLEMS = 100;

interface Tally {
  readonly finding: Finding;
  count: number;
}

export function createReport(): Report {
  const problems: Problem[] = [];
  const tallies = new Map<string, Tally>();
  return {
    problems,
    reject(path, reason) {
      if (problems.length < MAX_PROBLEMS) problems.push({ path, reason });
    },
    note(severity, path, reason) {
      // A thousand routes without a timeout are one finding.
      const key = `${path.replace(/\[\d+\]/g, "[]")} ${reason}`;
      const tally = tallies.get(key);
      if (tally !== undefined) tally.count += 1;
      else if (tallies.size < MAX_PROBLEMS) tallies.set(key, { finding: { severity, path, reason }, count: 1 });
    },
    findings: () => [...tallies.values()].map(summarise),
  };
}

function summarise({ finding, count }: Tally): Finding {
  return count === 1 ? finding : { ...finding, reason: `${finding.reason} (and at ${count - 1} more places)` };
}

/** `parent.field`; just the one that isn't empty where the other is. */
export function at(parent: string, field: string): string {
  if (field === "") return parent;
  return parent === "" ? field : `${parent}.${field}`;
}
