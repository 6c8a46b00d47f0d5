import { describe, expect, test } from "bun:test";
import type { AppendAction, HeaderAddition, HeaderMutations } from "../../model/headers.ts";
import type { Route, RouteConfiguration, VirtualHost, WeightedDestination } from "../../model/route.ts";
import { Fields } from "./fields.ts";
import { applyMutations, requestMutations } from "./mutations.ts";
import { context, type Pairs, request } from "./request.fixture.ts";

function addition(name: string, value: string, action: AppendAction = "append_if_exists_or_add"): HeaderAddition {
  return { name, value: [{ type: "text", text: value }], action, keepEmpty: false };
}

const sent: Pairs = [
  ["X-A", "1"],
  ["x-a", "2"],
  ["x-b", "3"],
];

describe("applyMutations", () => {
  const cases: readonly (readonly [string, HeaderMutations, Pairs])[] = [
    ["append", { remove: [], add: [addition("x-a", "9")] }, [...sent, ["x-a", "9"]]],
    [
      "add if absent",
      { remove: [], add: [addition("x-a", "9", "add_if_absent"), addition("x-c", "9", "add_if_absent")] },
      [...sent, ["x-c", "9"]],
    ],
    ["overwrite if it exists", { remove: [], add: [addition("x-c", "9", "overwrite_if_exists")] }, sent],
    [
      "overwrite",
      { remove: [], add: [addition("x-a", "9", "overwrite_if_exists_or_add")] },
      [
        ["X-A", "9"],
        ["x-b", "3"],
      ],
    ],
    [
      "removal comes first",
      { remove: ["x-a"], add: [addition("x-a", "9", "add_if_absent")] },
      [
        ["x-b", "3"],
        ["x-a", "9"],
      ],
    ],
    [
      "what overwrites is written before what adds",
      { remove: [], add: [addition("x-b", "8"), addition("x-b", "9", "overwrite_if_exists_or_add")] },
      [
        ["X-A", "1"],
        ["x-a", "2"],
        ["x-b", "9"],
        ["x-b", "8"],
      ],
    ],
    ["empty is dropped", { remove: [], add: [addition("x-c", "")] }, sent],
    ["empty is kept", { remove: [], add: [{ ...addition("x-c", ""), keepEmpty: true }] }, [...sent, ["x-c", ""]]],
  ];
  test.each(cases)("%s", (_, mutations, expected) => {
    const fields = Fields.of(sent);
    applyMutations(fields, mutations, context());
    expect([...fields.pairs()]).toEqual(expected.map(([name, value]) => [name, value] as const));
  });

  test("values are made of the fields after the removals, before any addition", () => {
    const changed = request([
      ["x-a", "1"],
      ["x-b", "2"],
    ]);
    const read = (name: string) =>
      ({ type: "request_header", name, alternative: undefined, maxLength: undefined }) as const;
    const add: readonly HeaderAddition[] = [
      { ...addition("x-a", "", "overwrite_if_exists_or_add"), value: [read("x-b")] },
      { ...addition("x-c", ""), value: [read("x-a"), read("x-b")] },
    ];
    applyMutations(changed.fields, { remove: ["x-b"], add }, context({ request: changed }));
    expect(changed.fields.toString()).toBe("x-a: 1\r\nx-c: 1\r\n");
  });
});

describe("the order of the levels", () => {
  const level = (value: string): { requestHeaders: HeaderMutations } => ({
    requestHeaders: { remove: [], add: [addition("x", value)] },
  });
  const order = (mostSpecificHeadersWin: boolean): readonly string[] =>
    requestMutations(
      { ...level("configuration"), mostSpecificHeadersWin } as RouteConfiguration,
      level("virtual host") as VirtualHost,
      level("route") as Route,
      level("weighted") as WeightedDestination,
    ).map(({ add }) => (add[0]?.value[0]?.type === "text" ? add[0].value[0].text : ""));

  test("the most general wins by default", () => {
    expect(order(false)).toEqual(["weighted", "route", "virtual host", "configuration"]);
  });
  test("most_specific_header_mutations_wins", () => {
    expect(order(true)).toEqual(["weighted", "configuration", "virtual host", "route"]);
  });
});
