import { expect, test } from "bun:test";
import { isLogLevel, Log, logLevels } from "./log.ts";

function log(level: (typeof logLevels)[number]): { log: Log; lines: () => unknown[] } {
  const written: string[] = [];
  const made = new Log(
    level,
    (line) => written.push(line),
    () => new Date(0),
  );
  return { log: made, lines: () => written.map((line) => JSON.parse(line)) };
}

test("one JSON object a line, whatever is in it", () => {
  const { log: it, lines } = log("info");
  it.info('a\n"b"', { path: "/x\ny", count: 3, missing: undefined });
  expect(lines()).toEqual([
    { time: "1970-01-01T00:00:00.000Z", level: "info", message: 'a\n"b"', path: "/x\ny", count: 3 },
  ]);
});

test.each([
  ["debug", ["debug", "info", "warn", "error"]],
  ["info", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
] as const)("level %s", (level, expected) => {
  const { log: it, lines } = log(level);
  for (const one of logLevels) it[one]("x");
  expect(lines().map((line) => (line as { level: string }).level)).toEqual([...expected]);
});

test("the level changes while it runs", () => {
  const { log: it, lines } = log("error");
  it.info("no");
  it.level = "debug";
  it.debug("yes");
  expect(lines()).toMatchObject([{ message: "yes" }]);
});

test("names of levels", () => {
  expect(["debug", "info", "warn", "error", "trace", "INFO", "", "toString"].map(isLogLevel)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
