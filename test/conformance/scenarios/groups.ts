// All scenarios of TCP, in groups: each group is one bootstrap file.
import type { Scenario } from "../scenario.ts";
import { balancing } from "./balancing.ts";
import { hashing } from "./hashing.ts";
import { listeners } from "./listeners.ts";
import { priorities } from "./priorities.ts";

export const groups: readonly (readonly [name: string, scenarios: readonly Scenario[]])[] = [
  ["balancing", balancing],
  ["hashing", hashing],
  ["priorities", priorities],
  ["listeners", listeners],
];
