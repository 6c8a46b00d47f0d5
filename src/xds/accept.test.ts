import { expect, test } from "bun:test";
import {
  assignment,
  edsCluster,
  garbage,
  type Packed,
  rdsListener,
  refusedCluster,
  route,
  staticCluster,
  tcpListener,
  truncated,
} from "../../test/support/xds-resources.ts";
import { emptySnapshot, type ResourceType, type Snapshot } from "../model/snapshot.ts";
import { type Acceptance, accept, wantedEndpoints, wantedRoutes } from "./accept.ts";
import type { Response } from "./stream.ts";

type Overrides = Partial<Pick<Response, "removed" | "isFullState" | "wanted">>;

function response(type: ResourceType, resources: readonly Packed[], overrides: Overrides = {}): Response {
  return {
    kind: "response",
    type,
    version: "1",
    nonce: "n",
    resources: resources.map(({ name, version, resource: { typeUrl, value } }) => ({ name, version, typeUrl, value })),
    removed: [],
    isFullState: false,
    wanted: undefined,
    byteLength: 0,
    ...overrides,
  };
}

/** The same as SotW sends it: only the resource says its name. */
function fullState(type: ResourceType, resources: readonly Packed[]): Response {
  const { resources: received, ...rest } = response(type, resources, { isFullState: true });
  return { ...rest, resources: received.map((it) => ({ ...it, name: undefined })) };
}

async function after(...responses: readonly Response[]): Promise<Snapshot> {
  let snapshot = emptySnapshot;
  for (const it of responses) snapshot = (await accept(snapshot, it)).next;
  return snapshot;
}

function names(snapshot: Snapshot, type: ResourceType): string[] {
  return [...snapshot[type].keys()].sort();
}

function refusals({ rejected }: Acceptance): string[] {
  return rejected.map(({ name, path }) => `${name} at ${path === "" ? "all" : path}`);
}

const a = staticCluster("a");
const b = staticCluster("b");

test("accept: valid resources of a bad response apply, the bad one is named with its field path", async () => {
  const acceptance = await accept(
    emptySnapshot,
    response("cluster", [a, refusedCluster("bad"), staticCluster("b", "7")]),
  );
  expect(names(acceptance.next, "cluster")).toEqual(["a", "b"]);
  expect(refusals(acceptance)).toEqual(["bad at type"]);
  expect([...acceptance.accepted]).toEqual([
    ["a", "1"],
    ["b", "7"],
  ]);
});

test("accept: a refused resource keeps its last good model, the very same one", async () => {
  const before = await after(response("cluster", [a, b]));
  const { next } = await accept(before, response("cluster", [refusedCluster("a")]));
  expect(next.cluster.get("a")).toBe(before.cluster.get("a"));
});

test("accept: what isn't mentioned keeps its identity", async () => {
  const before = await after(response("cluster", [a, b]));
  const { next } = await accept(before, response("cluster", [staticCluster("a")]));
  expect(next.cluster.get("a")).not.toBe(before.cluster.get("a"));
  expect(next.cluster.get("b")).toBe(before.cluster.get("b"));
  expect(next.listener).toBe(before.listener);
});

const removals: readonly [string, Response, string[]][] = [
  ["delta: removed_resources", response("cluster", [], { removed: ["a", "never"] }), ["b"]],
  ["delta: removed and sent again at once: it is there", response("cluster", [a], { removed: ["a"] }), ["a", "b"]],
  ["delta: an empty response removes nothing", response("cluster", []), ["a", "b"]],
  ["SotW: what is missing is gone", fullState("cluster", [b]), ["b"]],
  ["SotW: an empty response removes the last one (trap 11)", fullState("cluster", []), []],
  ["SotW: a refused resource isn't gone", fullState("cluster", [refusedCluster("a")]), ["a"]],
  ["SotW: with an unreadable resource nobody knows what is gone", fullState("cluster", [garbage(a)]), ["a", "b"]],
];

test.each(removals)("accept: %s", async (_, last, expected) => {
  const before = await after(response("cluster", [a, b]));
  expect(names((await accept(before, last)).next, "cluster")).toEqual(expected);
});

