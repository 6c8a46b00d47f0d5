// Golden images: small configurations as the bytes that the kernel gets, beside their decoded fields. A change shows up in review;
// UPDATE_GOLDEN=1 writes the files anew.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  chain,
  cluster,
  http,
  listener,
  originalDst,
  prefix,
  type Resources,
  routes,
  snapshot,
  tcpListener,
  tcpProxy,
  virtualHost,
} from "../../test/bpf/model.ts";
import { diff } from "../dataplane/transaction.ts";
import { formatAddress } from "../ip.ts";
import { unpack } from "../layout/codec.ts";
import * as layout from "../layout/mesh.gen.ts";
import { endpoint, locality, ports } from "./cluster.fixture.ts";
import { Compiler } from "./compile.ts";
import { emptyImage } from "./image.ts";

const directory = join(import.meta.dir, "../../test/golden");

const cases: Record<string, Resources> = {
  "one-cluster": {
    listeners: [tcpListener("orders", "127.96.0.10:80", "orders")],
    clusters: [
      cluster("orders", ["127.0.0.1:8001", "127.0.0.2:8001"], {
        loadBalancing: { policy: "round_robin" },
        maxConnections: 100,
      }),
    ],
  },
  "weighted-and-wildcard": {
    listeners: [
      tcpListener("canary", "127.96.0.10:80", { stable: 90, canary: 10, off: 0 }),
      listener(
        "any",
        "[::]:81",
        [chain(tcpProxy("stable"), { prefixes: [prefix("10.1.0.0/16"), prefix("2001:db8::/32")] })],
        { ipv4Compat: true },
      ),
    ],
    clusters: [
      cluster("stable", [endpoint("127.0.0.1:8001", { weight: 3 }), endpoint("[::1]:8002")], {
        loadBalancing: { policy: "least_request", choiceCount: 2 },
      }),
      cluster("canary", ["127.0.0.3:8001"]),
      cluster("empty", []),
    ],
  },
  "istio-http": {
    listeners: [
      listener("0.0.0.0_80", "0.0.0.0:80", [
        chain(
          http(
            routes("80", [
              virtualHost("allow_any", ["*"], "PassthroughCluster"),
              virtualHost("cart", ["cart.example", "10.96.0.1"], "cart"),
              virtualHost("shop", ["shop.example", "10.96.0.2"], { cart: 1, shop: 1 }),
            ]),
          ),
        ),
      ]),
    ],
    clusters: [originalDst("PassthroughCluster"), cluster("cart", ["127.0.0.1:1"]), cluster("shop", ["127.0.0.1:2"])],
  },
  "hash-priorities": {
    listeners: [listener("by source", "127.96.0.10:80", [chain(tcpProxy("c", true))])],
    clusters: [
      cluster("c", [], {
        loadBalancing: { policy: "maglev", tableSize: 5 },
        discovery: {
          type: "static",
          assignment: {
            name: "c",
            overprovisioningPercent: 140,
            localities: [
              locality([...ports(1, 1), ...ports(2, 1, { health: "unhealthy" })]),
              locality(ports(3, 2), { priority: 1 }),
            ],
          },
        },
      }),
    ],
  },
};

/** One line an entry, in the order in which a first commit writes them. Runs of equal slots are one line. */
function print(resources: Resources): string {
  const digest = (name: string): string => Buffer.from(name.padEnd(15, ".").slice(0, 15)).toString("hex");
  const { image } = new Compiler(65536, digest, true).compile(snapshot(resources));
  const lines: string[] = [];
  for (const { map, keys, values, count } of diff(emptyImage, image).puts) {
    const definition = layout.maps[map];
    const decodedKeys = unpack<unknown>(definition.key, keys, count);
    const decodedValues = unpack<unknown>(definition.value, values, count);
    lines.push(`${map}: ${count}`);
    for (let i = 0; i < count; i++) {
      const hex = (bytes: Uint8Array) =>
        bytes.slice((i * bytes.length) / count, ((i + 1) * bytes.length) / count).toHex();
      const value = map.endsWith("_states") ? "0" : `${text(decodedValues[i])}  ${hex(values)}`;
      lines.push(`  ${text(decodedKeys[i])}  ${hex(keys)} -> ${value}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function text(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const fields = value as Record<string, unknown>;
  const { family } = fields;
  const shown = Object.entries(fields).map(([name, field]) => {
    if (!(field instanceof Uint8Array)) return `${name}=${String(field)}`;
    const isAddress = name === "address" && (family === 4 || family === 6);
    return `${name}=${isAddress ? formatAddress({ family, bytes: field }) : Buffer.from(field).toString("latin1")}`;
  });
  return `{${shown.join(" ")}}`;
}

describe("golden images", () => {
  test.each(Object.keys(cases))("%s", (name) => {
    const path = join(directory, `${name}.txt`);
    const printed = print(cases[name] ?? {});
    if (process.env.UPDATE_GOLDEN === "1") {
      mkdirSync(directory, { recursive: true });
      writeFileSync(path, printed);
    }
    expect(existsSync(path)).toBe(true);
    expect(printed).toBe(readFileSync(path, "utf8"));
  });
});
