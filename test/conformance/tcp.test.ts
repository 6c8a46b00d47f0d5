// The same bootstrap to Envoy, which listens on the VIPs, and to kmesh-edge, which governs the connects of a cgroup to them; the
// same client outside and inside of it. Both must give the same answers, but for the differences that are listed.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { testTimeoutMs, World } from "../e2e/world.ts";
import { Agent } from "../support/agent.ts";
import { Envoy } from "../support/envoy.ts";
import { waitFor } from "../support/wait.ts";
import { bootstrap, httpBackends, nativeBackend, tcpBackends, v6Backends } from "./mesh.ts";
import { judge, observe } from "./observe.ts";
import { placesOf } from "./scenario.ts";
import { groups } from "./scenarios/groups.ts";
import { extraAddresses } from "./scenarios/hashing.ts";

setDefaultTimeout(testTimeoutMs);

/** IPv6 loopback is one address: VIPs, backends and sources are added. */
const v6Addresses = ["fd96::1", ...v6Backends.map(({ address }) => address), ...extraAddresses];

describe.each(groups.map(([name, scenarios], i) => [name, scenarios, i + 1] as const))("%s", (_, scenarios, group) => {
  const stack = new AsyncDisposableStack();
  const settings = placesOf(group, scenarios).map(([{ name, build }, place]) => ({ name, ...build(place) }));
  let world: World;

  beforeAll(async () => {
    world = stack.use(await World.create([...tcpBackends, ...httpBackends, nativeBackend]));
    for (const address of v6Addresses) await world.namespace.address("lo", `${address}/128`);
    for (const backend of v6Backends) await world.backends.add(backend);
    const mesh = bootstrap(
      settings.flatMap((setting) => setting.listeners),
      settings.flatMap((setting) => setting.clusters),
    );
    stack.use(await Agent.start({ mesh, cgroups: [world.cgroup.path], enter: world.namespace.enter }));
    stack.use(await Envoy.start(mesh, { enter: world.namespace.enter }));
  });
  afterAll(() => stack.disposeAsync());

  test.each(settings)("$name", async ({ probes }) => {
    expect(probes.length).toBeGreaterThan(0);
    for (const probe of probes) {
      const ask = async (): Promise<true> => {
        const both = [observe("envoy", world.outside, probe), observe("ours", world.inside, probe)] as const;
        judge(probe, ...(await Promise.all(both)));
        return true;
      };
      await (probe.isEventual ? waitFor(probe.at, ask) : ask());
    }
  });
});
