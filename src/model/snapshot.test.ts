import { expect, test } from "bun:test";
import { unknownCluster } from "./cluster.ts";
import { emptySnapshot, isSameSnapshot, mergeSnapshots, type Snapshot } from "./snapshot.ts";

function clusters(fields: Readonly<Record<string, number>>): Snapshot {
  const all = Object.entries(fields).map(
    ([name, connectTimeoutMs]) => [name, { ...unknownCluster(name), connectTimeoutMs }] as const,
  );
  return { ...emptySnapshot, cluster: new Map(all) };
}

test("a static resource wins over a dynamic one of its name; the others are all there", () => {
  const merged = mergeSnapshots(clusters({ a: 1, b: 2 }), clusters({ b: 3, c: 4 }));
  const timeouts = [...merged.cluster].map(([name, { connectTimeoutMs }]) => [name, connectTimeoutMs]);
  expect(Object.fromEntries(timeouts)).toEqual({ a: 1, b: 2, c: 4 });
});

test("one source alone is taken as it is", () => {
  const one = clusters({ a: 1 });
  expect(mergeSnapshots(one, undefined)).toBe(one);
  expect(mergeSnapshots(undefined, one)).toBe(one);
  expect(mergeSnapshots(undefined, undefined)).toBe(emptySnapshot);
});

test("sameness is identity", () => {
  const one = clusters({ a: 1 });
  expect(isSameSnapshot(one, { ...one })).toBe(true);
  expect(isSameSnapshot(one, clusters({ a: 1 }))).toBe(false);
});
