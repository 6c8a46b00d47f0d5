import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/process.ts";
import { differences } from "./differences.ts";
import { httpDifferences } from "./http/differences.ts";
import { groups } from "./http/groups.ts";
import { supportTable } from "./support-table.ts";

test("SUPPORT.md is up to date: bun test/conformance/write-support.ts", () => {
  expect(readFileSync(join(root, "SUPPORT.md"), "utf8")).toBe(supportTable());
});

test("every difference is in the table, once", () => {
  const lines = supportTable().split("\n");
  for (const id of [...Object.keys(differences), ...Object.keys(httpDifferences)]) {
    expect(lines.filter((line) => line.startsWith(`| ${id} |`))).toHaveLength(1);
  }
});

test("scenarios are told apart by their names", () => {
  for (const { name, settings } of groups) {
    const names = settings.flatMap((setting) => setting.cases.map((one) => `${setting.name}: ${one.name}`));
    expect(
      names.filter((each, i) => names.indexOf(each) !== i),
      name,
    ).toEqual([]);
  }
});
