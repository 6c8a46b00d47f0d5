import { describe, expect, test } from "bun:test";
import type { ValueTemplate } from "../../model/headers.ts";
import { parseTemplate } from "./value-template.ts";

describe("what a value becomes", () => {
  const cases: readonly [value: string, template: ValueTemplate][] = [
    ["", []],
    ["plain", [{ type: "text", text: "plain" }]],
    ["100%%", [{ type: "text", text: "100%" }]],
    ["é", [{ type: "text", text: "\u00c3\u00a9" }]],
    ["%PROTOCOL%", [{ type: "protocol" }]],
    ["%PROTOCOL()%", [{ type: "protocol" }]],
    ["a %HOSTNAME%%% b", [{ type: "text", text: "a " }, { type: "hostname" }, { type: "text", text: "% b" }]],
    ["%REQ(X-User?:Path):12%", [{ type: "request_header", name: "x-user", alternative: ":path", maxLength: 12 }]],
    ["%RESP(a):0%", [{ type: "response_header", name: "a", alternative: undefined, maxLength: 0 }]],
    // As Envoy: nothing has an empty name.
    ["%REQ(?b)%", [{ type: "request_header", name: "b", alternative: undefined, maxLength: undefined }]],
    ["%UPSTREAM_HOST%%ROUTE_NAME%", [{ type: "upstream_host" }, { type: "route_name" }]],
    ["%START_TIME%", [{ type: "start_time", format: "" }]],
    ["%START_TIME(%s.%3f)%", [{ type: "start_time", format: "%s.%3f" }]],
  ];
  test.each([...cases])("%j", (value, template) => {
    expect(parseTemplate(value)).toEqual({ template });
  });
});

describe("what Envoy refuses, and what can't be filled in here", () => {
  const cases: readonly [value: string, problem: string][] = [
    ["100%", '"%" is no command operator: a percent sign is written %%'],
    ["a%b%c", '"%b%c" is no command operator: a percent sign is written %%'],
    ["%req(x)%", '"%req(x)%" is no command operator: a percent sign is written %%'],
    ["%REQ(x%", '"%REQ(x%" is no command operator: a percent sign is written %%'],
    ["%REQ%", '"%REQ%" must name a header'],
    ["%REQ()%", '"%REQ()%" must name a header'],
    ["%REQ(a?b?c)%", '"%REQ(a?b?c)%" has more than one alternative'],
    ["%REQ( x )%", `"%REQ( x )%" has characters that a header can't have`],
    ["%REQ(a\nb)%", `"%REQ(a\\nb)%" has characters that a header can't have`],
    ["%PROTOCOL:3%", '"%PROTOCOL:3%" takes no parameters and no length'],
    ["%PROTOCOL(x)%", '"%PROTOCOL(x)%" takes no parameters and no length'],
    ["%START_TIME:3%", '"%START_TIME:3%" takes no length'],
    ["%DYNAMIC_METADATA(a)%", `"%DYNAMIC_METADATA(a)%" isn't supported`],
    ["%NOPE%", `"%NOPE%" isn't supported`],
    ["%CONSTRUCTOR%", `"%CONSTRUCTOR%" isn't supported`],
  ];
  test.each([...cases])("%j", (value, problem) => {
    expect(parseTemplate(value)).toEqual({ problem });
  });
});

test("a long value is read in one pass", () => {
  const parsed = parseTemplate("%PROTOCOL%x".repeat(1500));
  expect("template" in parsed ? parsed.template.length : 0).toBe(3000);
});
