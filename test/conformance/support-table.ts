// Writes SUPPORT.md out of the conformance scenarios: what was held against Envoy, and where the two differ. It can't claim more
// than the suite shows, because it is the suite's own lists.
import { differences } from "./differences.ts";
import { type HttpDifferenceId, httpDifferences } from "./http/differences.ts";
import { refusedFiles } from "./http/files.ts";
import { groups as httpGroups } from "./http/groups.ts";
import type { Group } from "./http/scenario.ts";
import { placesOf, type Scenario } from "./scenario.ts";
import { acceptedByBoth, refusedByBoth, refusedByUs } from "./scenarios/files.ts";
import { groups as tcpGroups } from "./scenarios/groups.ts";
import { httpCases } from "./scenarios/http.ts";

interface Row {
  readonly area: string;
  readonly same: number;
  /** Names on the list of differences, one per scenario. */
  readonly different: readonly string[];
}

const intro = `# What is supported, and how it is known

The same mesh file and the same requests go through Envoy 1.40 and through kmesh-edge (\`bun run conformance\`); clients and backends
must see the same. A difference that is known is on the list below with its reason, and a scenario fails when it is gone. This page is
generated from the scenarios: \`bun test/conformance/write-support.ts\`.
`;

export function supportTable(): string {
  const rows = [...tcpGroups.map(([name, scenarios], i) => tcpRow(name, scenarios, i + 1)), engines(), files()];
  const http = [
    ...httpGroups.map(httpRow),
    rowOf(
      "files that are refused",
      refusedFiles.map(({ difference }) => difference),
    ),
  ];
  const sections = [
    intro,
    `## TCP, and HTTP that is decided when a connection is opened\n\n${table(rows)}`,
    `## HTTP/1.1 by request\n\n${table(http)}`,
    `## Differences\n\n${list({ ...differences, ...httpDifferences })}`,
  ];
  return `${sections.join("\n")}`;
}

function tcpRow(name: string, scenarios: readonly Scenario[], group: number): Row {
  const probes = placesOf(group, scenarios).flatMap(([{ build }, place]) => build(place).probes);
  return rowOf(
    name,
    probes.map(({ difference }) => difference?.id),
  );
}

function engines(): Row {
  return rowOf(
    "HTTP listeners that lead to one place",
    httpCases.map(({ difference }) => difference),
  );
}

function files(): Row {
  const shared = [...acceptedByBoth, ...refusedByBoth].map(() => undefined);
  return rowOf("files that are accepted and refused", [...shared, ...refusedByUs.map(({ difference }) => difference)]);
}

function httpRow({ name, settings }: Group): Row {
  const cases = settings.flatMap((setting) => setting.cases);
  return rowOf(
    name,
    cases.map(({ difference }): HttpDifferenceId | undefined => difference?.id),
  );
}

function rowOf(area: string, found: readonly (string | undefined)[]): Row {
  const different = found.filter((id) => id !== undefined);
  return { area, same: found.length - different.length, different };
}

function table(rows: readonly Row[]): string {
  const total = {
    area: "**all**",
    same: rows.reduce((sum, { same }) => sum + same, 0),
    different: rows.flatMap(({ different }) => different),
  };
  const lines = rows.map(lineOf);
  const { area, same, different } = total;
  const last = `| ${area} | ${same + different.length} | ${same} | ${different.length} |`;
  return `| area | scenarios | same as Envoy | different |\n|---|---|---|---|\n${[...lines, last].join("\n")}\n`;
}

function lineOf({ area, same, different }: Row): string {
  const counts = Map.groupBy(different, (id) => id);
  const named = [...counts].map(([id, all]) => `${all.length} ${id}`).join(", ");
  return `| ${area} | ${same + different.length} | ${same} | ${named === "" ? "0" : named} |`;
}

function list(all: Readonly<Record<string, { envoy: string; ours: string; why: string }>>): string {
  const rows = Object.entries(all).map(([id, { envoy, ours, why }]) => `| ${id} | ${envoy} | ${ours} | ${why} |`);
  return `| difference | Envoy | kmesh-edge | because |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}
