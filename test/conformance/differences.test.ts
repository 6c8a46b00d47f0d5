// The list of differences is whole and true: each is shown by a case here or in tcp.test.ts, and is still there.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { testTimeoutMs, World } from "../e2e/world.ts";
import { Agent, binary } from "../support/agent.ts";
import { Envoy } from "../support/envoy.ts";
import { type Enter, run } from "../support/process.ts";
import { TempDir } from "../support/temp.ts";
import { differences } from "./differences.ts";
import { validates } from "./envoy-validate.ts";
import { bootstrap, httpBackends } from "./mesh.ts";
import { placesOf } from "./scenario.ts";
import { acceptedByBoth, type FileCase, refusedByBoth, refusedByUs } from "./scenarios/files.ts";
import { groups } from "./scenarios/groups.ts";
import { httpCases } from "./scenarios/http.ts";

setDefaultTimeout(testTimeoutMs);

/** What both say of a file: Envoy to --mode validate, we to `check`. */
async function verdicts({ text }: FileCase): Promise<{ envoy: boolean; ours: boolean; said: string }> {
  using directory = new TempDir();
  const path = directory.write("mesh.yaml", text);
  const [envoy, ours] = await Promise.all([validates(path), run([binary, "check", path])]);
  return { envoy: envoy.isAccepted, ours: ours.status === 0, said: `${envoy.said}\n${ours.stdout}${ours.stderr}` };
}

describe("files", () => {
  test.each(acceptedByBoth)("accepted by both: $name", async (file) => {
    const { said, ...accepted } = await verdicts(file);
    expect(accepted, said).toEqual({ envoy: true, ours: true });
  });

  test.each(refusedByBoth)("refused by both: $name", async (file) => {
    const { said, ...accepted } = await verdicts(file);
    expect(accepted, said).toEqual({ envoy: false, ours: false });
  });

  test.each(refusedByUs)("$difference: $name", async (file) => {
    const { said, ...accepted } = await verdicts(file);
    expect(accepted, said).toEqual({ envoy: true, ours: false });
  });
});

describe("HTTP", () => {
  const stack = new AsyncDisposableStack();
  let world: World;

  beforeAll(async () => {
    world = stack.use(await World.create(httpBackends));
    const mesh = bootstrap(
      httpCases.flatMap(({ setting }) => setting.listeners),
      httpCases.flatMap(({ setting }) => setting.clusters),
    );
    stack.use(await Agent.start({ mesh, cgroups: [world.cgroup.path], enter: world.namespace.enter }));
    stack.use(await Envoy.start(mesh, { enter: world.namespace.enter }));
  });
  afterAll(() => stack.disposeAsync());

  async function ask(url: string, requests: number, enter: Enter): Promise<string> {
    const argv = ["curl", "--silent", "--noproxy", "*", "--max-time", "20", "--write-out", "\n%{http_code}\n"];
    const { stdout } = await run([...argv, ...Array.from({ length: requests }, () => url)], { enter });
    return stdout.trim().replace(/\n+/g, " ");
  }

  test.each(httpCases)("$difference: $name", async ({ url, requests, envoy, ours }) => {
    expect(await ask(url, requests, world.namespace.enter)).toMatch(envoy);
    expect(await ask(url, requests, world.enter)).toMatch(ours);
    expect(envoy.source).not.toBe(ours.source);
  });
});

test("every difference on the list is shown", () => {
  const probes = groups.flatMap(([, scenarios], i) =>
    placesOf(i + 1, scenarios).flatMap(([{ build }, place]) => build(place).probes),
  );
  const shown = new Set([
    // Every refusal is told apart by it: see observe.ts.
    "refusal",
    ...probes.flatMap(({ difference }) => (difference === undefined ? [] : [difference.id])),
    ...refusedByUs.map(({ difference }) => difference),
    ...httpCases.map(({ difference }) => difference),
  ]);
  expect([...shown].sort()).toEqual(Object.keys(differences).sort());
});
