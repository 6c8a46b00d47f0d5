import { expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { describeStreamError, isUnimplemented } from "./stream-error.ts";

const server = "10.0.0.1:15010";

function system(code: string): ConnectError {
  return new ConnectError("failed", Code.Unavailable, undefined, undefined, Object.assign(new Error(code), { code }));
}

const cases: readonly [unknown, string][] = [
  [system("ECONNREFUSED"), "connection refused by 10.0.0.1:15010"],
  [system("ECONNRESET"), "the connection to 10.0.0.1:15010 was lost"],
  [system("EPIPE"), "the connection to 10.0.0.1:15010 was lost"],
  [system("ENOTFOUND"), "the name of 10.0.0.1:15010 can't be resolved"],
  [system("EHOSTUNREACH"), "no route to 10.0.0.1:15010"],
  [system("ETIMEDOUT"), "no answer from 10.0.0.1:15010"],
  [new ConnectError("killed", Code.Canceled), "the connection to 10.0.0.1:15010 was lost"],
  [new ConnectError("protocol error: missing status", Code.Internal), "the connection to 10.0.0.1:15010 was lost"],
  [new ConnectError("PING timed out", Code.Unavailable), "10.0.0.1:15010 is unavailable: PING timed out"],
  [new ConnectError("HTTP 404", Code.Unimplemented), "10.0.0.1:15010 doesn't offer ADS: HTTP 404"],
  [new ConnectError("who are you", Code.PermissionDenied), "10.0.0.1:15010 refuses this node: who are you"],
  [new ConnectError("illegal tag", Code.InvalidArgument), "the stream to 10.0.0.1:15010 broke: illegal tag"],
  [new ConnectError("bye", Code.NotFound), "10.0.0.1:15010 ended the stream: bye"],
  [
    new ConnectError("Session closed with error code 11", Code.Internal),
    "10.0.0.1:15010 finds our keep-alive PINGs too frequent: they will come half as often",
  ],
  [
    new ConnectError("Session closed with error code 110", Code.Internal),
    "the stream to 10.0.0.1:15010 broke: Session closed with error code 110",
  ],
  [new Error("odd"), "the stream to 10.0.0.1:15010 failed: Error: odd"],
  ["odd", "the stream to 10.0.0.1:15010 failed: odd"],
];

test.each(cases)("stream error %#", (thrown, expected) => {
  expect(describeStreamError(thrown, server)).toBe(expected);
});

test("stream error: what a server says is one short line without control characters", () => {
  const said = describeStreamError(
    new ConnectError(`\u001b[31mred\n\u202Eline${"x".repeat(1000)}`, Code.Unavailable),
    server,
  );
  expect(said).toMatch(/^\P{Cc}{1,260}$/u);
  expect(said).toContain("[31mred line");
});

test("stream error: a loop of causes ends", () => {
  const error: Error & { cause?: unknown } = new Error("a");
  error.cause = error;
  expect(describeStreamError(error, server)).toBe("the stream to 10.0.0.1:15010 failed: Error: a");
});

test.each([
  [new ConnectError("no", Code.Unimplemented), true],
  [new ConnectError("no", Code.Unavailable), false],
  [new Error("no"), false],
])("stream error: unimplemented %#", (thrown, expected) => {
  expect(isUnimplemented(thrown)).toBe(expected);
});
