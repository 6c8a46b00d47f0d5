// Every verb, in the order of the help.

import type { Command } from "./command.ts";
import { dump, enroll, explain, log, status, unenroll, workloads } from "./commands/agent.ts";
import { check } from "./commands/check.ts";
import { demo, demoClient } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { run } from "./commands/run.ts";
import { version } from "./commands/version.ts";

export const commands: readonly Command[] = [
  demo,
  run,
  check,
  explain,
  enroll,
  unenroll,
  workloads,
  status,
  dump,
  log,
  doctor,
  version,
  demoClient,
];
