import { expect, test } from "bun:test";
import { identify, type NodeConfig, toNode } from "./node.ts";

const host = { hostname: "vm-1", addresses: ["10.0.0.5", "fd00::5"] };

test("node: Istio's sidecar form by default", () => {
  expect(identify({}, host)).toEqual({
    id: "sidecar~10.0.0.5~vm-1.default~default.svc.cluster.local",
    cluster: "vm-1.default",
    locality: { region: "", zone: "", subZone: "" },
    metadata: {
      NAME: "vm-1",
      NAMESPACE: "default",
      CLUSTER_ID: "Kubernetes",
      INSTANCE_IPS: "10.0.0.5,fd00::5",
      SERVICE_ACCOUNT: "default",
      LABELS: {},
    },
  });
});

const cases: readonly [string, NodeConfig, object][] = [
  [
    "the namespace is in the id, too",
    { namespace: "shop" },
    { id: "sidecar~10.0.0.5~vm-1.shop~shop.svc.cluster.local", cluster: "vm-1.shop" },
  ],
  ["an id of one's own", { id: "edge-7", cluster: "edge" }, { id: "edge-7", cluster: "edge" }],
  ["locality", { locality: { region: "eu", zone: "eu-1" } }, { locality: { region: "eu", zone: "eu-1", subZone: "" } }],
  [
    "what Istio reads from the metadata",
    {
      serviceAccount: "web",
      clusterId: "edge",
      meshId: "m",
      istioVersion: "1.31.0",
      network: "n",
      labels: { app: "web" },
    },
    {
      metadata: {
        SERVICE_ACCOUNT: "web",
        CLUSTER_ID: "edge",
        MESH_ID: "m",
        ISTIO_VERSION: "1.31.0",
        NETWORK: "n",
        LABELS: { app: "web" },
      },
    },
  ],
  [
    "metadata key by key, over the defaults",
    { metadata: { NAMESPACE: "x", EXTRA: [1, true] } },
    { metadata: { NAMESPACE: "x", EXTRA: [1, true], NAME: "vm-1" } },
  ],
];

test.each(cases)("node: %s", (_, config, expected) => {
  expect(identify(config, host)).toMatchObject(expected);
});

test("node: a host without an address still has an id", () => {
  expect(identify({}, { hostname: "vm", addresses: [] }).id).toBe(
    "sidecar~127.0.0.1~vm.default~default.svc.cluster.local",
  );
});

test("node: the message claims no feature that isn't there", () => {
  const node = toNode(identify({}, host), { name: "kmesh-edge", version: "0.1.0" });
  expect(node.clientFeatures).toEqual([]);
  expect(node.userAgentName).toBe("kmesh-edge");
  expect(node.userAgentVersionType).toEqual({ case: "userAgentVersion", value: "0.1.0" });
  expect(node.metadata?.INSTANCE_IPS).toBe("10.0.0.5,fd00::5");
});
