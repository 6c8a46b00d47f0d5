import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Address,
  equalAddress,
  type Family,
  formatAddress,
  formatSocketAddress,
  isLoopback,
  isUnspecified,
  parseAddress,
  parseSocketAddress,
  prefixOf,
} from "./ip.ts";

const parse = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};

describe("addresses", () => {
  test.each<[string, Family, string]>([
    ["0.0.0.0", 4, "0.0.0.0"],
    ["127.96.0.1", 4, "127.96.0.1"],
    ["255.255.255.255", 4, "255.255.255.255"],
    ["::", 6, "::"],
    ["::1", 6, "::1"],
    ["2001:DB8:0:0:1::1", 6, "2001:db8::1:0:0:1"],
    ["2001:db8:0:0:0:0:2:1", 6, "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", 6, "2001:db8:0:1:1:1:1:1"],
    ["1::", 6, "1::"],
    ["::ffff:10.0.0.1", 4, "10.0.0.1"],
    ["::ffff:a00:1", 4, "10.0.0.1"],
    ["64:ff9b::10.0.0.1", 6, "64:ff9b::a00:1"],
  ])("%s", (text, family, canonical) => {
    const address = parse(text);
    expect([address.family, formatAddress(address)]).toEqual([family, canonical]);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "0x7f.1",
    "fe80::1%eth0",
    "[::1]",
    ":::",
    "1::2::3",
    "example",
    "12345::",
  ])("%p is none", (text) => expect(parseAddress(text)).toBeUndefined());

  test("what is formatted is parsed to the same address", () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const sparse = fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
      .map((all) => Uint8Array.from(all));
    fc.assert(
      fc.property(fc.oneof(bytes, sparse), (all) => {
        const text = formatAddress({ family: 6, bytes: all });
        const back = parse(text);
        const mapped = all.subarray(0, 10).every((byte) => byte === 0) && all[10] === 255 && all[11] === 255;
        if (mapped) expect(back.family).toBe(4);
        else expect(back).toEqual({ family: 6, bytes: all });
      }),
    );
    fc.assert(fc.property(fc.ipV4(), (text) => expect(formatAddress(parse(text))).toBe(text)));
  });

  test("kinds", () => {
    expect(["0.0.0.0", "::", "0.0.0.1"].map((text) => isUnspecified(parse(text)))).toEqual([true, true, false]);
    expect(
      ["127.0.0.1", "127.96.3.4", "::1", "128.0.0.1", "::2", "7f00::1"].map((text) => isLoopback(parse(text))),
    ).toEqual([true, true, true, false, false, false]);
    expect(equalAddress(parse("0.0.0.0"), parse("::"))).toBe(false);
    expect(equalAddress(parse("::ffff:1.2.3.4"), parse("1.2.3.4"))).toBe(true);
  });
});

describe("socket addresses", () => {
  test.each(["1.2.3.4:80", "[2001:db8::1]:65535", "[::]:1"])("%s", (text) => {
    const parsed = parseSocketAddress(text);
    expect(parsed && formatSocketAddress(parsed)).toBe(text);
  });

  test.each([
    "1.2.3.4",
    "1.2.3.4:",
    "1.2.3.4:0",
    "1.2.3.4:65536",
    "1.2.3.4:080808",
    "::1:80",
    "[::1]",
    "[::1:80",
    "host:80",
    "[1.2.3.4:80",
    ":80",
    "1.2.3.4:8e1",
  ])("%p is none", (text) => expect(parseSocketAddress(text)).toBeUndefined());
});

describe("prefixes", () => {
  test.each<[string, number, string]>([
    ["10.1.2.3", 32, "10.1.2.3"],
    ["10.1.2.3", 24, "10.1.2.0"],
    ["10.1.2.255", 25, "10.1.2.128"],
    ["10.1.2.3", 9, "10.0.0.0"],
    ["10.1.2.3", 0, "0.0.0.0"],
    ["2001:db8::ffff", 120, "2001:db8::ff00"],
    ["2001:db8::1", 128, "2001:db8::1"],
    ["ffff::", 1, "8000::"],
  ])("%s/%d", (text, length, base) => {
    const { address, length: kept } = prefixOf(parse(text), length);
    expect([formatAddress(address), kept]).toEqual([base, length]);
  });
});
