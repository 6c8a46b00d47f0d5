// Asks Envoy whether it would start with a bootstrap, without starting it.
import { join } from "node:path";
import { binDir, run } from "../support/process.ts";

export async function validates(path: string): Promise<{ readonly isAccepted: boolean; readonly said: string }> {
  const argv = [join(binDir, "envoy"), "--mode", "validate", "--config-path", path, "--log-level", "error"];
  const { status, stdout, stderr } = await run([...argv, "--disable-hot-restart"]);
  return { isAccepted: status === 0, said: `${stdout}${stderr}` };
}
