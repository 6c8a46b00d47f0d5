// The rig itself: each peer starts, does what the other tests rely on, and is gone afterwards.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { Backends } from "./backend.ts";
import { Cgroup } from "./cgroup.ts";
import { clientNames, get } from "./client.ts";
import { ControlPlane } from "./control-plane.ts";
import { Dialer, HTTP_REQUEST } from "./dialer.ts";
import { Envoy } from "./envoy.ts";
import { Istiod } from "./istiod.ts";
import { Netns } from "./netns.ts";
import { compose, freePorts, Process, run } from "./process.ts";

describe("backends and dialer", () => {
  test("tell who answered, hold connections, and count", async () => {
    await using backends = await Backends.start([{ name: "one", address: "127.0.9.1", port: 0 }]);
    const port = await backends.add({ name: "two", address: "127.0.9.2", port: 0, mode: "http" });
    const ports = await backends.add({ name: "three", address: "127.0.9.3", port: 0 });
    await using dialer = Dialer.start();
    expect(await dialer.tally("127.0.9.3", ports, { count: 20, concurrency: 4 })).toEqual({ three: 20 });
    expect(await dialer.dial("127.0.9.2", port, { send: HTTP_REQUEST })).toEqual([
      { name: "two", peer: `127.0.9.2:${port}` },
    ]);
    await dialer.dial("127.0.9.3", ports, { count: 3, hold: true });
    expect((await backends.counts()).three).toEqual({ accepted: 23, open: 3 });
    await backends.remove("three");
    expect(await dialer.tally("127.0.9.3", ports)).toEqual({ "!ECONNREFUSED": 1 });
  });

  test("a wrong request is an error, not the end", async () => {
    await using backends = await Backends.start([]);
    expect(backends.remove("nobody")).rejects.toThrow("no backend nobody");
    expect(await backends.counts()).toEqual({});
  });
});

describe("cgroup", () => {
  test("holds what runs in it, and kills it at the end", async () => {
    let path: string;
    let member: Process;
    {
      using cgroup = Cgroup.create();
      path = cgroup.path;
      member = Process.start(["sleep", "600"], { name: "sleep", enter: cgroup.child("inner").enter });
      await member.waitFor("joining", () =>
        readFileSync(`${path}/inner/cgroup.procs`, "utf8").includes(`${member.pid}`),
      );
      const { stdout } = await cgroup.run(["cat", "/proc/self/cgroup"]);
      expect(stdout).toContain(path.slice(path.lastIndexOf("/")));
    }
    expect(await member.exited).toBe(137);
    expect(existsSync(path)).toBe(false);
  });
});

