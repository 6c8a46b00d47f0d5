import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Arena, Interner } from "./intern.ts";

describe("Interner", () => {
  test("a key keeps its id until it is freed", () => {
    const ids = new Interner();
    expect([ids.id("a"), ids.id("b"), ids.id("a"), ids.size]).toEqual([1, 2, 1, 2]);
    ids.free(1);
    expect([ids.keyOf(1), ids.id("c"), ids.keyOf(1)]).toEqual([undefined, 1, "c"]);
    ids.free(99); // nobody's
    expect(ids.size).toBe(2);
  });

  test("ids of an earlier run are kept, and given to nobody else", () => {
    const ids = new Interner();
    ids.claim("old", 2);
    expect([ids.id("a"), ids.id("b"), ids.id("old")]).toEqual([1, 3, 2]);
  });

  test("whatever is claimed, asked for and freed: no two keys have one id, and none is 0", () => {
    const key = fc.integer({ min: 0, max: 15 }).map(String);
    const step = fc.oneof(
      key.map((one) => ["id", one] as const),
      key.map((one) => ["free", one] as const),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
        fc.array(step, { maxLength: 200 }),
        (claimed, steps) => {
          const ids = new Interner();
          const model = new Map<string, number>();
          claimed.forEach((id, i) => {
            ids.claim(`old ${i}`, id);
            model.set(`old ${i}`, id);
          });
          for (const [what, name] of steps) {
            const known = model.get(name);
            if (what === "free") {
              ids.free(known ?? 1000);
              model.delete(name);
              continue;
            }
            const id = ids.id(name);
            if (known !== undefined) expect(id).toBe(known);
            model.set(name, id);
          }
          const given = [...model.values()];
          expect(new Set(given).size).toBe(given.length);
          expect(given).not.toContain(0);
          expect(ids.size).toBe(model.size);
        },
      ),
    );
  });
});

describe("Arena", () => {
  test("no rows cost nothing", () => {
    const arena = new Arena(0);
    expect([arena.allocate(0), arena.allocate(1), arena.used, arena.capacity]).toEqual([0, undefined, 0, 0]);
    arena.free(0);
    expect(arena.used).toBe(0);
  });

  test("what an earlier run uses is taken once, and only where it is free", () => {
    const arena = new Arena(10);
    expect([arena.claim(3, 4), arena.claim(3, 4), arena.claim(6, 2), arena.claim(8, 3), arena.claim(0, 3)]).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect([arena.used, arena.allocate(3), arena.allocate(4)]).toEqual([7, 7, undefined]);
  });

  test("shrinks to what is used", () => {
    const arena = new Arena(1000);
    const first = arena.allocate(10);
    arena.shrink(16);
    expect([first, arena.capacity, arena.used, arena.allocate(7), arena.allocate(6)]).toEqual([
      0,
      16,
      10,
      undefined,
      10,
    ]);
    arena.free(0);
    expect(arena.allocate(10)).toBe(0);
  });

  test("whatever is allocated and freed: no row is in two ranges, and all rows join again at the end", () => {
    const capacity = 64;
    const step = fc.oneof(
      fc.integer({ min: 1, max: 20 }).map((count) => ({ count })),
      fc.nat({ max: 63 }).map((which) => ({ which })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const arena = new Arena(capacity);
        const taken: { first: number; count: number }[] = [];
        for (const one of steps) {
          if ("count" in one) {
            const first = arena.allocate(one.count);
            if (first !== undefined) taken.push({ first, count: one.count });
          } else if (taken.length > 0) {
            const [freed] = taken.splice(one.which % taken.length, 1);
            arena.free(freed?.first ?? -1);
          }
          const rows = taken.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
          expect(new Set(rows).size).toBe(rows.length);
          expect(rows.every((row) => row >= 0 && row < capacity)).toBe(true);
          expect(arena.used).toBe(rows.length);
        }
        for (const { first } of taken) arena.free(first);
        expect([arena.used, arena.allocate(capacity)]).toEqual([0, 0]);
      }),
    );
  });
});
