import { expect, test } from "bun:test";
import type { Rejection, ResourceType } from "../model/snapshot.ts";
import { type Outcome, Subscriptions } from "./subscriptions.ts";

function outcome(part: { accepted?: Record<string, string>; removed?: string[]; rejected?: string[] }): Outcome {
  const rejected = (part.rejected ?? []).map((name): Rejection => ({ type: "cluster", name, path: "", reason: "no" }));
  return { accepted: new Map(Object.entries(part.accepted ?? {})), removed: part.removed ?? [], rejected };
}

/** Everything that is known of a type, as plain values. */
function view(subscriptions: Subscriptions, type: ResourceType): object {
  return {
    held: Object.fromEntries(subscriptions.held(type)),
    missing: [...subscriptions.missing(type)],
    givenUp: [...subscriptions.givenUp(type)],
  };
}

const fates: readonly [string, (it: Subscriptions) => void, object][] = [
  ["wanted: missing", () => {}, { held: {}, missing: ["a", "b"], givenUp: [] }],
  [
    "accepted: held",
    (it) => it.record("endpoint", "1", outcome({ accepted: { a: "v1" } })),
    { held: { a: "v1" }, missing: ["b"], givenUp: [] },
  ],
  [
    "refused without a good version: given up",
    (it) => it.record("endpoint", "1", outcome({ rejected: ["a"] })),
    { held: {}, missing: ["b"], givenUp: ["a"] },
  ],
  [
    "refused with a good version: still held, at that version",
    (it) => {
      it.record("endpoint", "1", outcome({ accepted: { a: "v1" } }));
      it.record("endpoint", "2", outcome({ rejected: ["a"] }));
    },
    { held: { a: "v1" }, missing: ["b"], givenUp: [] },
  ],
  [
    "removed: not waited for",
    (it) => {
      it.record("endpoint", "1", outcome({ accepted: { a: "v1" } }));
      it.record("endpoint", "2", outcome({ removed: ["a", "x"] }));
    },
    { held: {}, missing: ["b"], givenUp: ["a"] },
  ],
  [
    "given up, then accepted after all",
    (it) => {
      it.giveUp("endpoint", "a");
      it.record("endpoint", "1", outcome({ accepted: { a: "v1" } }));
    },
    { held: { a: "v1" }, missing: ["b"], givenUp: [] },
  ],
  [
    "no longer wanted: forgotten, and missing when it is wanted again",
    (it) => {
      it.record("endpoint", "1", outcome({ accepted: { a: "v1", b: "v1" } }));
      it.want("endpoint", new Set(["b"]));
      it.want("endpoint", new Set(["b", "a"]));
    },
    { held: { b: "v1" }, missing: ["a"], givenUp: [] },
  ],
];

test.each(fates)("subscriptions: %s", (_, act, expected) => {
  const subscriptions = new Subscriptions();
  subscriptions.want("endpoint", new Set(["a", "b"]));
  act(subscriptions);
  expect(view(subscriptions, "endpoint")).toEqual(expected);
});

test("subscriptions: what changes is told", () => {
  const subscriptions = new Subscriptions();
  expect(subscriptions.want("route", new Set(["a", "b"]))).toEqual({ added: ["a", "b"], removed: [] });
  expect(subscriptions.want("route", new Set(["b", "c"]))).toEqual({ added: ["c"], removed: ["a"] });
  expect(subscriptions.want("route", new Set(["c", "b"]))).toEqual({ added: [], removed: [] });
});

test("subscriptions: the version only moves when everything was accepted", () => {
  const subscriptions = new Subscriptions();
  subscriptions.record("cluster", "1", outcome({ accepted: { a: "1" } }));
  subscriptions.record("cluster", "2", outcome({ accepted: { a: "2" }, rejected: ["b"] }));
  expect(subscriptions.version("cluster")).toBe("1");
  subscriptions.record("cluster", "3", outcome({ rejected: [""] }));
  expect(subscriptions.version("cluster")).toBe("1");
  subscriptions.record("cluster", "4", outcome({}));
  expect(subscriptions.version("cluster")).toBe("4");
});

test("subscriptions: clusters, endpoints, listeners, routes: what is due when", () => {
  const subscriptions = new Subscriptions();
  expect(subscriptions.due()).toEqual(["cluster"]);
  subscriptions.record("cluster", "1", outcome({ accepted: { a: "1" } }));
  subscriptions.want("endpoint", new Set(["a"]));
  expect(subscriptions.due()).toEqual(["cluster", "endpoint"]);
  subscriptions.record("endpoint", "1", outcome({ accepted: { a: "1" } }));
  expect(subscriptions.due()).toEqual(["cluster", "endpoint", "listener"]);
  subscriptions.want("route", new Set(["80"]));
  expect(subscriptions.due()).toEqual(["cluster", "endpoint", "listener", "route"]);
  // Once listeners were fetched, new clusters don't take them back.
  subscriptions.want("endpoint", new Set(["a", "b"]));
  expect(subscriptions.due()).toContain("listener");
});

test("subscriptions: listeners are due when the wait for clusters or endpoints is over", () => {
  const subscriptions = new Subscriptions();
  subscriptions.stopWaiting("cluster");
  subscriptions.want("endpoint", new Set(["a"]));
  expect(subscriptions.due()).not.toContain("listener");
  subscriptions.giveUp("endpoint", "a");
  expect(subscriptions.due()).toContain("listener");
});

test("subscriptions: held versions from disk are claimed for what is still wanted only", () => {
  const held = new Map([
    ["a", "v1"],
    ["old", "v1"],
  ]);
  const subscriptions = new Subscriptions({ endpoint: held, cluster: held });
  subscriptions.want("endpoint", new Set(["a", "b"]));
  expect(view(subscriptions, "endpoint")).toEqual({ held: { a: "v1" }, missing: ["b"], givenUp: [] });
  expect(Object.fromEntries(subscriptions.held("cluster"))).toEqual({ a: "v1", old: "v1" });
});
