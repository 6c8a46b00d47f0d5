import { expect, test } from "bun:test";
import { loadAll, verbs } from "./commands.ts";

test("each verb loads the command of its name", async () => {
  expect((await loadAll()).map(({ name }) => name)).toEqual(verbs.map(({ name }) => name));
});
