import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { systemClock } from "../clock.ts";
import { connectionManager, routeConfiguration } from "../model/http.fixture.ts";
import { Log } from "../telemetry/log.ts";
import type { ChainKey, RelayChain } from "./protocol.ts";
import { RelaySupervisor } from "./supervisor.ts";
import type { RelayWant } from "./worker-process.ts";

const program = join(import.meta.dir, "../../test/support/programs/toy-worker.ts");
const chain: RelayChain = {
  listener: "l",
  chain: "c",
  http: connectionManager({ source: "rds", name: "r" }),
  configuration: routeConfiguration("r", []),
  plain: undefined,
};

function want(...keys: readonly ChainKey[]): RelayWant {
  return { chains: new Map(keys.map((key) => [key, chain])), clusters: new Map() };
}

describe("workers", () => {
  let supervisor: RelaySupervisor;
  let ups: number;
  let said: string;

  beforeEach(() => {
    ups = 0;
    said = "";
    supervisor = new RelaySupervisor({
      command: [process.execPath, program],
      workers: 2,
      listen: [],
      inherit: [],
      maps: "/nowhere",
      nodeId: "n",
      log: new Log(
        "info",
        (text) => (said += text),
        () => new Date(0),
      ),
      clock: systemClock,
      onUp: () => ups++,
      onResults: () => {},
    });
  });
  afterEach(async () => {
    await supervisor.drain(0);
    supervisor[Symbol.dispose]();
  });

  test("have the configuration when apply resolves, and only what changed is told", async () => {
    await supervisor.apply(want("1/0", "2/0"));
    expect(supervisor.workers.map(({ isListening }) => isListening)).toEqual([true, true]);
    expect(ups).toBe(2);
    expect(supervisor.stats().refused).toEqual({ updates: 2, changed: 4, chains: 4 });
    await supervisor.apply(want("2/0", "3/0"));
    // One new, one gone, in each of the two.
    expect(supervisor.stats().refused).toEqual({ updates: 4, changed: 4, chains: 4 });
    await supervisor.apply(want("2/0", "3/0"));
    expect(supervisor.stats().refused).toMatchObject({ updates: 4 });
  });

  test("one that is killed comes back with everything, and its counters stay", async () => {
    await supervisor.apply(want("1/0"));
    const [victim = 0, other = 0] = supervisor.workers.map(({ pid }) => pid);
    process.kill(victim, "SIGKILL");
    await waitFor("a new worker", () => ups === 3 && supervisor.stats().refused.chains === 3);
    expect(supervisor.workers.map(({ pid }) => pid)).toContain(other);
    expect(supervisor.workers.map(({ pid }) => pid)).not.toContain(victim);
    expect(said).toContain("SIGKILL");
  });

  test("one that a configuration kills doesn't hold up the other's, and is started again", async () => {
    await supervisor.apply(want("1/0"));
    await supervisor.apply(want("1/0", "666/0"));
    await waitFor("its end to be said", () => said.includes("exit code 9"));
    await supervisor.apply(want("1/0"));
    await waitFor("both to be back", () => supervisor.workers.filter(({ isListening }) => isListening).length === 2);
  });
});
