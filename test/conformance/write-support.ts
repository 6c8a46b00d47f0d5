// Writes SUPPORT.md: see support-table.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/process.ts";
import { supportTable } from "./support-table.ts";

writeFileSync(join(root, "SUPPORT.md"), supportTable());
