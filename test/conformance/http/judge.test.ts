import { describe, expect, test } from "bun:test";
import { diff, judge } from "./judge.ts";
import type { Message, Observation } from "./observe.ts";
import { type Case, one } from "./scenario.ts";
import { plain, rules } from "./transparency.ts";

function message(line: string, more: Partial<Message> = {}): Message {
  return { line, fields: [], body: "", framing: "none", trailers: [], isComplete: true, ...more };
}

function observation(answer: Partial<Message>, request: Partial<Message> = {}): Observation {
  return {
    exchanges: [{ answers: [message("HTTP/1.1 200 OK", answer)], interim: [], rest: "", closed: "open" }],
    upstream: { a: [{ ...message("GET / HTTP/1.1", request), tunnel: "" }] },
  };
}

const plainCase = one("c", "", "200 a");
const known: Case = { ...plainCase, difference: { id: "strict-parsing", ours: { answers: ["400"] } } };
const served = observation({ body: "a" });
const refused = observation({ line: "HTTP/1.1 400 Bad Request" });

describe("judging", () => {
  test.each([
    ["both as expected, and the same", plainCase, served, served],
    ["a difference that is there", known, served, refused],
    [
      "what is random isn't compared",
      { ...plainCase, isRandom: true },
      served,
      observation({ body: "a", fields: [["x", "1"]] }),
    ],
    ["shares", { ...plainCase, shares: { a: 1 } }, served, refused],
  ] as const)("passes: %s", (_, one, envoy, ours) => {
    expect(() => judge(one, envoy, ours)).not.toThrow();
  });

  test.each([
    ["Envoy not as expected", plainCase, refused, served, "Envoy: answers"],
    ["we not as expected", plainCase, served, refused, "kmesh-edge: answers"],
    ["both the same, and wrong", plainCase, refused, refused, "Envoy: answers"],
    [
      "as expected, but not the same",
      plainCase,
      served,
      observation({ body: "a", fields: [["x", "1"]] }),
      "not the same",
    ],
    [
      "a difference that is gone",
      { ...known, expect: {}, difference: { id: "strict-parsing", ours: {} } },
      served,
      served,
      "no longer exists",
    ],
    ["shares of one that can't be", { ...plainCase, shares: { b: 1 } }, served, served, "impossible"],
  ] as const)("fails: %s", (_, one, envoy, ours, message) => {
    expect(() => judge(one as Case, envoy, ours)).toThrow(message);
  });
});

describe("transparency", () => {
  const envoy: Observation = observation(
    {
      line: "HTTP/1.0 200 OK",
      fields: [
        ["x-a", "1"],
        ["date", "now"],
        ["server", "envoy"],
        ["content-length", "0"],
      ],
    },
    {
      fields: [
        ["host", "h"],
        ["x-a", "1"],
        ["x-request-id", "r"],
        ["content-length", "0"],
      ],
      framing: "length",
    },
  );
  const ours: Observation = observation(
    {
      line: "HTTP/1.1 200 Fine",
      fields: [
        ["Content-Length", "0"],
        ["X-A", "1"],
      ],
      trailers: [["x", "y"]],
    },
    {
      fields: [
        ["X-A", "1"],
        ["Host", "h"],
      ],
    },
  );

  test("the rules take out what Envoy writes", () => {
    expect(diff(plain(envoy), plain(ours))).toBe("");
  });

  test.each(rules.map(({ id }) => id))("without %s the difference is seen", (id) => {
    expect(diff(plain(envoy, id), plain(ours, id))).not.toBe("");
  });

  test.each([
    ["an answer's other field", observation({ fields: [["x-a", "2"]] }), observation({ fields: [["x-a", "1"]] })],
    [
      "the order of one field's values",
      observation({
        fields: [
          ["a", "1"],
          ["a", "2"],
        ],
      }),
      observation({
        fields: [
          ["a", "2"],
          ["a", "1"],
        ],
      }),
    ],
    [
      "a length of a request with a body",
      observation({}, { body: "x", framing: "length" }),
      observation({}, { body: "x", framing: "chunked" }),
    ],
    ["x-forwarded-for", observation({}, { fields: [["x-forwarded-for", "1"]] }), observation({})],
  ] as const)("never takes out %s", (_, one, other) => {
    expect(diff(plain(one), plain(other))).not.toBe("");
  });
});
