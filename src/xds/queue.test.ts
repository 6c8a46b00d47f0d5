import { expect, test } from "bun:test";
import { Queue } from "./queue.ts";

/** Whether a promise is settled once every microtask has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("queue: hands out in order, then ends", async () => {
  const queue = new Queue<number>();
  queue.push(1);
  queue.push(2);
  queue.end();
  queue.push(3);
  expect([await queue.next(), await queue.next(), await queue.next()]).toEqual([1, 2, undefined]);
});

test("queue: a waiting consumer gets what comes", async () => {
  const queue = new Queue<string>();
  const next = queue.next();
  queue.push("late");
  expect(await next).toBe("late");
});

test("queue: an item may be falsy", async () => {
  const queue = new Queue<number>();
  queue.push(0);
  expect(await queue.next()).toBe(0);
});

test("queue: there is room once the weight is taken away", async () => {
  const queue = new Queue<number>((weight) => weight);
  queue.push(10);
  const room = queue.room(5);
  expect(await isSettled(room)).toBe(false);
  await queue.next();
  expect(await isSettled(room)).toBe(true);
});

test("queue: idle only when the consumer is back for more", async () => {
  const queue = new Queue<number>();
  queue.push(1);
  const idle = queue.idle();
  await queue.next();
  expect(await isSettled(idle)).toBe(false);
  const next = queue.next();
  expect(await isSettled(idle)).toBe(true);
  queue.end();
  expect(await next).toBeUndefined();
});

test("queue: the end releases everybody", async () => {
  const queue = new Queue<number>((weight) => weight);
  queue.push(10);
  const waiting = [queue.room(0), queue.idle()];
  queue.end();
  await Promise.all(waiting);
  expect(queue.length).toBe(1);
});
