import { describe, expect, test } from "bun:test";
import { type AppendAction, noMutations, type ValueTemplate } from "../../model/headers.ts";
import { modelOf } from "./testdata/decode-yaml.ts";
import { configuration, forwarding, host, route, routesOf } from "./testdata/route-yaml.ts";

describe("header mutations", () => {
  const value: ValueTemplate = [{ type: "text", text: "v" }];
  const addition = (option: string): string =>
    `request_headers_to_add: [{ header: { key: X-A, value: v }, ${option} }]`;
  const cases: readonly [option: string, action: AppendAction, keepEmpty: boolean][] = [
    ["", "append_if_exists_or_add", false],
    ["append: true, keep_empty_value: true", "append_if_exists_or_add", true],
    ["append: false", "overwrite_if_exists_or_add", false],
    ["append_action: ADD_IF_ABSENT", "add_if_absent", false],
    ["append_action: OVERWRITE_IF_EXISTS", "overwrite_if_exists", false],
    ["append_action: OVERWRITE_IF_EXISTS_OR_ADD", "overwrite_if_exists_or_add", false],
  ];
  test.each([...cases])("%s", (option, action, keepEmpty) => {
    const model = routesOf(
      route(forwarding(""), "prefix: /", `${addition(option)}, request_headers_to_remove: [X-B]`),
    )[0];
    expect(model?.requestHeaders).toEqual({ remove: ["x-b"], add: [{ name: "X-A", value, action, keepEmpty }] });
  });

  test("stand on every level", () => {
    const remove = "response_headers_to_remove: [A]";
    const yaml = `${configuration(host(route(forwarding(""), "prefix: /", remove), `${remove},`))}\n${remove}
most_specific_header_mutations_wins: true
ignore_port_in_host_matching: true
internal_only_headers: [X-Internal]`;
    const model = modelOf("route", yaml);
    const [virtualHost] = model.virtualHosts;
    for (const level of [model, virtualHost, virtualHost?.routes[0]]) {
      expect(level?.responseHeaders).toEqual({ remove: ["a"], add: [] });
      expect(level?.requestHeaders).toEqual(noMutations);
    }
    expect(model).toMatchObject({
      mostSpecificHeadersWin: true,
      ignorePortInHost: true,
      internalOnlyHeaders: ["x-internal"],
    });
  });
});
