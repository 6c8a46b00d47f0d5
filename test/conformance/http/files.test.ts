// Files that only kmesh-edge refuses: Envoy takes them, and `check` names the field.
import { expect, setDefaultTimeout, test } from "bun:test";
import { binary } from "../../support/agent.ts";
import { run } from "../../support/process.ts";
import { TempDir } from "../../support/temp.ts";
import { validates } from "../envoy-validate.ts";
import { refusedFiles } from "./files.ts";
import { sidesOf } from "./play-group.ts";

setDefaultTimeout(60_000);

const sides = sidesOf(process.env);

test.each(refusedFiles)("$difference: $name", async ({ text, field }) => {
  using directory = new TempDir();
  const path = directory.write("mesh.json", text);
  const { isAccepted, said } = await validates(path);
  expect(isAccepted, said).toBe(true);
  if (!sides.includes("ours")) return;
  const { status, stdout, stderr } = await run([binary, "check", path]);
  expect(status, stdout).not.toBe(0);
  expect(`${stdout}${stderr}`).toContain(`${field}`);
});
