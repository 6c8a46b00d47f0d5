import { describe, expect, test } from "bun:test";
import { directResponse, isGrpcRequest, type LocalReply, localReply, redirectReply } from "./local-reply.ts";
import { type Pairs, request } from "./request.fixture.ts";

const plain = request([], { path: "/p" });
const grpc = request([["content-type", "application/grpc+proto"]], { path: "/p" });
const text = (body: string): Uint8Array => Buffer.from(body);

describe("local replies, asked of Envoy 1.40", () => {
  const cases: readonly (readonly [string, LocalReply, status: number, fields: Pairs, body: string])[] = [
    [
      "text",
      localReply(plain, 503, "no"),
      503,
      [
        ["content-type", "text/plain"],
        ["content-length", "2"],
      ],
      "no",
    ],
    ["empty", localReply(plain, 404, ""), 404, [["content-length", "0"]], ""],
    [
      "the route's type",
      localReply(plain, 200, "<p>", { change: (fields) => fields.add("Content-Type", "text/html") }),
      200,
      [
        ["Content-Type", "text/html"],
        ["content-length", "3"],
      ],
      "<p>",
    ],
    ["204", localReply(plain, 204, ""), 204, [], ""],
    [
      "redirect",
      redirectReply(plain, 301, "http://b/"),
      301,
      [
        ["location", "http://b/"],
        ["content-length", "0"],
      ],
      "",
    ],
    [
      "created",
      directResponse({ type: "direct_response", status: 201, body: text("hi") }, plain),
      201,
      [
        ["location", "http://a.example:81/p"],
        ["content-type", "text/plain"],
        ["content-length", "2"],
      ],
      "hi",
    ],
    [
      "304",
      directResponse({ type: "direct_response", status: 304, body: text("") }, plain),
      304,
      [["location", "http://a.example:81/p"]],
      "",
    ],
    [
      "gRPC",
      localReply(grpc, 403, "RBAC: 100% denied\xe9"),
      200,
      [
        ["content-type", "application/grpc"],
        ["grpc-status", "7"],
        ["grpc-message", "RBAC: 100%25 denied%E9"],
        ["content-length", "0"],
      ],
      "",
    ],
    [
      "gRPC without text",
      redirectReply(grpc, 301, "http://b/"),
      200,
      [
        ["location", "http://b/"],
        ["content-type", "application/grpc"],
        ["grpc-status", "2"],
        ["content-length", "0"],
      ],
      "",
    ],
    [
      "gRPC with a status of its own",
      localReply(grpc, 200, "x", { grpcStatus: 5 }),
      200,
      [
        ["content-type", "application/grpc"],
        ["grpc-status", "5"],
        ["grpc-message", "x"],
        ["content-length", "0"],
      ],
      "",
    ],
  ];
  test.each(cases)("%s", (_, reply, status, fields, body) => {
    expect(reply.status).toBe(status);
    expect([...reply.fields.pairs()]).toEqual(fields.map(([name, value]) => [name, value] as const));
    expect(Buffer.from(reply.body).toString()).toBe(body);
  });
});

test.each([
  ["application/grpc", true],
  ["application/grpc+json", true],
  ["application/grpc-web", false],
  ["text/plain", false],
])("gRPC: %s", (type, expected) => {
  expect(isGrpcRequest(request([["content-type", type]]))).toBe(expected);
});
