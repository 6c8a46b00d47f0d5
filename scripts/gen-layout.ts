// Writes src/layout/mesh.gen.ts, the one generated file of ours that is committed: limits, enums, structs with their codecs,
// maps and programs. `--check` writes nothing and fails if the file is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { emit } from "./layout/emit.ts";
import { readLayout } from "./layout/source.ts";

const root = resolve(import.meta.dir, "..");
const output = `${root}/src/layout/mesh.gen.ts`;

function main(isCheck: boolean): number {
  const make = Bun.spawnSync(["make", "-s", "-C", `${root}/bpf`], { stdout: "inherit", stderr: "inherit" });
  if (!make.success) return 1;
  const wanted = emit(readLayout(`${root}/bpf/mesh.h`, `${root}/build/mesh.bpf.o`, `${root}/build/layout`));
  const present = existsSync(output) ? readFileSync(output, "utf8") : "";
  if (wanted === present) return 0;
  if (!isCheck) {
    writeFileSync(output, wanted);
    return 0;
  }
  console.error(
    `src/layout/mesh.gen.ts is stale: run \`bun run gen\` and commit it. ${firstDifference(present, wanted)}`,
  );
  return 1;
}

function firstDifference(present: string, wanted: string): string {
  const have = present.split("\n");
  const want = wanted.split("\n");
  const line = want.findIndex((text, i) => text !== have[i]);
  return line < 0 ? "It has extra lines." : `Line ${line + 1} should be:\n${want[line]}`;
}

process.exit(main(process.argv.includes("--check")));
