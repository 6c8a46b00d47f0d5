// Real Istiod as the source of HTTP rules: every field of VirtualService's HTTP routes and of DestinationRule that Istio offers for
// them, shown by requests; first through real Envoy, which says what is right, then through the compiled agent.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { governors } from "./http-resources.ts";
import { actions } from "./istio-http/actions.ts";
import { nameOf, resourcesOf, serviceOf } from "./istio-http/case.ts";
import { matches } from "./istio-http/matches.ts";
import { policies } from "./istio-http/policies.ts";
import { resilience } from "./istio-http/resilience.ts";
import { addressOf, IstioWorld, inspection } from "./istio-http/world.ts";
import { headerRoute, hostOf, resource, serviceEntry } from "./istio-resources.ts";
import { enginesOf, explanationOf, statusOf, testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const plainVip = "127.96.0.1";
const plain = serviceEntry("plain", {
  vip: plainVip,
  port: 80,
  protocol: "HTTP",
  endpoints: { [addressOf("v3")]: {} },
});
const cases = [...matches, ...actions, ...resilience, ...policies];
const numbered = cases.map((one, index) => ({ ...one, index }));
const resources = { plain, ...Object.fromEntries(cases.map((one, i) => [nameOf(i), resourcesOf(one, i)])) };

describe.each(governors)("%s", (governor) => {
  const stack = new AsyncDisposableStack();
  let world: IstioWorld;

  beforeAll(async () => {
    world = stack.use(await IstioWorld.create(governor, resources));
  });
  afterAll(() => stack.disposeAsync());

  test.each(numbered)("$name", async ({ check, index }) => {
    await check(serviceOf(world, index));
  });
});

describe("kmesh-edge beside that", () => {
  const stack = new AsyncDisposableStack();
  let world: IstioWorld;

  beforeAll(async () => {
    world = stack.use(await IstioWorld.create("kmesh-edge", resources));
    world.serve("elsewhere", `${elsewhere}:80`);
  });
  afterAll(() => stack.disposeAsync());

  const elsewhere = "127.0.1.9";
  const agentOf = ({ agent }: IstioWorld) => agent ?? expect.unreachable();

  test("nothing that Istio says is refused", async () => {
    const { snapshot, state, problems } = await statusOf(agentOf(world));
    expect({ rejections: snapshot.rejections, state, problems }).toEqual({
      rejections: [],
      state: "live",
      problems: [],
    });
  });

  test("a service without rules on the same port takes connect; one with rules takes relay", async () => {
    expect(await explanationOf(agentOf(world), `${plainVip}:80`)).toMatchObject({ result: "connect" });
    expect(await explanationOf(agentOf(world), "127.96.1.1:80")).toMatchObject({ result: "relay" });
    const engines = await enginesOf(agentOf(world), "0.0.0.0_80");
    expect(engines.find(({ destination }) => destination === `${plainVip}:80`)).toMatchObject({ engine: "connect" });
  });

  test("a host that Istio doesn't know, asked at a service's address, passes through to that address", async () => {
    const vip = "127.96.1.1";
    world.serve("at-the-vip", `${vip}:80`);
    await agentOf(world).waitFor("the server", async () => {
      const [answer] = await world.ask(vip, "unknown.test", ["/"]);
      return answer?.status === 200;
    });
    const [through, known] = await world.ask(vip, "unknown.test", [
      "/x",
      { path: "/x", headers: { Host: hostOf(nameOf(0)) } },
    ]);
    expect(through && inspection(through)).toMatchObject({ server: "at-the-vip", host: "unknown.test" });
    expect(known && inspection(known)).toMatchObject({ server: "v1" });
  });

  test("a host that Istio doesn't know passes through, to where the client was going", async () => {
    await agentOf(world).waitFor("the server", async () => {
      const answers = await world.ask(elsewhere, "unknown.test", ["/through"]);
      return answers.map((answer) => inspection(answer).server).join() === "elsewhere";
    });
    const [answer] = await world.ask(elsewhere, "unknown.test", [{ path: "/through", headers: { "x-a": "b" } }]);
    expect(answer && inspection(answer)).toMatchObject({
      server: "elsewhere",
      host: "unknown.test",
      target: "/through",
    });
  });

  test("an edit is what the next request goes by", async () => {
    const service = serviceEntry("edited", {
      vip: "127.96.0.2",
      port: 80,
      protocol: "HTTP",
      endpoints: { [addressOf("v1")]: { version: "v1" }, [addressOf("v2")]: { version: "v2" } },
    });
    const subsets = ["v1", "v2"].map((version) => ({ name: version, labels: { version } }));
    const rule = resource("DestinationRule", "edited", { host: hostOf("edited"), subsets });
    const who = async () => {
      const canary = { path: "/", headers: { "x-canary": "yes" } };
      const answers = await world.ask("127.96.0.2", hostOf("edited"), [canary, "/"]);
      return answers.map((answer) => inspection(answer).server).join();
    };
    world.istiod.apply("edited", service + rule + headerRoute("edited", "x-canary", "v2", "v1"));
    await agentOf(world).waitFor("the routes", async () => (await who()) === "v2,v1");
    world.istiod.apply("edited", service + rule + headerRoute("edited", "x-canary", "v1", "v2"));
    await agentOf(world).waitFor("the edit", async () => (await who()) === "v1,v2");
    world.istiod.delete("edited");
    await agentOf(world).waitFor(
      "its end",
      async () => (await explanationOf(agentOf(world), "127.96.0.2:80")).virtualHost !== `${hostOf("edited")}:80`,
    );
  });

  test("a filter that can't be honoured is refused by its path, and Istiod is told", async () => {
    const lua = {
      name: "envoy.filters.http.lua",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        default_source_code: { inline_string: "function envoy_on_request(handle) end" },
      },
    };
    const patch = {
      applyTo: "HTTP_FILTER",
      match: {
        context: "SIDECAR_OUTBOUND",
        listener: {
          portNumber: 81,
          filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } },
        },
      },
      patch: { operation: "INSERT_BEFORE", value: lua },
    };
    const endpoints = { [addressOf("v1")]: {} };
    world.istiod.apply(
      "lua",
      serviceEntry("scripted", { vip: "127.96.0.3", port: 81, protocol: "HTTP", endpoints }) +
        resource("EnvoyFilter", "lua", { configPatches: [patch] }).replace(
          "networking.istio.io/v1",
          "networking.istio.io/v1alpha3",
        ),
    );
    const agent = agentOf(world);
    const rejection = await agent.waitFor("the rejection", async () =>
      (await statusOf(agent)).snapshot.rejections.find(({ type }) => type === "listener"),
    );
    expect(rejection?.path).toMatch(/http_filters\[\d+\]/);
    expect((await statusOf(agent)).controlPlane?.types.listener.lastNack?.detail).toContain(rejection?.name ?? "?");
    world.istiod.delete("lua");
    await agent.waitFor("no rejection", async () => (await statusOf(agent)).snapshot.rejections.length === 0);
  });
});
