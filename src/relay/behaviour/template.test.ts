import { describe, expect, test } from "bun:test";
import type { ValueTemplate } from "../../model/headers.ts";
import { context, request, response, socketAddress } from "./request.fixture.ts";
import { evaluateTemplate, type TemplateContext } from "./template.ts";
import { formatTime } from "./time-format.ts";

const header = { alternative: undefined, maxLength: undefined };
const onTheWayBack: Partial<TemplateContext> = {
  response: response(404, [
    ["x-z", "a"],
    ["x-z", "b"],
  ]),
  upstream: socketAddress("10.1.1.1:8080"),
  responseFlags: "UF",
};
const twice = request(
  [
    ["x-m", "abc"],
    ["X-M", "d"],
  ],
  { path: "/p?q" },
);

describe("evaluateTemplate, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [string, ValueTemplate, Partial<TemplateContext>, string])[] = [
    ["text", [{ type: "text", text: "100%" }], {}, "100%"],
    ["the first of two", [{ type: "request_header", ...header, name: "x-m" }], { request: twice }, "abc"],
    ["missing", [{ type: "request_header", ...header, name: "x-n" }], {}, ""],
    [
      "alternative",
      [{ type: "request_header", ...header, name: "x-n", alternative: ":path" }],
      { request: twice },
      "/p?q",
    ],
    ["cut", [{ type: "request_header", ...header, name: ":authority", maxLength: 3 }], {}, "a.e"],
    ["response", [{ type: "response_header", ...header, name: "x-z" }], onTheWayBack, "a"],
    ["status", [{ type: "response_header", ...header, name: ":status" }], onTheWayBack, "404"],
    ["no response yet", [{ type: "response_header", ...header, name: ":status" }], {}, ""],
    ["code", [{ type: "response_code" }], onTheWayBack, "404"],
    ["no code yet", [{ type: "response_code" }], {}, "0"],
    ["flags", [{ type: "response_flags" }], onTheWayBack, "UF"],
    ["no flags", [{ type: "response_flags" }], {}, "-"],
    ["endpoint", [{ type: "upstream_host" }], onTheWayBack, "10.1.1.1:8080"],
    ["no endpoint yet", [{ type: "upstream_host" }], {}, ""],
    ["endpoint's port", [{ type: "upstream_remote_port" }], onTheWayBack, "8080"],
    [
      "client and destination",
      [{ type: "downstream_remote_address" }, { type: "text", text: " " }, { type: "downstream_local_address" }],
      {},
      "10.0.0.1:5000 [2001:db8::1]:80",
    ],
    ["without port", [{ type: "downstream_local_address_without_port" }], {}, "2001:db8::1"],
    ["names", [{ type: "upstream_cluster" }, { type: "route_name" }, { type: "hostname" }], {}, "backendroutenode"],
    ["protocol", [{ type: "protocol" }], {}, "HTTP/1.1"],
    ["time", [{ type: "start_time", format: "" }], {}, "2026-11-03T09:05:07.045Z"],
  ];
  test.each(cases)("%s", (_, template, about, expected) => {
    expect(evaluateTemplate(template, context(about))).toBe(expected);
  });
});

describe("formatTime", () => {
  const time = Date.UTC(2026, 10, 3, 9, 5, 7, 45);
  const cases: readonly (readonly [format: string, expected: string])[] = [
    ["%Y-%m-%dT%H:%M:%S", "2026-11-03T09:05:07"],
    ["%s.%3f", "1793696707.045"],
    ["%f|%1f|%6f", "045000000|0|045000"],
    ["%3s", "1793696707"],
    ["%e|%j|%y|%I %p", " 3|307|26|09 AM"],
    ["%a %b %A %B", "Tue Nov Tuesday November"],
    ["%F %T %D %R", "2026-11-03 09:05:07 11/03/26 09:05"],
    ["%E3S|%E*S|%E0S", "07.045|07.045|07"],
    ["%Z %z %%Y", "UTC +0000 %Y"],
    ["%Q", "%Q"],
  ];
  test.each(cases)("%s", (format, expected) => {
    expect(formatTime(time, format)).toBe(expected);
  });
});
