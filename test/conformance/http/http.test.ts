// HTTP/1.1 through Envoy and through the relay with the same file: the same answers, the same requests at the same backends, but
// for the differences that are listed.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type HttpDifferenceId, httpDifferences } from "./differences.ts";
import { refusedFiles } from "./files.ts";
import { groups } from "./groups.ts";
import { judge, judgeAlone } from "./judge.ts";
import { type Played, playGroup, sidesOf } from "./play-group.ts";
import { plain, rules } from "./transparency.ts";

setDefaultTimeout(300_000);

const sides = sidesOf(process.env);
const needed = new Set<HttpDifferenceId>();

describe.each(groups.map((group, index) => [group.name, group, index] as const))("%s", (_, group, index) => {
  let played: readonly Played[] = [];

  beforeAll(async () => {
    played = await playGroup(group, index, sides);
  });

  const names = group.settings.flatMap((setting) => setting.cases.map((one) => [setting.name, one] as const));

  test.each(names.map(([setting, one]) => [`${setting}: ${one.name}`, setting, one] as const))(
    "%s",
    (_, setting, one) => {
      const found = played.find((each) => each.one === one && each.setting === setting);
      if (found === undefined) throw new Error("never played");
      const { envoy, ours } = found.seen;
      if (envoy !== undefined && ours !== undefined) {
        judge(one, envoy, ours);
        for (const { id } of rules) if (!Bun.deepEquals(plain(envoy, id), plain(ours, id))) needed.add(id);
      } else if (envoy !== undefined) judgeAlone(one, "envoy", envoy);
      else if (ours !== undefined) judgeAlone(one, "ours", ours);
      if (one.difference !== undefined) needed.add(one.difference.id);
    },
  );
});

test.if(sides.length === 2)("every difference on the list is shown", () => {
  for (const { difference } of refusedFiles) needed.add(difference);
  expect([...needed].sort()).toEqual(Object.keys(httpDifferences).sort() as HttpDifferenceId[]);
});
