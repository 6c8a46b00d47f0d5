import { expect, test } from "bun:test";
import { parseSocketAddress, type SocketAddress } from "../ip.ts";
import { relaySettings } from "./relayed.ts";

function at(...texts: readonly string[]): SocketAddress[] {
  return texts.flatMap((text) => parseSocketAddress(text) ?? []);
}

const none = new Uint8Array(16);
const v4 = Uint8Array.of(127, 0, 0, 1, ...none.subarray(4));
const v6 = Uint8Array.of(...none.subarray(1), 1);

test.each([
  ["none", at(), { relayV4: none, relayV6: none, relayPortBe: 0 }],
  ["both families", at("127.0.0.1:7", "[::1]:7"), { relayV4: v4, relayV6: v6, relayPortBe: 7 }],
  ["IPv4 alone", at("127.0.0.1:7"), { relayV4: v4, relayV6: none, relayPortBe: 7 }],
  ["IPv6 alone", at("[::1]:8"), { relayV4: none, relayV6: v6, relayPortBe: 8 }],
] as const)("the relay's addresses: %s", (_name, addresses, settings) => {
  expect(relaySettings(addresses)).toEqual(settings);
});

test("a relay has one port", () => {
  expect(() => relaySettings(at("127.0.0.1:7", "[::1]:8"))).toThrow("it must have one port, not 127.0.0.1:7, [::1]:8");
});
