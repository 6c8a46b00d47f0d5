// `version`: what this executable was built from.
import { buildInfo } from "../../build-info.ts";
import type { Command } from "../command.ts";

export const version: Command = {
  name: "version",
  summary: "The version, and what it was built from",
  arguments: "",
  options: {},
  example: "kmesh-edge version --json",
  run: async ({ terminal, isJson }) => {
    const { version: number, commit, sources } = buildInfo;
    terminal.out(
      isJson
        ? `${JSON.stringify(buildInfo)}\n`
        : `kmesh-edge ${number}${commit === "" ? "" : ` (${commit})`}, sources ${sources}\n`,
    );
    return 0;
  },
};