describe("network namespaces", () => {
  test("are joined by a cable, for IPv4 and IPv6, and keep the host's cgroups", async () => {
    using cgroup = Cgroup.create();
    await using near = await Netns.create("near");
    await using far = await Netns.create("far");
    await near.connect(far, ["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]);
    await using _backends = await Backends.start(
      [
        { name: "v4", address: "10.9.0.2", port: 7000 },
        { name: "v6", address: "fd09::2", port: 7000 },
      ],
      far.enter,
    );
    await using dialer = Dialer.start(compose(cgroup.enter, near.enter));
    expect(await dialer.tally("10.9.0.2", 7000)).toEqual({ v4: 1 });
    expect(await dialer.dial("fd09::2", 7000)).toEqual([{ name: "v6", peer: "[fd09::2]:7000" }]);
    expect(readFileSync(`${cgroup.path}/cgroup.procs`, "utf8")).toContain(String(dialer.pid));
  });
});

describe("process", () => {
  test("that ends too early is reported with its log", async () => {
    await using early = Process.start(["sh", "-c", "echo no such luck; exit 3"], { name: "early" });
    expect(early.waitForLine(/never/)).rejects.toThrow("no such luck");
  });

  test("ends with the test runner", async () => {
    const script = `
      import { Process } from "${import.meta.dir}/process.ts";
      const child = Process.start(["sleep", "600"], { name: "orphan" });
      const name = () => Bun.file("/proc/" + child.pid + "/comm").text();
      while ((await name()) !== "sleep\\n") await Bun.sleep(5);
      await Bun.write(Bun.stdout, String(child.pid));
      process.kill(process.pid, "SIGKILL");
    `;
    const { stdout } = await run([process.execPath, "-e", script]);
    const gone = Process.start(["sh", "-c", `while kill -0 ${Number(stdout)}; do sleep 0.05; done`], { name: "gone" });
    expect(await gone.exited).toBe(0);
  });
});

describe("clients", () => {
  test.each(clientNames)("%s prints the answer", async (client) => {
    await using backends = await Backends.start([]);
    const port = await backends.add({ name: "web", address: "127.0.9.4", port: 0, mode: "http" });
    using cgroup = Cgroup.create();
    expect(await get(client, `http://127.0.9.4:${port}/`, cgroup.enter)).toBe("web");
  });
});

const ADS = { ads: {}, resource_api_version: "V3" };
const XDS_V3 = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

const edsCluster = (name: string) => ({
  name,
  connect_timeout: "1s",
  type: "EDS",
  eds_cluster_config: { eds_config: ADS },
});

const address = (host: string, port: number) => ({ address: { socket_address: { address: host, port_value: port } } });

const assignment = (cluster: string, host: string, port: number) => ({
  cluster_name: cluster,
  endpoints: [{ lb_endpoints: [{ endpoint: address(host, port) }] }],
});

const published = (name: string) => [
  { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", ...edsCluster(name) },
  {
    "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    ...assignment(name, "127.0.9.5", 19000),
  },
];

/** A bootstrap whose Envoy asks `controlPlane` for clusters, or only for the endpoints of one cluster that it knows. */
function adsBootstrap(controlPlane: string, id: string, known?: string): string {
  const [host = "", port = ""] = controlPlane.split(":");
  const xds = {
    name: "xds",
    connect_timeout: "5s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": XDS_V3,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: assignment("xds", host, Number(port)),
  };
  return JSON.stringify({
    node: { id, cluster: "test" },
    dynamic_resources: {
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
      },
      ...(known === undefined ? { cds_config: ADS } : {}),
    },
    static_resources: { clusters: [xds, ...(known === undefined ? [] : [edsCluster(known)])] },
  });
}

describe("control planes, with Envoy as their client", () => {
  test("go-control-plane serves what a test publishes and counts the answers", async () => {
    await using controlPlane = await ControlPlane.start(published("one"));
    await using envoy = await Envoy.start(adsBootstrap(controlPlane.address, "node-1"), { unready: true });
    await envoy.process.waitFor("the cluster", async () => (await envoy.admin("/clusters")).includes("one::"));
    const before = await controlPlane.status();
    expect(before.clients).toMatchObject({ open_streams: 1, delta_streams: 1, nacks: 0 });
    expect(before.clients.node_ids[0]).toBe("node-1");
    const after = await controlPlane.publish(published("two"));
    expect(after.versions).not.toEqual(before.versions);
    await envoy.process.waitFor("the change", async () => (await envoy.admin("/clusters")).includes("two::"));
    expect(controlPlane.publish([{ "@type": "type.googleapis.com/nonsense" }])).rejects.toThrow("resources[0]");
  });

  test("go-control-plane generates many resources", async () => {
    await using controlPlane = await ControlPlane.generate({ clusters: 20, endpoints: 3, listeners: 20 });
    const before = await controlPlane.status();
    const after = await controlPlane.change(7);
    const changed = Object.keys(before.versions).filter((type) => before.versions[type] !== after.versions[type]);
    expect(changed).toEqual(["type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"]);
    expect(controlPlane.change(20)).rejects.toThrow("no cluster 20");
  });

  // Its endpoints only: Istio's clusters name filters of its own Envoy build, which a stock Envoy rejects.
  test("istiod turns a ServiceEntry into endpoints, sees edits, and comes back at the same address", async () => {
    await using istiod = await Istiod.start({ echo: serviceEntry("127.0.9.5") });
    const id = "sidecar~127.0.0.1~vm.default~default.svc.cluster.local";
    const cluster = "outbound|9000||echo.default.svc.cluster.local";
    await using envoy = await Envoy.start(adsBootstrap(istiod.address, id, cluster), { unready: true });
    const sees = (endpoint: string) =>
      envoy.process.waitFor(endpoint, async () => (await envoy.admin("/clusters")).includes(`${cluster}::${endpoint}`));
    await sees("127.0.9.5:19000");
    istiod.apply("echo", serviceEntry("127.0.9.6"));
    await sees("127.0.9.6:19000");
    await istiod.stop();
    istiod.apply("echo", serviceEntry("127.0.9.7"));
    await istiod.start();
    await sees("127.0.9.7:19000");
  });
});

function serviceEntry(endpoint: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: echo, namespace: default}
spec:
  hosts: [echo.default.svc.cluster.local]
  addresses: [127.96.9.1]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 9000, name: tcp, protocol: TCP, targetPort: 19000}]
  endpoints: [{address: ${endpoint}}]
`;
}

test("free ports are free and different", async () => {
  const ports = freePorts(10);
  expect(new Set(ports).size).toBe(10);
});