test("accept: SotW endpoints may be partial: what is missing stays", async () => {
  const wanted = new Set(["a", "b"]);
  const before = await after(
    response("cluster", [edsCluster("a"), edsCluster("b")]),
    response("endpoint", [assignment("a"), assignment("b")], { wanted }),
  );
  const { next } = await accept(before, response("endpoint", [assignment("b", "2")], { wanted }));
  expect(names(next, "endpoint")).toEqual(["a", "b"]);
  expect(next.endpoint.get("a")).toBe(before.endpoint.get("a"));
});

test("accept: resources of names that are no longer wanted are dropped, bad or not", async () => {
  const late = response("endpoint", [assignment("a"), assignment("gone"), garbage(assignment("gone2"))], {
    wanted: new Set(["a"]),
  });
  const acceptance = await accept(emptySnapshot, late);
  expect(names(acceptance.next, "endpoint")).toEqual(["a"]);
  expect([...acceptance.accepted.keys()]).toEqual(["a"]);
  expect(acceptance.rejected).toEqual([]);
});

const wrongs: readonly [string, Response, string[]][] = [
  ["garbage bytes", response("cluster", [garbage(a)]), ["a at all"]],
  ["truncated bytes", response("cluster", [truncated(edsCluster("a"))]), ["a at all"]],
  ["garbage without a name beside it", fullState("cluster", [garbage(a)]), [" at all"]],
  ["another type in the Any", response("cluster", [{ ...a, resource: assignment("a").resource }]), ["a at all"]],
  ["a name that differs from the wrapper's", response("cluster", [{ ...a, name: "x" }]), ["x at all"]],
  ["the same name twice: neither is taken", response("cluster", [a, b, a, a]), ["a at all"]],
  ["twice, once bad", response("cluster", [refusedCluster("a"), a]), ["a at type", "a at all"]],
];

test.each(wrongs)("accept: refuses %s", async (_, wrong, expected) => {
  const acceptance = await accept(emptySnapshot, wrong);
  expect(refusals(acceptance)).toEqual(expected);
  expect(acceptance.next.cluster.has("a")).toBe(false);
  expect(acceptance.rejected.every(({ reason }) => reason.length > 0 && !reason.includes("\n"))).toBe(true);
});

test("accept: names of Object.prototype are names like others", async () => {
  const odd = ["__proto__", "constructor", "toString"];
  const { next, accepted } = await accept(
    emptySnapshot,
    response(
      "cluster",
      odd.map((name) => staticCluster(name)),
    ),
  );
  expect(names(next, "cluster")).toEqual(odd.toSorted());
  expect([...accepted.keys()]).toEqual(odd);
});

test("accept: what clusters and listeners refer to is wanted; what they no longer refer to is dropped", async () => {
  const full = await after(
    response("cluster", [edsCluster("a"), edsCluster("b"), staticCluster("c")]),
    response("endpoint", [assignment("a"), assignment("b")]),
    response("listener", [rdsListener("l", "80"), tcpListener("t", "a")]),
    response("route", [route("80", "a")]),
  );
  expect([...wantedEndpoints(full)]).toEqual(["a", "b"]);
  expect([...wantedRoutes(full)]).toEqual(["80"]);
  const less = await accept(full, response("cluster", [], { removed: ["b"] }));
  expect(names(less.next, "endpoint")).toEqual(["a"]);
  const least = await accept(less.next, response("listener", [], { removed: ["l"] }));
  expect(names(least.next, "route")).toEqual([]);
});

test("accept: a deadline that passed changes nothing", async () => {
  const before = await after(response("cluster", [a]));
  const acceptance = await accept(before, { kind: "expired", type: "endpoint", names: ["a"] });
  expect(acceptance.next).toBe(before);
  expect(acceptance.rejected).toEqual([]);
});

test("accept: lets go of the response's bytes, and yields to the event loop on the way", async () => {
  const many = response(
    "cluster",
    Array.from({ length: 2000 }, (_, i) => edsCluster(`cluster-${i}`)),
  );
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    timer = setImmediate(turn);
  };
  let timer = setImmediate(turn);
  const { next } = await accept(emptySnapshot, many);
  clearImmediate(timer);
  expect(next.cluster.size).toBe(2000);
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(many.resources.length).toBe(0);
});
