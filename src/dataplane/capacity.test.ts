import { describe, expect, test } from "bun:test";
import { chain, cluster, listener, prefix, snapshot, tcpListener, tcpProxy } from "../../test/bpf/model.ts";
import { Compiler } from "../compile/compile.ts";
import { emptyImage } from "../compile/image.ts";
import { MeshError } from "../errors.ts";
import { capacityFor, requireRoom, usage } from "./capacity.ts";
import { diff } from "./transaction.ts";

const digest = (name: string): string => Buffer.from(name.padEnd(15, ".").slice(0, 15)).toString("hex");
const { image } = new Compiler(65536, digest, true).compile(
  snapshot({
    listeners: [
      tcpListener("exact", "10.0.0.1:80", { a: 1, b: 2 }),
      listener("wild", "0.0.0.0:80", [chain(tcpProxy("a"), { prefixes: [prefix("10.0.0.0/8")] })]),
    ],
    clusters: [cluster("a", ["127.0.0.1:1", "127.0.0.1:2"]), cluster("b", ["127.0.0.1:1"])],
  }),
);

test("what an image takes", () => {
  expect(usage(image)).toEqual({ listeners: 1, listener_prefixes: 2, clusters: 2, slots: 5, endpoints: 3 });
  expect(usage(emptyImage)).toEqual({ listeners: 0, listener_prefixes: 0, clusters: 0, slots: 0, endpoints: 0 });
});

test("maps are powers of two, at least four times as large as needed, and never tiny", () => {
  const least = capacityFor(usage(emptyImage));
  const large = capacityFor({ ...usage(emptyImage), slots: 300_001, endpoints: 65_536 });
  expect([least.slots, large.slots, large.endpoints]).toEqual([65_536, 2_097_152, 262_144]);
  expect(large).toMatchObject({ listeners: least.listeners, clusters: least.clusters });
});

describe("requireRoom", () => {
  const none = usage(emptyImage);
  const transaction = diff(emptyImage, image);
  const codeOf = (capacity: typeof none, used = none): string => {
    try {
      requireRoom(capacity, used, transaction);
      return "fits";
    } catch (error) {
      return MeshError.from(error).message.split(";")[0] ?? "";
    }
  };

  test("what fits to the last entry fits", () => expect(codeOf(usage(image))).toBe("fits"));

  test.each(["listeners", "listener_prefixes", "clusters", "endpoints"] as const)("one too few: %s", (map) => {
    const capacity = { ...usage(image), [map]: usage(image)[map] - 1 };
    expect(codeOf(capacity)).toBe(
      `[capacity] commit: map ${map} holds at most ${capacity[map]} entries and ${usage(image)[map]} are needed`,
    );
  });

  test("what is there already counts", () => {
    expect(codeOf(usage(image), { ...none, clusters: 1 })).toContain("map clusters");
    expect(() => requireRoom(usage(image), usage(image), diff(image, image))).not.toThrow();
  });
});
