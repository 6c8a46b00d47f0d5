// Real HTTP and WebSocket clients with one mesh file between them and real servers: first in real Envoy, which says what is right,
// then in the compiled agent. Whatever the client, it gets the same answers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import {
  abilitiesOf,
  ask,
  askAll,
  type ClientAnswer,
  type HttpClientName,
  httpClientNames,
  systemPython,
  told,
} from "../support/http-clients.ts";
import { startHttpServers } from "../support/http-servers.ts";
import { root, run } from "../support/process.ts";
import { type Governed, govern, governors } from "./http-resources.ts";
import { mesh, shop, vips } from "./http-shop.ts";
import { type Task, tasks } from "./http-tasks.ts";
import { testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

describe.each(governors)("%s", (governor) => {
  const stack = new AsyncDisposableStack();
  let governed: Governed;

  beforeAll(async () => {
    governed = stack.use(await govern(governor, mesh, startHttpServers));
  });
  afterAll(() => stack.disposeAsync());

  describe.each(httpClientNames)("%s", (client) => {
    const mine = tasks.filter(({ needs }) => needs === undefined || abilitiesOf(client)[needs]);
    let answers: ReadonlyMap<Task, readonly ClientAnswer[]>;

    beforeAll(async () => {
      answers = await perform(client, mine, governed);
    });

    test.each(mine)("$name", (task) => {
      const { check } = task;
      check((answers.get(task) ?? []).map(told));
    });
  });

  describe("wrk", () => {
    test.each([
      ["canary by header", "/canary", ["-H", "x-canary: yes"]],
      ["rewritten", "/rewrite/x", []],
    ])("%s, under load: every answer is good", async (_, path, headers) => {
      const argv = ["wrk", "-t1", "-c16", "-d2s", "--latency", ...headers, `http://${shop}${path}`];
      const { stdout, status } = await run(argv, { enter: governed.enter });
      expect(status).toBe(0);
      expect(stdout).not.toMatch(/Non-2xx|Socket errors/);
      expect(Number(/(\d+) requests in/.exec(stdout)?.[1])).toBeGreaterThan(100);
    });
  });

  describe("WebSocket", () => {
    const url = `ws://${vips.websockets}/echo`;
    const program = (name: string) => join(root, "test/support/programs", name);
    test.each([
      ["Python websockets", [systemPython, program("websocket-client.py"), url]],
      ["Bun", [process.execPath, program("websocket-client.ts"), url]],
    ])("%s: messages, a large one, ping and the closing words", async (_, argv) => {
      const { stdout, stderr, status } = await run(argv, { enter: governed.enter });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const seen = { text: "hello", isSame: true, ping: true, code: 4001, reason: "as you say" };
      expect(JSON.parse(stdout)).toEqual(seen);
    });

    test("an upgrade that the listener doesn't allow is refused", async () => {
      const headers = { connection: "upgrade", upgrade: "chat" };
      expect(await ask("curl", { method: "GET", url: `http://${vips.go}/`, headers }, governed.enter)).toMatchObject({
        status: 403,
      });
    });
  });
});

/** All tasks in one run of the client: over one session. */
async function perform(
  client: HttpClientName,
  mine: readonly Task[],
  { enter }: Governed,
): Promise<ReadonlyMap<Task, readonly ClientAnswer[]>> {
  const id = crypto.randomUUID();
  const asked = mine.map((task) => [task, task.asks(id)] as const);
  const all = await askAll(
    client,
    asked.flatMap(([, asks]) => asks),
    enter,
  );
  const left = [...all];
  return new Map(asked.map(([task, { length }]) => [task, left.splice(0, length)]));
}
