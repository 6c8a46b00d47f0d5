// Runs a whole group of scenarios: one file, one Envoy and one agent in a network namespace of their own. The Envoy side goes first,
// then ours; on each side the settings are played at the same time, and the cases of one after the other.
import { Agent } from "../../support/agent.ts";
import { Cgroup } from "../../support/cgroup.ts";
import { Envoy } from "../../support/envoy.ts";
import { HttpBackends } from "../../support/http-backends.ts";
import { Netns } from "../../support/netns.ts";
import { compose } from "../../support/process.ts";
import { RawClient } from "../../support/raw-client.ts";
import { bootstrap } from "../mesh.ts";
import { backendPort, type Placed, place, resourcesOf } from "./config.ts";
import { type Observation, observe, type Seat } from "./observe.ts";
import type { Case, Group, Side } from "./scenario.ts";

/** One case where it was played, and what was seen of it. */
export interface Played {
  readonly setting: string;
  readonly one: Case;
  readonly seen: Partial<Record<Side, Observation>>;
}

/** Enough to fill the waits of the others, few enough for two cores. */
const settingsAtOnce = 10;

export function meshOf(placed: readonly Placed[]): string {
  const resources = placed.map(resourcesOf);
  return bootstrap(
    resources.flatMap(({ listeners }) => listeners),
    resources.flatMap(({ clusters }) => clusters),
  );
}

/** `CONFORMANCE_SIDE=envoy` (or `ours`) plays that side alone, against the expectations. */
export function sidesOf(environment: Readonly<Record<string, string | undefined>>): readonly Side[] {
  const { CONFORMANCE_SIDE: side } = environment;
  return side === "envoy" || side === "ours" ? [side] : ["envoy", "ours"];
}

export async function playGroup(group: Group, index: number, sides: readonly Side[]): Promise<readonly Played[]> {
  const placed = place(group, index);
  const mesh = meshOf(placed);
  await using namespace = await Netns.create("http");
  await using backends = await HttpBackends.start(backendPort, namespace.enter);
  const played = placed.flatMap(({ setting, cases }) => cases.map((one) => ({ setting: setting.name, one, seen: {} })));
  for (const side of sides) {
    const seen = await (side === "envoy" ? playEnvoy : playOurs)(mesh, namespace, backends, placed);
    played.forEach((one, i) => {
      Object.assign(one.seen, { [side]: seen[i] });
    });
  }
  return played;
}

type Seen = readonly (Observation | undefined)[];

async function playEnvoy(
  mesh: string,
  { enter }: Netns,
  backends: HttpBackends,
  placed: readonly Placed[],
): Promise<Seen> {
  await using _envoy = await Envoy.start(mesh, { enter });
  await using client = RawClient.start(enter);
  return await playSide("envoy", { client, backends }, placed);
}

/** The agent lives where the workload does: its relay listens on that loopback. */
async function playOurs(
  mesh: string,
  { enter }: Netns,
  backends: HttpBackends,
  placed: readonly Placed[],
): Promise<Seen> {
  using cgroup = Cgroup.create("http");
  // One worker, as Envoy has one thread here: what is counted per thread would depend on which of them takes a connection.
  await using _agent = await Agent.start({ mesh, cgroups: [cgroup.path], enter, config: "relay: {workers: 1}\n" });
  await using client = RawClient.start(compose(cgroup.enter, enter));
  return await playSide("ours", { client, backends }, placed);
}

async function playSide(side: Side, seat: Seat, placed: readonly Placed[]): Promise<Seen> {
  const seen: (readonly Observation[])[] = Array.from({ length: placed.length }, () => []);
  const left = [...placed.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [i, setting] = next;
      const observations: Observation[] = [];
      for (const one of setting.cases) observations.push(await observe(side, seat, setting, one));
      seen[i] = observations;
    }
  };
  await Promise.all(Array.from({ length: settingsAtOnce }, worker));
  return seen.flat();
}
