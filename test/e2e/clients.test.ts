// Real clients in real languages, over real addresses: none of them knows of the mesh, and each gets what the mesh file says.
// Two hosts (network namespaces) joined by a cable; the VIPs are routed to nobody.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent } from "../support/agent.ts";
import { Backends } from "../support/backend.ts";
import { Cgroup } from "../support/cgroup.ts";
import { clientNames, get } from "../support/client.ts";
import { Dialer, HTTP_REQUEST } from "../support/dialer.ts";
import { Netns } from "../support/netns.ts";
import { compose, type Enter } from "../support/process.ts";
import { bootstrap, staticCluster, tcpListener } from "./resources.ts";
import { testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

const vip4 = "10.96.0.1";
const vip6 = "fd96::1";
const mesh = bootstrap(
  [
    tcpListener("v4", `${vip4}:80`, "v4"),
    tcpListener("v6", `[${vip6}]:80`, "v6"),
    tcpListener("crossed", `[fd96::4]:80`, "v4"),
    tcpListener("uncrossable", "10.96.0.6:80", "v6"),
  ],
  [staticCluster("v4", ["10.97.0.2:8080"]), staticCluster("v6", ["[fd97::2]:8080"])],
);

const families = [
  { family: "IPv4", url: `http://${vip4}/`, vip: vip4, peer: `${vip4}:80`, name: "four" },
  { family: "IPv6", url: `http://[${vip6}]/`, vip: vip6, peer: `[${vip6}]:80`, name: "six" },
] as const;

const stack = new AsyncDisposableStack();
let enrolled: Enter;
let untouched: Enter;

beforeAll(async () => {
  const near = stack.use(await Netns.create("near"));
  const far = stack.use(await Netns.create("far"));
  await near.connect(far, ["10.97.0.1/24", "fd97::1/64"], ["10.97.0.2/24", "fd97::2/64"]);
  stack.use(
    await Backends.start(
      [
        { name: "four", address: "10.97.0.2", port: 8080, mode: "http" },
        { name: "six", address: "fd97::2", port: 8080, mode: "http" },
      ],
      far.enter,
    ),
  );
  const mine = stack.use(Cgroup.create("enrolled"));
  const other = stack.use(Cgroup.create("other"));
  enrolled = compose(mine.enter, near.enter);
  untouched = compose(other.enter, near.enter);
  stack.use(await Agent.start({ mesh, cgroups: [mine.path] }));
});
afterAll(() => stack.disposeAsync());

describe.each(families)("$family", ({ url, vip, peer, name }) => {
  test.each(clientNames)("%s in an enrolled cgroup reaches the backend behind the VIP", async (client) => {
    expect(await get(client, url, enrolled)).toBe(name);
  });

  test("getpeername shows the VIP", async () => {
    await using dialer = Dialer.start(enrolled);
    expect(await dialer.dial(vip, 80, { send: HTTP_REQUEST })).toEqual([{ name, peer }]);
  });

  test("a client in another cgroup is untouched: nobody is at the VIP for it", async () => {
    await using dialer = Dialer.start(untouched);
    const [answer] = await dialer.dial(vip, 80, { timeoutMs: 500 });
    expect(answer).toHaveProperty("error");
  });

  test("an enrolled client reaches what no listener names, as always", async () => {
    await using dialer = Dialer.start(enrolled);
    const real = name === "four" ? "10.97.0.2" : "fd97::2";
    expect(await dialer.tally(real, 8080, { send: HTTP_REQUEST })).toEqual({ [name]: 1 });
  });
});

test("an IPv6 VIP may have IPv4 endpoints; an IPv4 socket that is sent to an IPv6 endpoint is refused at once", async () => {
  await using dialer = Dialer.start(enrolled);
  expect(await dialer.dial("fd96::4", 80, { send: HTTP_REQUEST })).toEqual([{ name: "four", peer: "[fd96::4]:80" }]);
  expect(await dialer.tally("10.96.0.6", 80)).toEqual({ "!ECONNREFUSED": 1 });
});

test("an IPv4 VIP written as an IPv6 address (mapped) is the same VIP", async () => {
  await using dialer = Dialer.start(enrolled);
  const [answer] = await dialer.dial(`::ffff:${vip4}`, 80, { send: HTTP_REQUEST });
  expect(answer).toMatchObject({ name: "four" });
});
