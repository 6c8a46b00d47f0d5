// What the agent finds out about endpoints itself decides for both engines: active checks by HTTP and TCP, and outliers among relayed
// requests.
import { afterEach, beforeEach, describe, setDefaultTimeout, test } from "bun:test";
import { HTTP_REQUEST } from "../support/dialer.ts";
import { compose, run } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { everything, httpListener, pathRoute } from "./http-resources.ts";
import { RelayWorld } from "./relay-world.ts";
import { bootstrap, type Json, staticCluster, tcpListener } from "./resources.ts";
import { httpBackend, tcpBackend, testTimeoutMs } from "./world.ts";

setDefaultTimeout(2 * testTimeoutMs);

const vip = "127.96.0.1";
const quick: Json = { interval: "0.1s", timeout: "1s", unhealthy_threshold: 1, healthy_threshold: 1 };
const byHttp: Json = { health_checks: [{ ...quick, http_health_check: { path: "/", host: "check.example" } }] };
const byTcp: Json = { health_checks: [{ ...quick, tcp_health_check: {} }] };
/** Needs the relay: some requests are rewritten. */
const relayedRoutes = [
  { match: { prefix: "/old/" }, route: { cluster: "web", prefix_rewrite: "/" } },
  { match: everything, route: { cluster: "web" } },
];

let world: RelayWorld;
beforeEach(async () => {
  world = await RelayWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

/** Backends of `count` requests, one connection each; what fails is `!` and an error. */
function answers(send?: string): Promise<Readonly<Record<string, number>>> {
  return world.world.inside.tally(vip, 80, { count: 20, ...(send === undefined ? {} : { send }) });
}

describe("active checks: an endpoint that fails gets nothing, until it passes again", () => {
  test.each<[string, Json, string | undefined]>([
    [
      "HTTP, for relayed requests",
      {
        listener: httpListener("shop", `${vip}:80`, relayedRoutes),
        cluster: staticCluster("web", ["127.0.1.1:8080", "127.0.1.2:8080"], byHttp),
      },
      HTTP_REQUEST,
    ],
    [
      "HTTP, for connections that the kernel balances",
      {
        listener: httpListener("shop", `${vip}:80`, [pathRoute("/", "web")]),
        cluster: staticCluster("web", ["127.0.1.1:8080", "127.0.1.2:8080"], byHttp),
      },
      HTTP_REQUEST,
    ],
    [
      "TCP, for connections that the kernel balances",
      {
        listener: tcpListener("shop", `${vip}:80`, "web"),
        cluster: staticCluster("web", ["127.0.1.3:8080", "127.0.1.4:8080"], byTcp),
      },
      undefined,
    ],
  ])("%s", async (_name, { listener, cluster }, send) => {
    const { backends } = world.world;
    const isHttp = send !== undefined;
    const [stays, goes] = isHttp ? ["a", "b"] : ["t", "u"];
    if (!isHttp) await backends.add(tcpBackend("u", 4));
    await using _agent = await world.startAgent(bootstrap([listener as Json], [cluster as Json]));
    const both = async (): Promise<boolean> =>
      Bun.deepEquals(Object.keys(await answers(send)).sort(), [stays, goes].sort());
    await waitFor("both to be used", both);
    await backends.remove(goes);
    await waitFor("the check to fail", async () => Bun.deepEquals(await answers(send), { [stays]: 20 }));
    await backends.add(isHttp ? httpBackend(goes, 2) : tcpBackend(goes, 4));
    await waitFor("the check to pass", both);
  });
});

test("an endpoint whose answers are 5xx is ejected, and comes back after its time", async () => {
  const { backends, namespace } = world.world;
  const outlier_detection = {
    consecutive_5xx: 3,
    interval: "0.2s",
    base_ejection_time: "2s",
    max_ejection_percent: 50,
  };
  // Where nobody listens yet: each attempt is a 503 of the router's own.
  const cluster = staticCluster("web", ["127.0.1.1:8080", "127.0.1.9:8080"], { outlier_detection });
  await using agent = await world.startAgent(bootstrap([httpListener("shop", `${vip}:80`, relayedRoutes)], [cluster]));
  /** The statuses of some requests, each on a connection of its own. */
  const statuses = async (): Promise<Set<string>> => {
    const urls = Array.from({ length: 10 }, () => ["--output", "/dev/null", `http://${vip}/`]).flat();
    const argv = [
      "curl",
      "--silent",
      "--noproxy",
      "*",
      "--header",
      "Connection: close",
      "--write-out",
      "%{http_code}\n",
    ];
    const { stdout } = await run([...argv, ...urls], { enter: compose(world.world.cgroup.enter, namespace.enter) });
    return new Set(stdout.trim().split("\n"));
  };
  await waitFor("its ejection", async () => {
    await statuses();
    return agent.log().includes("endpoints ejected as outliers");
  });
  await waitFor("only the other to be used", async () => Bun.deepEquals(await statuses(), new Set(["200"])));
  await backends.add(httpBackend("late", 9));
  await waitFor("its return", async () => "late" in (await answers(HTTP_REQUEST)));
});
