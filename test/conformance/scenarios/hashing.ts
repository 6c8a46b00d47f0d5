// RING_HASH and MAGLEV on the source address: not only as evenly as Envoy, but the same endpoint for each source.
import { cluster, hashSource, listener, tcpProxy } from "../mesh.ts";
import { fromSources, oneCluster, type Scenario } from "../scenario.ts";

/** Of all lengths, as the hash is one of text. */
const sources = [
  ...Array.from({ length: 12 }, (_, i) => `127.0.2.${i + 1}`),
  ...Array.from({ length: 12 }, (_, i) => `127.${100 + i}.${200 + i}.${100 + 7 * i}`),
];
const v6Sources = Array.from({ length: 24 }, (_, i) => `fd02::${(i + 1).toString(16)}`);
export const extraAddresses = v6Sources;

const four = ["a", "b", "c", "d"];

export const hashing: readonly Scenario[] = [
  oneCluster("RING_HASH", { ...hashed("RING_HASH"), endpoints: four }, fromSources(sources)),
  oneCluster("MAGLEV", { ...hashed("MAGLEV"), endpoints: four }, fromSources(sources)),
  oneCluster(
    "RING_HASH from an address that the kernel chooses",
    { ...hashed("RING_HASH"), endpoints: ["a", "b", "c", "d", "e", "f", "g"] },
    fromSources(["", "", "", "127.0.2.9", "127.0.2.10", "127.0.2.11", "127.0.2.12", "127.0.2.13"]),
  ),
  oneCluster(
    "MAGLEV from an address that the kernel chooses",
    { ...hashed("MAGLEV"), endpoints: ["a", "b", "c", "d", "e", "f", "g"] },
    fromSources(["", "", "127.0.2.9", "127.0.2.10", "127.0.2.11", "127.0.2.12", "127.0.2.13"]),
  ),
  oneCluster(
    "RING_HASH with endpoint weights",
    { ...hashed("RING_HASH"), endpoints: four.map((name, i) => ({ name, weight: i + 1 })) },
    fromSources(sources),
  ),
  oneCluster(
    "MAGLEV with endpoint weights",
    { ...hashed("MAGLEV"), endpoints: four.map((name, i) => ({ name, weight: i + 1 })) },
    fromSources(sources),
  ),
  oneCluster(
    "RING_HASH with MURMUR_HASH_2",
    { ...hashed("RING_HASH"), ...ringOf({ hash_function: "MURMUR_HASH_2" }) },
    fromSources(sources),
  ),
  oneCluster(
    "RING_HASH of a small ring",
    { ...hashed("RING_HASH"), ...ringOf({ minimum_ring_size: 8, maximum_ring_size: 64 }) },
    fromSources(sources),
  ),
  oneCluster(
    "MAGLEV of a small table",
    { ...hashed("MAGLEV"), endpoints: four, more: { maglev_lb_config: { table_size: 251 } } },
    fromSources(sources),
  ),
  oneCluster(
    "RING_HASH by hash_key",
    {
      ...hashed("RING_HASH"),
      endpoints: four.map((name) => ({
        name,
        metadata: { filter_metadata: { "envoy.lb": { hash_key: `key-${name}` } } },
      })),
    },
    fromSources(sources),
  ),
  oneCluster(
    "RING_HASH leaves unhealthy endpoints out",
    { ...hashed("RING_HASH"), endpoints: ["a", "b", "c", { name: "d", health: "UNHEALTHY" }] },
    fromSources(sources),
  ),
  oneCluster(
    "MAGLEV over priorities",
    {
      ...hashed("MAGLEV"),
      localities: [
        { endpoints: ["a", { name: "b", health: "UNHEALTHY" }, { name: "c", health: "UNHEALTHY" }] },
        { priority: 1, endpoints: ["d", "e"] },
      ],
    },
    fromSources(sources),
  ),
  oneCluster(
    "RING_HASH without a hash policy is random",
    { policy: "RING_HASH", endpoints: ["a", "b"] },
    { count: 400, concurrency: 8, expect: { kind: "within", bounds: { a: [140, 260], b: [140, 260] } } },
  ),
  {
    name: "RING_HASH from IPv6 sources: stable, by another hash",
    build: ({ id, port }) => ({
      listeners: [listener(id, `[fd96::1]:${port}`, [{ filter: tcpProxy(id, hashSource) }])],
      clusters: [cluster(id, { policy: "RING_HASH", endpoints: ["six", "seven", "eight"] })],
      probes: [
        {
          at: `[fd96::1]:${port}`,
          ...fromSources(v6Sources),
          difference: { id: "bound-v6-source", ours: { kind: "by_source" } },
        },
      ],
    }),
  },
];

function hashed(policy: "RING_HASH" | "MAGLEV") {
  return { policy, proxy: hashSource } as const;
}

function ringOf(config: object) {
  return { endpoints: four, more: { ring_hash_lb_config: config } };
}
