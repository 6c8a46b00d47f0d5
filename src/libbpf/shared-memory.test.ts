import { expect, test } from "bun:test";
import { ftruncateSync } from "node:fs";
import { join } from "node:path";
import { SharedMemory } from "./shared-memory.ts";

const bytes = 4096;
const rounds = 1_000_000;

/** What each process does: waits for the other, so that they really work at once, then adds in every way that there is. */
const program = (open: string): string => `
  import { SharedMemory } from ${JSON.stringify(join(import.meta.dir, "shared-memory.ts"))};
  const { buffer } = ${open};
  const counts = new Int32Array(buffer, 0, 3);
  const wide = new BigInt64Array(buffer, 64, 1);
  const gate = new Int32Array(buffer, 128, 1);
  const meet = (arrivals) => {
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < arrivals);
  };
  function exchange(row) {
    let seen = Atomics.load(row, 2);
    for (let now; (now = Atomics.compareExchange(row, 2, seen, seen + 1)) !== seen; ) seen = now;
  }
  const repeat = (act) => { for (let i = 0; i < ${rounds}; i++) act(); };
  meet(2);
  repeat(() => Atomics.add(counts, 0, 1));
  meet(4);
  repeat(() => Atomics.sub(counts, 1, 1));
  meet(6);
  repeat(() => exchange(counts));
  meet(8);
  repeat(() => Atomics.add(wide, 0, 1n));
`;

test("atomics of two processes lose nothing, in hot loops either", async () => {
  using memory = SharedMemory.create(bytes);
  const argv = [process.execPath, "-e", program(`SharedMemory.open(3, ${bytes})`)];
  const stdio = ["ignore", "inherit", "inherit", memory.fd] as unknown as ["ignore", "inherit", "inherit"];
  const children = [Bun.spawn(argv, { stdio }), Bun.spawn(argv, { stdio })];
  expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
  const [added, subtracted, exchanged] = new Int32Array(memory.buffer, 0, 3);
  expect({ added, subtracted, exchanged }).toEqual({
    added: 2 * rounds,
    subtracted: -2 * rounds,
    exchanged: 2 * rounds,
  });
  expect(new BigInt64Array(memory.buffer, 64, 1)[0]).toBe(BigInt(2 * rounds));
}, 60_000);

test("is zero at first, has one size, and outlives its descriptor", () => {
  const memory = SharedMemory.create(bytes);
  expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  expect(() => SharedMemory.open(memory.fd, 2 * bytes)).toThrow("[kernel] map shared memory of 8192 bytes: EINVAL");
  expect(() => ftruncateSync(memory.fd, 0)).toThrow("EPERM");
  memory[Symbol.dispose]();
  new Uint8Array(memory.buffer)[bytes - 1] = 7;
  expect(new Uint8Array(memory.buffer)[bytes - 1]).toBe(7);
});

test("what isn't shared memory is refused", () => {
  expect(() => SharedMemory.open(0, bytes)).toThrow("[kernel] map shared memory of 4096 bytes: EINVAL");
  expect(() => SharedMemory.create(0)).toThrow("[kernel]");
});
