import { describe, expect, test } from "bun:test";
import { Counter, Shared, sharedBytes, sharedRows } from "./shared.ts";

describe("shared memory", () => {
  test("each worker sees what all count, and starts anew after a crash", () => {
    const memory = new ArrayBuffer(sharedBytes(2));
    const first = new Shared(memory, 0, 2).usage(7, "default");
    const second = new Shared(memory, 1, 2).usage(7, "default");
    first.add(Counter.requests, 1);
    second.add(Counter.requests, 1);
    second.add(Counter.requests, 1);
    expect(first.total(Counter.requests)).toBe(3);
    const restarted = new Shared(memory, 1, 2).usage(7, "default");
    expect(restarted.total(Counter.requests)).toBe(1);
  });

  test("rows, priorities and counters are apart", () => {
    const shared = Shared.local();
    shared.usage(1, "default").add(Counter.connections, 1);
    expect(shared.usage(1, "default").total(Counter.connections)).toBe(1);
    expect(shared.usage(1, "high").total(Counter.connections)).toBe(0);
    expect(shared.usage(0, "default").total(Counter.connections)).toBe(0);
    expect(shared.usage(1, "default").total(Counter.pending)).toBe(0);
    expect(shared.usage(sharedRows + 5, "high").total(Counter.retries)).toBe(0);
  });

  test("a bucket is found by its key, by all workers; others have others", () => {
    const memory = new ArrayBuffer(sharedBytes(2));
    const [a, b] = [new Shared(memory, 0, 2), new Shared(memory, 1, 2)];
    a.bucket(5n)[0] = 1n;
    // The same place in the table.
    a.bucket(5n + 4096n)[0] = 2n;
    expect(b.bucket(5n)[0]).toBe(1n);
    expect(b.bucket(5n + 4096n)[0]).toBe(2n);
    expect(b.bucket(-5n)[0]).toBe(0n);
  });

  test("more buckets than there is room for share", () => {
    const shared = Shared.local();
    for (let i = 1n; i < 5000n; i++) shared.bucket(i)[0] = i;
    expect(shared.bucket(4999n).length).toBe(1);
  });
});
